/* SPDX-License-Identifier: MIT */
/* The messages of the command line, one after the other, each with its answer. One process. */
#ifndef CLIENT_SESSION_RUN_H
#define CLIENT_SESSION_RUN_H

#include "client/session.h"

/* Sends all as often as wished; false with err at the first answer that is missing or wrong. */
bool session_run_messages(struct session *session, struct err *err);

#endif
