/* SPDX-License-Identifier: MIT */
/*
 * The set of listening sockets of a configuration: takes over, opens and closes them.
 * net/listen_socket makes each one. It accepts no connection and never calls shutdown(2).
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "config/conf_program.h"
#include "net/listen_socket.h"
#include "net/listener.h"
#include "net/systemd.h"
#include "net/unix_path.h"

static bool is_unix(const struct listener *l)
{
	return l->wanted.sa.sa_family == AF_UNIX;
}

/* Puts the listener's place before the message. Returns false. */
static bool prefix_origin(const struct listen_conf *conf, struct err *err)
{
	return err_prefix(err, "%s: listen \"%s\": ", conf->origin, conf->address);
}

static void free_set(struct listener_set *set)
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
	return to->count > 0 || prefix_origin(conf, err);
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
	if (!list)
		return err_set(err, CODE_OSERR, "no memory") || prefix_origin(conf, err);
	set->list = list;
	for (unsigned i = 0; i < resolved->count; i++) {
		struct listener *l = &list[set->count++];

		memset(l, 0, sizeof(*l));
		l->conf = conf;
		l->wanted = l->bound = resolved->found[i];
	}
	return true;
}

static bool do_overlap(const struct listener *a, const struct listener *b)
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
	return prefix_origin(l->conf, err);
}

static bool check_clashes(const struct listener_set *set, struct err *err)
{
	for (unsigned i = 0; i < set->count; i++) {
		for (unsigned k = 0; k < i; k++) {
			if (do_overlap(&set->list[i], &set->list[k]))
				return refuse_clash(&set->list[i], &set->list[k], err);
		}
	}
	return true;
}

/* Returns the set of the listeners in conf, without sockets. */
static struct listener_set *new_set(const struct conf *conf,
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
		free_set(set);
	return NULL;
}

bool listener_resolve(const struct conf *conf, struct listener_addresses *per_listen,
		      struct err *err)
{
	struct listener_set *set;

	for (size_t i = 0; i < conf->listener_count; i++)
		if (!find_addrs(&conf->listeners[i], &per_listen[i], err))
			return false;
	set = new_set(conf, per_listen, err);
	if (set)
		free_set(set);
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

static bool holds_fd(const struct listener_set *set, int fd)
{
	for (unsigned i = 0; set && i < set->count; i++)
		for (unsigned k = 0; k < set->list[i].fd_count; k++)
			if (set->list[i].fds[k] == fd)
				return true;
	return false;
}

/* A worker tries again to listen; a program does not, and for port 0 another port will do. */
static bool may_wait(const struct listener *l, int error)
{
	return !conf_program_owns(l->conf) && listen_socket_port(&l->wanted) != 0 &&
	       listen_socket_may_wait(error);
}

/* Another process that shares o's sockets may have shut them down, or removed their path. */
static bool is_usable(const struct listener *o, const struct listener *l)
{
	if (is_unix(o) && !o->inherited && !unix_path_is_there(&o->bound))
		return false;
	for (unsigned i = 0; i < o->fd_count; i++)
		if (!listen_socket_listens(o->fds[i]) &&
		    !listen_socket_revive(o->fds[i], &o->bound, o->conf) && !may_wait(l, errno))
			return false;
	return true;
}

/* Several listeners may have port 0: then the address text decides, and which one is still free. */
static const struct listener *find_old(const struct listener *l, const struct listener_set *set,
				       const struct listener_set *old)
{
	for (unsigned i = 0; old && i < old->count; i++) {
		const struct listener *o = &old->list[i];

		if (!listen_socket_same_address(&o->wanted, &l->wanted) || holds_fd(set, o->fds[0]))
			continue;
		if (is_unix(l))
			return is_usable(o, l) ? o : NULL;
		if (o->conf->reuse_port != l->conf->reuse_port ||
		    o->conf->v6only != l->conf->v6only)
			continue;
		if (listen_socket_port(&l->wanted) != 0 ||
		    strcmp(o->conf->address, l->conf->address) == 0)
			return is_usable(o, l) ? o : NULL;
	}
	return NULL;
}

static bool add_fd(struct listener *l, int fd, struct err *err)
{
	char text[ADDR_TEXT];

	l->fds[l->fd_count++] = fd;
	if (is_unix(l) || sys_getsockname(fd, &l->bound.sa, &l->bound.len) == 0)
		return true;
	return err_errno(err, CODE_OSERR, "cannot learn the address of %s",
			 addr_write(&l->wanted, text));
}

static void take_over(struct listener *l, const struct listener *o, unsigned most)
{
	l->inherited = o->inherited;
	l->made = o->made;
	/* two spellings may mean one unix path, and the old spelling may go away */
	if (!is_unix(l))
		l->bound = o->bound;
	for (; l->fd_count < most && l->fd_count < o->fd_count; l->fd_count++)
		l->fds[l->fd_count] = o->fds[l->fd_count];
}

/* Names a socket of the running server that conflicts; it is closed only after the reload. */
static void blame_old(const struct listener *l, const struct listener_set *old, struct err *err)
{
	char text[ADDR_TEXT];

	for (unsigned i = 0; old && i < old->count; i++) {
		if (do_overlap(l, &old->list[i])) {
			err_set(err, CODE_UNAVAILABLE,
				"cannot bind %s: the running server holds it as listen \"%s\" "
				"(a restart is needed to go from one to the other)",
				addr_write(&l->wanted, text), old->list[i].conf->address);
			return;
		}
	}
}

/* Names a conflicting socket of the service manager; those are matched by exact address only. */
static void blame_passed(const struct addr *wanted, bool v6only, struct err *err)
{
	char text[ADDR_TEXT], passed_text[ADDR_TEXT];
	struct addr passed;

	for (unsigned i = 0; systemd_next_listener(&i, &passed);) {
		/* only its own listen says whether a passed IPv6 socket is v6only */
		if (!listen_socket_excludes(wanted, v6only, &passed, false))
			continue;
		addr_write(&passed, passed_text);
		err_set(err, CODE_UNAVAILABLE,
			"cannot bind %s: the service manager passed a socket of %s, which no "
			"listen takes (write listen \"%s\")",
			addr_write(wanted, text), passed_text, passed_text);
		return;
	}
}

static bool open_more(struct listener *l, unsigned most, const struct listener_set *old,
		      struct err *err)
{
	bool in_use;
	int fd;

