/* SPDX-License-Identifier: MIT */
/*
 * The flag -P of the client and of its bench: reads it, and makes the PROXY header that begins each
 * connection (base/proxy_header.h). One process; queries the resolver, which may wait.
 */
#ifndef CLIENT_PROXY_FLAG_H
#define CLIENT_PROXY_FLAG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/proxy_header.h"

/* One end, as the flag has it; else it is the connection's own. */
struct proxy_end {
	bool is_given;
	bool has_port; /* false: the port is that of the connection's own end */
	struct addr addr;
};

struct proxy_flag {
	unsigned version; /* 0: the flag was not given */
	bool is_local;
	struct proxy_end source, destination;
};

/* Reads v1|v2[,SOURCE[,DESTINATION]] or local. Returns false with err (CODE_USAGE, CODE_NOHOST). */
bool proxy_flag_read(struct proxy_flag *flag, const char *text, struct err *err);

/*
 * Writes the header of the connection between these two to `to`, of PROXY_BUILD_MOST bytes, and
 * returns its length. Only when the flag was given.
 */
size_t proxy_flag_write(const struct proxy_flag *flag, const struct addr *local,
			const struct addr *remote, char *to);

#endif
