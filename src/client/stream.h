/* SPDX-License-Identifier: MIT */
/* Standard input to the peer, and what comes back to stdout, both as they come. One process. */
#ifndef CLIENT_STREAM_H
#define CLIENT_STREAM_H

#include "client/session.h"

/* Goes on to the end of both; false with err when an answer is missing or wrong. */
bool session_run_stream(struct session *session, struct err *err);

#endif
