/* SPDX-License-Identifier: MIT */
/*
 * The listening sockets: opened once by the master, shared by all workers, taken over by a reload.
 * A configuration's `listen` becomes one listener for each address its name resolves to. Listening
 * sockets are closed, never shut down: shutdown(2) on one would stop accept in every process.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/addr.h"
#include "base/err.h"
#include "config/conf.h"

struct listener {
	const struct listen_conf *conf; /* borrowed from the generation's struct conf */
	struct addr wanted;             /* as resolved; the port may be 0 */
	struct addr bound;              /* as the kernel has it */
	int *fds;                       /* owned: one, or with reuse_port one for each worker */
	unsigned fd_count;
	unsigned row;     /* of the scoreboard: where it is counted */
	bool inherited;   /* came from the service manager: its path is not unlinked */
	bool created;     /* opened for this set, not taken over from an older one */
	struct stat made; /* a unix socket's file, so that only ours is unlinked */
};

struct listener_set {
	struct listener *list;
	unsigned count;
};

/* How many sockets its listeners have. */
static inline unsigned listener_sockets(const struct listener_set *set)
{
	unsigned count = 0;

	for (unsigned i = 0; i < set->count; i++)
		count += set->list[i].fd_count;
	return count;
}

enum { LISTENER_ADDRESSES = 16 }; /* the most that one name leads to */

/* What one listen's address resolves to. */
struct listener_addresses {
	unsigned count;
	struct addr found[LISTENER_ADDRESSES];
};

/*
 * Resolves the listens of conf, in their order, into per_listen (room for conf->listener_count).
 * False with err, which says where it stands: CODE_CONFIG for a wrong text and for two listeners
 * that want the same address and port, CODE_UNAVAILABLE for an unknown name. Asks the resolver,
 * which may wait.
 */
bool listener_resolve(const struct conf *conf, struct listener_addresses *per_listen,
		      struct err *err);

/*
 * Opens every address of conf: close-on-exec, non-blocking, SO_REUSEADDR, options set, bound,
 * listening. Takes over from `old` (NULL at start) each socket whose address and kind are the same
 * and that can listen, then from the service manager (LISTEN_FDS, matched by address), and opens
 * the rest; `worker_sockets` is the number of sockets of a reuse_port listener. A unix path left by
 * a dead server is replaced, one that answers a connect is not. `resolved` is what listener_resolve
 * found for conf; NULL: it is asked here, and may wait. On failure NULL with err (CODE_UNAVAILABLE,
 * CODE_NOPERM), and everything is as before: old untouched, nothing new left open or on disk.
 * Owner: the caller. Master only.
 */
struct listener_set *listener_open_all(const struct conf *conf, const struct listener_set *old,
				       unsigned worker_sockets,
				       const struct listener_addresses *resolved, struct err *err);

/*
 * True when no two listeners of conf want the same address and port; otherwise false with err
 * (CODE_CONFIG), which says what to change. listener_open_all begins with it; -t asks it as well.
 * Master only: asks the resolver.
 */
bool listener_check_clashes(const struct conf *conf, struct err *err);

/*
 * Applies to sockets taken over what can change on a living one (backlog, mode, owner, buffers
 * ...). Call once the new set is in force. What fails is logged (environment_warned) and stays as
 * it was.
 */
void listener_apply(const struct listener_set *set);

/*
 * Closes the sockets of `set` that `kept` (NULL: none) does not share, unlinks unix paths nobody
 * else serves, and frees the set. `unlink_paths` false leaves paths alone (the master's child, a
 * failed start).
 */
void listener_close_all(struct listener_set *set, const struct listener_set *kept,
			bool unlink_paths);

/*
 * How many sockets listener_open_all makes of conf, whose names resolved to these (a worker's share
 * as there).
 */
unsigned listener_count_sockets(const struct conf *conf, const struct listener_addresses *resolved,
				unsigned worker_sockets);

/*
 * Tries what listener_open_all would do for one listen and lets go of it. `ours` (NULL: none) is
 * true when our own server holds the address: then taken is fine.
 */
bool listener_probe(const struct listen_conf *conf, const struct listener_addresses *resolved,
		    bool (*ours)(const struct addr *, void *), void *arg, struct err *err);

#endif
