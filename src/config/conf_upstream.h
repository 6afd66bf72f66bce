/* SPDX-License-Identifier: MIT */
/*
 * The upstreams of a configuration (sections upstream, and the option `to` of a listener), their
 * servers, and the listeners that pass connections on to them. Master only, except
 * conf_upstream_of and conf_upstream_server, which allocate nothing.
 */
#ifndef CONFIG_CONF_UPSTREAM_H
#define CONFIG_CONF_UPSTREAM_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/err.h"
#include "config/conf_fields.h"

/* Servers of all upstreams of a configuration together. */
enum { CONF_SERVERS_MOST = 64 };

enum { CONF_WEIGHT_MOST = 100, CONF_SERVER_CONNECTIONS_MOST = 1000000 };

/* One entry of the option `server`, read. */
struct upstream_server {
	char address[ADDR_TEXT]; /* as written */
	unsigned weight;
	unsigned max_connections; /* 0: that of the upstream */
	bool is_backup;
	bool is_down; /* gets no connection */
};

/*
 * Makes an upstream of defaults for each listener that has `to`. Its title is the address of the
 * listener as written: so a reload finds its servers again, whatever `to` has then. The second
 * listener with one address (of port 0) has "#2" behind it. The list of listeners is final. Returns
 * false with err, such as for a title that a section has too.
 */
bool conf_upstream_make(struct conf *conf, struct err *err);

/* True for one that was made of `to` and has had no option changed since: `to` says all of it. */
bool conf_upstream_is_plain(const struct conf *conf, const struct upstream_conf *upstream);

/* Frees the upstreams that have no listener: -l has replaced the file's. */
void conf_upstream_drop_unused(struct conf *conf);

/* Returns the upstream of a listener with service proxy; NULL: it has none, or another service. */
const struct upstream_conf *conf_upstream_of(const struct conf *conf,
					     const struct listen_conf *listen);

/* True when a listener has that upstream. */
bool conf_upstream_has_listener(const struct conf *conf, const struct upstream_conf *upstream);

/* Reads the entry; false with err, which lacks the place. */
bool conf_upstream_server(const struct upstream_conf *upstream, size_t index,
			  struct upstream_server *server, struct err *err);

/* True when the server's address is a name, which a process has to look up. */
bool conf_upstream_is_name(const struct upstream_server *server);

/* The time without a byte after which a connection of that listener is ended; 0: never. */
int64_t conf_upstream_idle_ms(const struct upstream_conf *upstream,
			      const struct listen_conf *listen);

/*
 * Returns false with err when a listener has no upstream, or two, and when the options of an
 * upstream are wrong or contradict each other.
 */
bool conf_upstream_check(const struct conf *conf, struct err *err);

#endif
