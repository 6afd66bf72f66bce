/* SPDX-License-Identifier: MIT */
/* Which sockets the listens of a configuration ask for, and which exclude each other. */
#include "net/listener_set.h"

#include <stdlib.h>
#include <string.h>

#include "net/listen_socket.h"

bool listener_blame(const struct listen_conf *conf, struct err *err)
{
	return err_prefix(err, "%s: listen \"%s\": ", conf->origin, conf->address);
}

void listener_set_free(struct listener_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		free(set->list[i].fds);
	free(set->list);
	free(set);
}

static bool find_addrs(const struct listen_conf *conf, struct listener_addresses *to,
		       struct err *err)
{
	to->count = (unsigned)addr_resolve(conf->address, to->found, LISTENER_ADDRESSES, err);
	return to->count > 0 || listener_blame(conf, err);
}

/* With `resolved` NULL the address is resolved here. */
static bool add_wanted(struct listener_set *set, const struct listen_conf *conf,
		       const struct listener_addresses *resolved, struct err *err)
{
	struct listener_addresses own;
	struct listener *list;

	if (!resolved) {
		if (!find_addrs(conf, &own, err))
			return false;
		resolved = &own;
	}
	list = reallocarray(set->list, set->count + resolved->count, sizeof(*list));
	if (!list) {
		err_set(err, CODE_OSERR, "no memory");
		return listener_blame(conf, err);
	}
	set->list = list;
	for (unsigned i = 0; i < resolved->count; i++) {
		struct listener *l = &list[set->count++];

		memset(l, 0, sizeof(*l));
		l->conf = conf;
		l->wanted = l->bound = resolved->found[i];
	}
	return true;
}

bool listener_overlaps(const struct listener *a, const struct listener *b)
{
	return listen_socket_excludes(&a->wanted, a->conf->v6only, &b->wanted, b->conf->v6only);
}

static bool refuse_clash(const struct listener *l, const struct listener *earlier, struct err *err)
{
	bool is_dual = listen_socket_is_dual(&l->wanted, l->conf->v6only);
	const struct listener *dual = is_dual ? l : earlier;
	char text[ADDR_TEXT];

	addr_write(&l->wanted, text);
	if (addr_unmap(&l->wanted).sa.sa_family != addr_unmap(&earlier->wanted).sa.sa_family)
		err_set(err, CODE_CONFIG,
			"cannot bind %s beside listen \"%s\" of %s: the IPv6 socket "
			"takes IPv4 as well (set v6only = yes in listen \"%s\")",
			text, earlier->conf->address, earlier->conf->origin, dual->conf->address);
	else
		err_set(err, CODE_CONFIG,
			"cannot bind %s: listen \"%s\" of %s has it already (remove one of them)",
			text, earlier->conf->address, earlier->conf->origin);
	return listener_blame(l->conf, err);
}

static bool check_clashes(const struct listener_set *set, struct err *err)
{
	for (unsigned i = 0; i < set->count; i++) {
		for (unsigned k = 0; k < i; k++) {
			if (listener_overlaps(&set->list[i], &set->list[k]))
				return refuse_clash(&set->list[i], &set->list[k], err);
		}
	}
	return true;
}

struct listener_set *listener_set_new(const struct conf *conf,
				      const struct listener_addresses *resolved, struct err *err)
{
	struct listener_set *set = calloc(1, sizeof(*set));
	bool good = set != NULL;

	if (!set)
		err_set(err, CODE_OSERR, "no memory");
	for (size_t i = 0; good && i < conf->listener_count; i++)
		good = add_wanted(set, &conf->listeners[i], resolved ? &resolved[i] : NULL, err);
	if (good && check_clashes(set, err))
		return set;
	if (set)
		listener_set_free(set);
	return NULL;
}

bool listener_resolve(const struct conf *conf, struct listener_addresses *per_listen,
		      struct err *err)
{
	struct listener_set *set;

	for (size_t i = 0; i < conf->listener_count; i++)
		if (!find_addrs(&conf->listeners[i], &per_listen[i], err))
			return false;
	set = listener_set_new(conf, per_listen, err);
	if (set)
		listener_set_free(set);
	return set != NULL;
}

unsigned listener_count_sockets(const struct conf *conf, const struct listener_addresses *resolved,
				unsigned worker_sockets)
{
	unsigned count = 0;

	for (size_t i = 0; i < conf->listener_count; i++) {
		bool is_each = conf->listeners[i].reuse_port && worker_sockets > 0 &&
			       resolved[i].found[0].sa.sa_family != AF_UNIX;

		count += resolved[i].count * (is_each ? worker_sockets : 1);
	}
	return count;
}
