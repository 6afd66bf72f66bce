/* SPDX-License-Identifier: MIT */
/*
 * The listening sockets: opened once by the master, shared by all workers, taken over by a reload.
 * A `listen` of the configuration becomes one listener for each address of its name. Listening
 * sockets are closed, never shut down: shutdown(2) on one would stop accept in every process.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/addr.h"
#include "base/err.h"
#include "config/conf.h"

struct listener {
	const struct listen_conf *conf; /* borrowed from the generation's struct conf */
	struct addr wanted;             /* as resolved; the port may be 0 */
	struct addr bound;              /* as reported by the kernel */
	int *fds;                       /* owned: one, or with reuse_port one for each worker */
	unsigned fd_count;
	unsigned row;   /* its row in the scoreboard */
	bool inherited; /* from the service manager: its path is not unlinked */
	bool created;   /* opened for this set, not taken over from an older one */
	/* in the scoreboard: not 0 while it is blocking for a program that shares it */
	_Atomic uint32_t *lent;
	struct stat made; /* a unix socket's file; only this file is unlinked */
};

struct listener_set {
	struct listener *list;
	unsigned count;
};

/* Returns the number of sockets of all listeners. */
static inline unsigned listener_sockets(const struct listener_set *set)
{
	unsigned count = 0;

	for (unsigned i = 0; i < set->count; i++)
		count += set->list[i].fd_count;
	return count;
}

enum { LISTENER_ADDRESSES = 16 }; /* maximum for one name */

/* The addresses of one listen. */
struct listener_addresses {
	unsigned count;
	struct addr found[LISTENER_ADDRESSES];
};

/*
 * Resolves the listens of conf, in order, into per_listen (conf->listener_count entries). Returns
 * false with err, which names the place: CODE_CONFIG for a malformed text and for two listeners
 * with the same address and port, CODE_UNAVAILABLE for an unknown name. Calls the resolver, which
 * may block.
 */
bool listener_resolve(const struct conf *conf, struct listener_addresses *per_listen,
		      struct err *err);

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
 * Returns the number of sockets that listener_open_all makes for conf with these addresses;
 * worker_sockets as there.
 */
unsigned listener_count_sockets(const struct conf *conf, const struct listener_addresses *resolved,
				unsigned worker_sockets);

/*
 * Tests listener_open_all for one listen without keeping anything. `ours` (NULL: none) is true when
 * our own server holds the address: then an address in use is no error.
 */
bool listener_probe(const struct listen_conf *conf, const struct listener_addresses *resolved,
		    bool (*ours)(const struct addr *, void *), void *arg, struct err *err);

#endif