	while (l->fd_count < most) {
		fd = listen_socket_open(&l->bound, l->conf, l->fd_count == 0, &l->made, &in_use,
					err);
		if (fd < 0) {
			if (in_use)
				blame_passed(&l->wanted, l->conf->v6only, err);
			if (in_use)
				blame_old(l, old, err);
			return false;
		}
		if (!add_fd(l, fd, err))
			return false;
	}
	return true;
}

static bool take_passed(struct listener *l, int fd, struct err *err)
{
	l->inherited = true;
	l->created = true;
	return add_fd(l, fd, err) && listen_socket_apply(fd, &l->bound, l->conf, err);
}

/* Takes over, receives or opens the sockets of one listener. */
static bool open_one(struct listener *l, const struct listener_set *set,
		     const struct listener_set *old, unsigned worker_sockets, struct err *err)
{
	unsigned most = l->conf->reuse_port && !is_unix(l) && worker_sockets > 0 ? worker_sockets :
										   1;
	const struct listener *o = find_old(l, set, old);
	int fd = -1;

	l->fds = calloc(most, sizeof(*l->fds));
	if (!l->fds)
		return err_set(err, CODE_OSERR, "no memory");
	if (o)
		take_over(l, o, most);
	else
		fd = systemd_take_listener(&l->wanted);
	if (fd >= 0)
		return take_passed(l, fd, err);
	if (o && o->inherited)
		return true;
	l->created = !o;
	return open_more(l, most, old, err);
}

struct listener_set *listener_open_all(const struct conf *conf, const struct listener_set *old,
				       unsigned worker_sockets,
				       const struct listener_addresses *resolved, struct err *err)
{
	struct listener_set *set = new_set(conf, resolved, err);

	for (unsigned i = 0; set && i < set->count; i++) {
		if (open_one(&set->list[i], set, old, worker_sockets, err))
			continue;
		prefix_origin(set->list[i].conf, err);
		listener_close_all(set, old, true);
		return NULL;
	}
	return set;
}

/* Otherwise the state is a program's affair. */
static bool must_be_nonblocking(const struct listener *l)
{
	return !conf_program_owns(l->conf) &&
	       (!l->lent || atomic_load_explicit(l->lent, memory_order_relaxed) == 0);
}

static bool apply_conf(const struct listener *l, struct err *err)
{
	for (unsigned i = 0; i < l->fd_count; i++) {
		if (!listen_socket_apply(l->fds[i], &l->bound, l->conf, err) &&
		    (conf_program_owns(l->conf) || listen_socket_listens(l->fds[i])))
			return false; /* a worker warns of a socket that does not listen */
		if (must_be_nonblocking(l) && !listen_socket_unblock(l->fds[i]))
			return err_errno(err, CODE_OSERR, "cannot set O_NONBLOCK");
	}
	/* the service manager sets the mode of a path that it made */
	return !is_unix(l) || l->inherited || unix_path_apply(&l->bound, &l->made, l->conf, err);
}

void listener_apply(const struct listener_set *set)
{
	struct err err;

	for (unsigned i = 0; i < set->count; i++) {
		const struct listener *l = &set->list[i];

		if (l->created || apply_conf(l, &err))
			continue;
		prefix_origin(l->conf, &err);
		LOG(EVENT_environment_warned, LOG_STR("message", err.text));
	}
}

void listener_close_all(struct listener_set *set, const struct listener_set *kept,
			bool unlink_paths)
{
	if (!set)
		return;
	for (unsigned i = 0; i < set->count; i++) {
		const struct listener *l = &set->list[i];
		bool shared = l->fd_count > 0 && holds_fd(kept, l->fds[0]);

		for (unsigned k = 0; k < l->fd_count; k++) {
			if (!holds_fd(kept, l->fds[k]))
				sys_close(l->fds[k]);
		}
		if (unlink_paths && is_unix(l) && l->fd_count > 0 && !shared && !l->inherited)
			unix_path_remove(&l->bound, &l->made);
	}
	free_set(set);
}

static bool probe_address(const struct addr *addr, const struct listen_conf *conf, struct err *err)
{
	bool in_use;

	if (systemd_has_listener(addr) || listen_socket_check(addr, conf, &in_use, err))
		return true;
	if (in_use)
		blame_passed(addr, conf->v6only, err);
	return prefix_origin(conf, err);
}

bool listener_probe(const struct listen_conf *conf, const struct listener_addresses *resolved,
		    bool (*ours)(const struct addr *, void *), void *arg, struct err *err)
{
	for (unsigned i = 0; i < resolved->count; i++) {
		const struct addr *addr = &resolved->found[i];

		if ((!ours || !ours(addr, arg)) && !probe_address(addr, conf, err))
			return false;
	}
	return true;
}
