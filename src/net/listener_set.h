/* SPDX-License-Identifier: MIT */
/*
 * The set of listeners of a configuration: a `listen` becomes one listener for each address of its
 * name. net/listener gives them their sockets. Master only.
 */
#ifndef NET_LISTENER_SET_H
#define NET_LISTENER_SET_H

#include <stdatomic.h>
#include <stdbool.h>
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
 * Returns the set of the listeners in conf, without sockets; `resolved` is the result of
 * listener_resolve, or NULL: the names are resolved here, which may block. Returns NULL with err,
 * as listener_resolve does. Free it with listener_set_free, which closes nothing.
 */
struct listener_set *listener_set_new(const struct conf *conf,
				      const struct listener_addresses *resolved, struct err *err);
void listener_set_free(struct listener_set *set);

/* True when the kernel does not bind both at once. */
bool listener_overlaps(const struct listener *a, const struct listener *b);

/* Puts the listener's place in the configuration before the message. Returns false. */
bool listener_blame(const struct listen_conf *conf, struct err *err);

/*
 * Returns the number of sockets that listener_open_all makes for conf with these addresses;
 * worker_sockets as there.
 */
unsigned listener_count_sockets(const struct conf *conf, const struct listener_addresses *resolved,
				unsigned worker_sockets);

#endif
