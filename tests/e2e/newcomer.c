/* SPDX-License-Identifier: MIT */
/*
 * Holds a new worker at its birth: this program traces the forks of the master and of the new
 * keepers (ptrace(2)), so that the worker is stopped before its first instruction. No process stays
 * traced.
 */
#include "newcomer.h"

#include <sys/ptrace.h>
#include <sys/wait.h>

#include "process.h"

enum { CHILDREN_MOST = 64 };

/* The processes that this program traces. */
struct births {
	struct traffic *traffic;
	struct newcomer *held;
	unsigned number;
	pid_t pids[CHILDREN_MOST];
	unsigned count;
	bool has_trial; /* the child that checks the configuration, the first one, has begun */
};

static bool has_title(pid_t pid, const char *kind, unsigned number)
{
	char title[256], wanted[48];

	snprintf(wanted, sizeof(wanted), "prefork-srv: %s %u", kind, number);
	return strcmp(process_title(pid, title, sizeof(title)), wanted) == 0;
}

static bool is_ready(struct server *s, unsigned number, unsigned generation)
{
	char fields[64];

	snprintf(fields, sizeof(fields), "worker=%u generation=%u", number, generation);
	return server_count(s, "worker_ready", fields) > 0;
}

static bool are_ready(struct server *s, unsigned below, unsigned generation)
{
	for (unsigned i = 0; i < below; i++)
		if (!is_ready(s, i, generation))
			return false;
	return true;
}

static unsigned last_generation(struct server *s)
{
	return (unsigned)line_number(server_wait_event(s, "worker_started", NULL), "generation");
}

static void trace(struct births *b, pid_t pid)
{
	assert_true(b->count < CHILDREN_MOST);
	b->pids[b->count++] = pid;
}

static void untrace(struct births *b, pid_t pid)
{
	unsigned i = 0;

	while (i < b->count && b->pids[i] != pid)
		i++;
	assert_true(i < b->count);
	b->pids[i] = b->pids[--b->count];
}

/* The process is stopped by the trace, or has died. */
static void let_go(struct births *b, pid_t pid)
{
	assert_true(ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0 || errno == ESRCH);
	untrace(b, pid);
}

/* Before it executes anything. */
static void hold(struct births *b, pid_t pid)
{
	assert_int_equal(kill(pid, SIGSTOP), 0);
	let_go(b, pid);
	b->held->pids[b->held->count++] = pid;
}

/* Waits for the next stop of a traced process. */
static void wait_stop(struct births *b, pid_t pid)
{
	int status;

	WAIT_UNTIL(b->traffic->server, waitpid(pid, &status, __WALL | WNOHANG) == pid);
	assert_true(WIFSTOPPED(status));
}

/* A child of the master: it is the trial, or a keeper, or one that forks nothing. */
static void handle_child(struct births *b, pid_t child)
{
	trace(b, child);
	wait_stop(b, child);
	if (b->has_trial)
		assert_int_equal(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
	else
		let_go(b, child);
	b->has_trial = true;
}

/* A keeper has made its worker. */
static void handle_worker(struct births *b, pid_t keeper, pid_t worker)
{
	bool is_wanted = has_title(keeper, "keeper", b->number);

	trace(b, worker);
	wait_stop(b, worker);
	if (is_wanted) {
		hold(b, worker);
		hold(b, keeper);
	} else {
		let_go(b, worker);
		let_go(b, keeper);
	}
}

static void handle_stop(struct births *b, pid_t pid, int status)
{
	unsigned long child = 0;
	int signal = 0;

	if (!WIFSTOPPED(status)) {
		untrace(b, pid);
		return;
	}
	if (status >> 16 == PTRACE_EVENT_FORK) {
		assert_int_equal(ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child), 0);
		if (pid != b->traffic->server->master) {
			handle_worker(b, pid, (pid_t)child);
			return;
		}
		handle_child(b, (pid_t)child);
	} else if (status >> 16 == 0) {
		signal = WSTOPSIG(status);
	}
	assert_true(ptrace(PTRACE_CONT, pid, NULL, signal) == 0 || errno == ESRCH);
}

/* Handles what the traced processes have done; true when the worker is held. */
static bool is_held(struct births *b)
{
	for (unsigned i = 0; i < b->count; i++) {
		pid_t pid = b->pids[i];
		int status;

		if (waitpid(pid, &status, __WALL | WNOHANG) == pid)
			handle_stop(b, pid, status);
	}
	return b->held->count == 2;
}

/* A process may have forked before the interruption reaches it. */
static void stop_tracing(struct births *b)
{
	while (b->count > 0) {
		pid_t pid = b->pids[0];
		int status;

		(void)ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
		WAIT_UNTIL(b->traffic->server, waitpid(pid, &status, __WALL | WNOHANG) == pid);
		if (WIFSTOPPED(status) && status >> 16 == PTRACE_EVENT_STOP)
			let_go(b, pid);
		else
			handle_stop(b, pid, status);
	}
}

void newcomer_hold(struct traffic *t, unsigned number, struct newcomer *held)
{
	struct server *s = t->server;
	struct births births = { .traffic = t, .held = held, .number = number };

	*held = (struct newcomer){ .generation = last_generation(s) + 1 };
	if (ptrace(PTRACE_SEIZE, s->master, NULL, PTRACE_O_TRACEFORK) != 0)
		server_fail(s, "cannot trace the master: %s", strerror(errno));
	trace(&births, s->master);
	server_signal(s, SIGHUP);
	WAIT_UNTIL(s, is_held(&births));
	stop_tracing(&births);
	for (unsigned i = 0; i < held->count; i++)
		WAIT_UNTIL(s, process_is_stopped(held->pids[i]));
	WAIT_UNTIL(s, are_ready(s, number, held->generation));
	assert_false(is_ready(s, number, held->generation));
}

void newcomer_release(const struct newcomer *held)
{
	for (unsigned i = 0; i < held->count; i++)
		kill(held->pids[i], SIGCONT);
}

void newcomer_kill(const struct newcomer *held)
{
	for (unsigned i = 0; i < held->count; i++)
		kill(held->pids[i], SIGKILL);
}

pid_t newcomer_peer(struct traffic *t, const struct newcomer *held, unsigned number)
{
	char fields[64];

	snprintf(fields, sizeof(fields), "worker=%u generation=%u", number, held->generation);
	return (pid_t)line_number(server_wait_event(t->server, "worker_ready", fields),
				  "child_pid");
}
