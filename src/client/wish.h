/* SPDX-License-Identifier: MIT */
/* What the command line of a talk asks for (tables/client_flags.def). One process. */
#ifndef CLIENT_WISH_H
#define CLIENT_WISH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "client/framing.h"

struct client_options {
	int action; /* 'h', 'V', or 0: talk */
	int family; /* AF_INET, AF_INET6 or AF_UNSPEC */
	bool verbose, hex, half_close;
	bool no_responses; /* none are waited for, and none shown */
	enum framing framing;
	const char *bind; /* NULL: the system chooses */
	int64_t count;    /* how often all messages are sent */
	int interval_ms, timeout_ms, quiet_time_ms;
	char *const *arguments; /* of the command line, behind the flags */
	int argument_count;
	char *const *messages; /* those of the words that tell no address; the caller knows which */
	int message_count;     /* 0: standard input */
};

/* Reads the flags; false with err (CODE_USAGE). */
bool client_options_read(struct client_options *options, int argc, char **argv, struct err *err);

/* Says what does not go together, when the messages are known; false with err (CODE_USAGE). */
bool client_options_check(const struct client_options *options, struct err *err);

/* Prints the text of -h. */
void client_options_help(void);

#endif
