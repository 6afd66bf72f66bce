/* SPDX-License-Identifier: MIT */
/*
 * -s VERB: sends the running server a signal, waits for the outcome and prints it; or prints the
 * status of the server. Runs in a process of its own, which knows the server by its pid file and
 * its scoreboard alone.
 */
#ifndef CTL_CONTROL_H
#define CTL_CONTROL_H

#include <stdbool.h>

#include "base/err.h"
#include "config/conf.h"
#include "config/conf_load.h"

/* The command line. */
struct control_options {
	const char *verb, *argument; /* argument: the word behind it, or NULL */
	bool quiet; /* print nothing on success; of the verb status: nor that no server runs */
	bool json;  /* of the verb status: print JSON */
	bool watch; /* of the verb status: draw the screen on the terminal each second */
};

/*
 * Carries out the verb (tables/verbs.def) and prints the outcome on stdout. Returns CODE_OK, or
 * CODE_FAILED with err (no server is running, it refused, it took too long). An unknown verb:
 * CODE_USAGE.
 */
enum exit_code control_run(const struct control_options *opts, const struct conf_source *source,
			   struct err *err);

/* Returns false with err when the verb takes no argument and has one, or lacks its argument. */
bool control_check_argument(const struct control_options *opts, struct err *err);

#endif
