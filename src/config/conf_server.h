/* SPDX-License-Identifier: MIT */
/*
 * A server of an upstream, as `server` and `to` have it: ADDRESS, then words. Pure: it looks no
 * name up and allocates nothing. Any process.
 */
#ifndef CONFIG_CONF_SERVER_H
#define CONFIG_CONF_SERVER_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/err.h"

enum { CONF_WEIGHT_MOST = 100, CONF_SERVER_CONNECTIONS_MOST = 1000000 };

/* One entry, read. */
struct upstream_server {
	char address[ADDR_TEXT]; /* as written */
	unsigned weight;
	unsigned max_connections; /* 0: that of the upstream */
	bool is_backup;
	bool is_down; /* gets no connection */
};

/*
 * Reads the entry. Returns false with err, which names the address (`10.0.0.1:5432: weight: "0" is
 * not a number (1 to 100)`).
 */
bool conf_server_read(const char *text, struct upstream_server *server, struct err *err);

#endif
