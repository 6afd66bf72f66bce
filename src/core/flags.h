/* SPDX-License-Identifier: MIT */
/* The flags of the command line as rows (tables/flags.def). Any process. */
#ifndef CORE_FLAGS_H
#define CORE_FLAGS_H

#include <stddef.h>

struct flag {
	int letter; /* below 32: there is only the long form */
	const char *name, *argument, *sentence;
};

enum { FLAG_READY_FD = 1, FLAG_JSON, FLAG_WATCH };

extern const struct flag flags[];
extern const size_t flag_count;

#endif
