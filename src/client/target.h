/* SPDX-License-Identifier: MIT */
/*
 * The address to connect to, from the command line: HOST PORT, HOST:PORT, [HOST]:PORT, unix:PATH,
 * or http[s]://HOST[:PORT][/PATH]. One process; queries the resolver, which may wait.
 */
#ifndef CLIENT_TARGET_H
#define CLIENT_TARGET_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/err.h"

enum { TARGET_ADDRESSES = 16, TARGET_TEXT = 1024 };

struct target {
	struct addr addresses[TARGET_ADDRESSES]; /* in the order in which they are tried */
	int count;
	bool is_http, is_https; /* https is http too */
	char name[TARGET_TEXT]; /* HOST:PORT or unix:PATH, for messages and HTTP's Host */
	char path[TARGET_TEXT]; /* of HTTP, from "/" on */
};

/*
 * Reads the leading ones of `count` words and resolves the name to addresses of that family
 * (AF_UNSPEC: any). An http:// or https:// address is taken only where http is true. Returns the
 * number of words used, 1 or 2, or 0 with err: CODE_USAGE, or CODE_NOHOST for a name that has no
 * address.
 */
int target_read(struct target *target, char *const *arguments, int count, int family, bool http,
		struct err *err);

/* Stores -4 or -6 (AF_INET, AF_INET6) in *family, AF_UNSPEC before; false with err for both. */
bool target_set_family(int *family, int wanted, struct err *err);

/*
 * Reads the source, ADDRESS or ADDRESS:PORT (port 0: the system chooses). Returns false with err.
 */
bool target_read_source(const char *text, int family, struct addr *source, struct err *err);

#endif
