/* SPDX-License-Identifier: MIT */
/* A roster for tests, whose children do as the test sets. It must not sleep, and reads no clock. */
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

static pid_t fake_spawn(struct procs *roster, struct generation *generation, unsigned number)
{
	sigset_t told;
	int signal;
	pid_t pid;

	(void)roster;
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
	struct procs *roster = calloc(1, sizeof(*roster));
	struct scoreboard *board = aligned_alloc(SCOREBOARD_PAGE, sizeof(*board));
	sigset_t told;

	if (!roster || !board)
		return -1;
	memset(board, 0, sizeof(*board));
	roster->board = board;
	roster->bells = epoll_create1(EPOLL_CLOEXEC);
	roster->spawn = fake_spawn;
	crew_behaviour = CREW_STAY;
	sigemptyset(&told);
	sigaddset(&told, SIGQUIT);
	*state = roster;
	return sys_sigprocmask(SIG_BLOCK, &told, NULL);
}

void crew_await_death(pid_t pid)
{
	siginfo_t info;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0)
		assert_int_equal(errno, EINTR);
}

static void end_all(struct procs *roster)
{
	struct generation *g;

	procs_signal(roster, SIGKILL);
	for (g = procs_next(roster, NULL); g; g = procs_next(roster, g))
		for (unsigned i = 0; i < g->capacity; i++)
			if (g->members[i].pid > 0)
				crew_await_death(g->members[i].pid);
	while (roster->current || roster->starting)
		procs_retire(roster, roster->current ? roster->current : roster->starting, 0,
			     INT64_MAX);
	procs_reap(roster, CREW_NOW);
	procs_sweep(roster);
}

int crew_free(void **state)
{
	struct procs *roster = *state;

	end_all(roster);
	assert_null(roster->retiring);
	close(roster->bells);
	free(roster->board);
	free(roster);
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
	generation = generation_new(conf, &identity, NULL, workers, &err);
	assert_non_null(generation);
	return generation;
}

struct generation *crew_begin(struct procs *roster, const char *override)
{
	struct generation *generation = crew_generation(override, CREW_WORKERS);
	struct err err;

	assert_true(procs_begin(roster, generation, CREW_NOW, &err));
	procs_start_due(roster, CREW_NOW);
	return generation;
}

void crew_report_ready(struct procs *roster, struct generation *generation)
{
	for (unsigned i = 0; i < CREW_WORKERS; i++)
		generation->slots[i].state = SLOT_READY;
	procs_look(roster);
}

struct generation *crew_serve(struct procs *roster, const char *override)
{
	struct generation *generation = crew_begin(roster, override);

	crew_report_ready(roster, generation);
	assert_null(procs_promote(roster));
	return generation;
}

void crew_kill(struct procs *roster, struct member *member, int signal, int64_t now_ms)
{
	pid_t pid = member->pid;

	assert_int_equal(sys_kill(pid, signal), 0);
	crew_await_death(pid);
	procs_reap(roster, now_ms);
}
