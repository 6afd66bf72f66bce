/* SPDX-License-Identifier: MIT */
/*
 * The sockets of a set: takes over, opens and closes them. net/listen_socket makes each one. It
 * accepts no connection and never calls shutdown(2).
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
		if (listener_overlaps(l, &old->list[i])) {
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
	struct listener_set *set = listener_set_new(conf, resolved, err);

	for (unsigned i = 0; set && i < set->count; i++) {
		if (open_one(&set->list[i], set, old, worker_sockets, err))
			continue;
		listener_blame(set->list[i].conf, err);
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
		listener_blame(l->conf, &err);
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
	listener_set_free(set);
}

static bool probe_address(const struct addr *addr, const struct listen_conf *conf, struct err *err)
{
	bool in_use;

	if (systemd_has_listener(addr) || listen_socket_check(addr, conf, &in_use, err))
		return true;
	if (in_use)
		blame_passed(addr, conf->v6only, err);
	return listener_blame(conf, err);
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
