/* SPDX-License-Identifier: MIT */
/*
 * A process table for tests, with children that behave as the test sets. Must not sleep or read a
 * clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "config/conf_load.h"
#include "unit/crew.h"

int crew_behaviour;

static pid_t fake_spawn(struct procs *procs, struct generation *generation, unsigned number)
{
	sigset_t told;
	int signal;
	pid_t pid;

	(void)procs;
	assert_non_null(generation->members[number].arena);
	assert_int_equal(generation->slots[number].state, SLOT_STARTING);
	if (crew_behaviour == CREW_REFUSE) {
		errno = EAGAIN;
		return -1;
	}
	pid = sys_fork();
	if (pid != 0)
		return pid;
	if (crew_behaviour != CREW_STAY)
		_exit(crew_behaviour);
	sigemptyset(&told);
	sigaddset(&told, SIGQUIT);
	sigwait(&told, &signal);
	_exit(0);
}

int crew_make(void **state)
{
	struct procs *procs = calloc(1, sizeof(*procs));
	struct scoreboard *board = aligned_alloc(SCOREBOARD_PAGE, sizeof(*board));
	sigset_t told;

	if (!procs || !board)
		return -1;
	memset(board, 0, sizeof(*board));
	procs->board = board;
	procs->bells = epoll_create1(EPOLL_CLOEXEC);
	procs->spawn = fake_spawn;
	crew_behaviour = CREW_STAY;
	sigemptyset(&told);
	sigaddset(&told, SIGQUIT);
	*state = procs;
	return sys_sigprocmask(SIG_BLOCK, &told, NULL);
}

void crew_await_death(pid_t pid)
{
	siginfo_t info;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0)
		assert_int_equal(errno, EINTR);
}

static void end_all(struct procs *procs)
{
	struct generation *g;

	workers_signal(procs, SIGKILL);
	for (g = procs_next(procs, NULL); g; g = procs_next(procs, g))
		for (unsigned i = 0; i < g->capacity; i++)
			if (g->members[i].pid > 0)
				crew_await_death(g->members[i].pid);
	while (procs->current || procs->starting)
		workers_retire(procs, procs->current ? procs->current : procs->starting, 0,
			       INT64_MAX);
	workers_reap(procs, CREW_NOW);
	workers_sweep(procs);
	while (procs->closer > 0) { /* each closes the doors of one generation */
		crew_await_death(procs->closer);
		workers_reap(procs, CREW_NOW);
		workers_sweep(procs);
	}
}

int crew_free(void **state)
{
	struct procs *procs = *state;

	end_all(procs);
	assert_null(procs->retiring);
	close(procs->bells);
	free(procs->board);
	free(procs);
	return 0;
}

struct generation *crew_generation(const char *override, unsigned workers)
{
	const char *listeners[] = { "127.0.0.1:0=ack" };
	const struct conf_source source = { .listeners = listeners,
					    .listener_count = 1,
					    .overrides = &override,
					    .override_count = override ? 1 : 0 };
	const struct identity identity = { .changes = false };
	struct err err;
	struct conf *conf = conf_load(&source, &err);
	struct generation *generation;

	assert_non_null(conf);
	conf->keep_connections = false; /* the children here are workers themselves */
	generation = generation_new(conf, &identity, NULL, workers, NULL, &err);
	assert_non_null(generation);
	return generation;
}

struct generation *crew_begin(struct procs *procs, const char *override)
{
	struct generation *generation = crew_generation(override, CREW_WORKERS);
	struct err err;

	assert_true(workers_begin(procs, generation, CREW_NOW, &err));
	workers_start_due(procs, CREW_NOW);
	return generation;
}

void crew_report_ready(struct procs *procs, struct generation *generation)
{
	for (unsigned i = 0; i < CREW_WORKERS; i++)
		generation->slots[i].state = SLOT_READY;
	workers_look(procs);
}

struct generation *crew_serve(struct procs *procs, const char *override)
{
	struct generation *generation = crew_begin(procs, override);

	crew_report_ready(procs, generation);
	assert_null(workers_promote(procs));
	return generation;
}

void crew_kill(struct procs *procs, struct member *member, int signal, int64_t now_ms)
{
	pid_t pid = member->pid;

	assert_int_equal(sys_kill(pid, signal), 0);
	crew_await_death(pid);
	workers_reap(procs, now_ms);
}
