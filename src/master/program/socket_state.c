/* SPDX-License-Identifier: MIT */
/* Sets the flag of shared sockets. None of the calls here can block. */
#include "master/program/socket_state.h"

#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "config/conf_program.h"
#include "master/program/programs.h"

static void set_nonblocking(const struct listener *listener, int fd, bool is_nonblocking)
{
	int flags = sys_fcntl_int(fd, F_GETFL, 0);
	int wanted = is_nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;

	if (flags >= 0 && (flags == wanted || sys_fcntl_int(fd, F_SETFL, wanted) == 0))
		return;
	LOG(EVENT_environment_warned, LOG_STR("listen", listener->conf->address),
	    LOG_STR("message", "O_NONBLOCK of the listening socket cannot be set"),
	    LOG_STR("error", strerror(errno)));
}

static bool has_socket(const struct program *program, int fd)
{
	for (unsigned i = 0; i < program->fd_count; i++)
		if (program->fds[i] == fd)
			return true;
	return false;
}

static bool has_same_command(const struct program_conf *a, const struct program_conf *b)
{
	if (a->command.count != b->command.count)
		return false;
	for (size_t i = 0; i < a->command.count; i++)
		if (strcmp(a->command.texts[i], b->command.texts[i]) != 0)
			return false;
	return true;
}

/* The program of a generation that has the socket; NULL: it has none. */
static const struct program *find_program(const struct generation *generation, int fd)
{
	for (unsigned i = 0; generation->programs && i < generation->programs->count; i++)
		if (has_socket(&generation->programs->list[i], fd))
			return &generation->programs->list[i];
	return NULL;
}

static bool is_alive(const struct program *program)
{
	for (unsigned i = 0; i < program->capacity; i++)
		if (member_is_alive(&program->copies[i].member))
			return true;
	return false;
}

/* True when a living copy may rely on a blocking socket. */
static bool is_lent_to_any(const struct procs *procs, int fd)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g)) {
		const struct program *program = find_program(g, fd);

		if (program && !program->conf->nonblocking && is_alive(program))
			return true;
	}
	return false;
}

static void mark_lent(const struct listener *listener, bool is_lent)
{
	if (listener->lent)
		atomic_store_explicit(listener->lent, is_lent, memory_order_relaxed);
}

/* For the workers of older generations, which go on accepting until the new one is ready. */
static void lend_of_others(const struct procs *procs, int fd)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; g->listeners && i < g->served.count; i++)
			if (g->served.list[i].fds[0] == fd)
				mark_lent(&g->served.list[i], true);
}

static bool had_it_before(const struct procs *procs, const struct program *fresh, int fd)
{
	for (struct generation *g = procs_next(procs, NULL); g; g = procs_next(procs, g)) {
		const struct program *before = find_program(g, fd);

		if (before && before != fresh && is_alive(before) &&
		    before->conf->nonblocking == fresh->conf->nonblocking &&
		    has_same_command(before->conf, fresh->conf))
			return true;
	}
	return false;
}

static void hand_to_program(const struct procs *procs, const struct generation *fresh,
			    const struct listener *listener, int fd)
{
	const struct program *program = find_program(fresh, fd);

	if (!program || had_it_before(procs, program, fd))
		return;
	if (!program->conf->nonblocking)
		lend_of_others(procs, fd);
	set_nonblocking(listener, fd, program->conf->nonblocking);
}

void socket_state_hand_over(const struct procs *procs, const struct generation *fresh)
{
	for (unsigned i = 0; fresh->listeners && i < fresh->listeners->count; i++) {
		const struct listener *listener = &fresh->listeners->list[i];

		if (!conf_program_owns(listener->conf)) {
			mark_lent(listener, is_lent_to_any(procs, listener->fds[0]));
			continue;
		}
		for (unsigned s = 0; s < listener->fd_count; s++)
			hand_to_program(procs, fresh, listener, listener->fds[s]);
	}
}

void socket_state_take_back(const struct procs *procs)
{
	const struct generation *current = procs->current;

	for (unsigned i = 0; current && current->listeners && i < current->served.count; i++) {
		const struct listener *listener = &current->served.list[i];

		if (!listener->lent ||
		    atomic_load_explicit(listener->lent, memory_order_relaxed) == 0 ||
		    is_lent_to_any(procs, listener->fds[0]))
			continue;
		set_nonblocking(listener, listener->fds[0], true);
		mark_lent(listener, false);
	}
}
