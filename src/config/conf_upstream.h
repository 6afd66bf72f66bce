/* SPDX-License-Identifier: MIT */
/*
 * The upstreams of a configuration (sections upstream, and the option `to` of a listener), their
 * servers, and the listeners that pass connections on to them. Master only, except
 * conf_upstream_of and conf_upstream_server, which allocate nothing.
 */
#ifndef CONFIG_CONF_UPSTREAM_H
#define CONFIG_CONF_UPSTREAM_H

#include <stdbool.h>

#include "base/err.h"
#include "config/conf_fields.h"
#include "config/conf_server.h"

/* Servers of all upstreams of a configuration together. */
enum { CONF_SERVERS_MOST = 64 };

/* True for a listener with service proxy. */
bool conf_upstream_is_proxy(const struct listen_conf *listen);

/*
 * Makes an upstream of defaults for each listener that has `to`. Its title is the address of the
 * listener as written: so a reload finds its servers again, whatever `to` has then. The second
 * listener with one address (of port 0) has "#2" behind it. The list of listeners is final. Returns
 * false with err, such as for a title that a section has too.
 */
bool conf_upstream_make(struct conf *conf, struct err *err);

/* True for one that was made of `to` and has had no option changed since: `to` says all of it. */
bool conf_upstream_is_plain(const struct upstream_conf *upstream);

/* False for the servers of an upstream that was made: those are in `to` of its listener. */
bool conf_upstream_takes(const struct option *option, const void *object);

/* Frees the upstreams that have no listener: -l has replaced the file's. */
void conf_upstream_drop_unused(struct conf *conf);

/* Returns the upstream of a listener with service proxy; NULL: it has none, or another service. */
const struct upstream_conf *conf_upstream_of(const struct conf *conf,
					     const struct listen_conf *listen);

/* True when a listener has that upstream. */
bool conf_upstream_has_listener(const struct conf *conf, const struct upstream_conf *upstream);

/* Reads the entry of the option `server` (conf_server_read); false with err. */
bool conf_upstream_server(const struct upstream_conf *upstream, size_t index,
			  struct upstream_server *server, struct err *err);

/* True when the server's address is a name, which a process has to look up. */
bool conf_upstream_is_name(const struct upstream_server *server);

/*
 * Puts the place and the full name of the option before err; the servers of a made one are those of
 * `to`. Returns false.
 */
bool conf_upstream_blame(const struct upstream_conf *upstream, const char *option, struct err *err);

/* The time without a byte after which a connection of that listener is ended; 0: never. */
int64_t conf_upstream_idle_ms(const struct upstream_conf *upstream,
			      const struct listen_conf *listen);

/*
 * Returns false with err when a listener has no upstream, or two, or is a server of its own; and
 * when the options of an upstream contradict each other or have no effect.
 */
bool conf_upstream_check(const struct conf *conf, struct err *err);

#endif
