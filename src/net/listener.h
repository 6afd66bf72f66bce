/* SPDX-License-Identifier: MIT */
/*
 * The listening sockets: opened once by the master, shared by all workers, taken over by a reload.
 * Listening sockets are closed, never shut down: shutdown(2) on one would stop accept in every
 * process.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <stdbool.h>

#include "net/listener_set.h"

/*
 * Opens every address of conf: close-on-exec, non-blocking, SO_REUSEADDR, options set, bound,
 * listening. Takes over from `old` (NULL at start) each socket of the same address and kind that
 * can still listen, then from the service manager (LISTEN_FDS, matched by address), and opens the
 * rest. `worker_sockets` is the number of sockets of a reuse_port listener. A unix path left by a
 * dead server is replaced; one that accepts a connect is not. `resolved` is the result of
 * listener_resolve for conf; with NULL the names are resolved here, which may block. Returns NULL
 * with err (CODE_UNAVAILABLE, CODE_NOPERM), and nothing has changed: old is untouched, no new
 * socket or path is left. The caller owns the set. Master only.
 */
struct listener_set *listener_open_all(const struct conf *conf, const struct listener_set *old,
				       unsigned worker_sockets,
				       const struct listener_addresses *resolved, struct err *err);

/*
 * Applies the options that can change (backlog, mode, owner, buffers ...) to sockets that were
 * taken over. Call it once the new set is in force. A failure is logged (environment_warned), and
 * that option keeps its value.
 */
void listener_apply(const struct listener_set *set);

/*
 * Closes the sockets of `set` that `kept` (NULL: none) does not share, unlinks the unix paths that
 * only they serve, and frees the set. With `unlink_paths` false it leaves the paths alone (the
 * master's child, a failed start).
 */
void listener_close_all(struct listener_set *set, const struct listener_set *kept,
			bool unlink_paths);

/*
 * Tests listener_open_all for one listen without keeping anything. `ours` (NULL: none) is true when
 * our own server holds the address: then an address in use is no error.
 */
bool listener_probe(const struct listen_conf *conf, const struct listener_addresses *resolved,
		    bool (*ours)(const struct addr *, void *), void *arg, struct err *err);

#endif
