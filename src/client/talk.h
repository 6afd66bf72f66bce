/* SPDX-License-Identifier: MIT */
/* prefork-client without a verb: sends messages, receives the answers, prints them. */
#ifndef CLIENT_TALK_H
#define CLIENT_TALK_H

#include "base/err.h"

/*
 * Does all that the command line says and returns the exit code; err's text is empty when there is
 * nothing more to say. Own process; SIGPIPE is ignored already.
 */
enum exit_code talk_main(int argc, char **argv, struct err *err);

#endif
