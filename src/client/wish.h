/* SPDX-License-Identifier: MIT */
/* What the command line of a talk asks for (tables/client_flags.def). One process. */
#ifndef CLIENT_WISH_H
#define CLIENT_WISH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "client/framing.h"

struct wish {
	int action; /* 'h', 'V', or 0: talk */
	int family; /* AF_INET, AF_INET6 or AF_UNSPEC */
	bool verbose, hex, half_close;
	bool no_answers; /* none are waited for, and none shown */
	enum framing framing;
	const char *bind; /* NULL: the system chooses */
	int64_t rounds;   /* how often all messages are sent */
	int interval_ms, timeout_ms, quiet_ms;
	char *const *words; /* of the command line, behind the flags */
	int word_count;
	char *const *messages; /* those of the words that tell no address; the caller knows which */
	int message_count;     /* 0: standard input */
};

/* Reads the flags; false with err (CODE_USAGE). */
bool wish_read(struct wish *wish, int argc, char **argv, struct err *err);

/* Says what does not go together, when the messages are known; false with err (CODE_USAGE). */
bool wish_check(const struct wish *wish, struct err *err);

/* Prints the text of -h. */
void wish_help(void);

#endif
