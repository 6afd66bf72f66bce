/* SPDX-License-Identifier: MIT */
/* Signals without a meaning to the server, and signal settings left by a parent. */
#include "harness.h"

#include <sys/wait.h>

#include "client.h"
#include "process.h"

enum { FIRST_REAL_TIME = 32 };

#define DRAIN (SIGRTMIN + 6) /* with a value; the master obeys or drops it */
#define MOVE  (SIGRTMIN + 2) /* a worker passes its connections on and leaves */

static const int strays[] = { SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGSTKFLT, SIGPWR };
enum { STRAYS = sizeof(strays) / sizeof(*strays) };

/* In the order of their numbers, in which they are delivered (signal(7)). */
static void strays__to_the_master__are_reported_once(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = 2 });
	char sender[32];
	unsigned sent = 0;

	(void)state;
	snprintf(sender, sizeof(sender), "sender_pid=%d", (int)getpid());
	for (int round = 0; round < 2; round++)
		for (unsigned i = 0; i < STRAYS; i++)
			server_signal(s, strays[i]);
	sent += STRAYS;
	server_signal(s, SIGXCPU);
	sent++;
	for (int number = FIRST_REAL_TIME; number <= SIGRTMAX; number++) {
		server_signal(s, number);
		server_signal(s, number);
		sent += number != DRAIN;
	}
	server_wait_count(s, sent, "signal_ignored", sender);
	server_wait_event(s, "signal_ignored", "signal=ALRM");
	server_wait_event(s, "signal_ignored", "signal=RTMIN+3");
	/* a signal with a meaning is still obeyed, and no other report came before it */
	server_signal(s, SIGTTIN);
	server_wait_event(s, "workers_changed", NULL);
	assert_int_equal(server_count(s, "signal_ignored", NULL), sent);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

static void strays__to_workers_and_keepers__change_nothing(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 });
	pid_t pids[] = { server_worker(s, 0), server_keeper(s, 0) };

	(void)state;
	for (unsigned p = 0; p < 2; p++) {
		for (unsigned i = 0; i < STRAYS; i++)
			kill(pids[p], strays[i]);
		for (int number = FIRST_REAL_TIME; number <= SIGRTMAX; number++)
			if (number != MOVE)
				kill(pids[p], number);
	}
	client_ask(FIRST(s), "x", ACK);
	assert_int_equal(server_worker(s, 0), pids[0]);
	assert_int_equal(server_keeper(s, 0), pids[1]);
	/* the keeper still obeys its master */
	kill(pids[0], SIGKILL);
	server_wait_count(s, 2, "worker_ready", NULL);
	assert_int_equal(server_keeper(s, 0), pids[1]);
	server_stop(s);
}

static void limit_of_processor_time__ends_a_worker(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 });
	char field[16];

	(void)state;
	snprintf(field, sizeof(field), "signal=%d", SIGXCPU);
	kill(server_worker(s, 0), SIGXCPU);
	server_wait_event(s, "worker_crashed", field);
	server_wait_count(s, 2, "worker_ready", NULL);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

/* As after `trap '' CHLD` in a parent that blocks all signals. */
static struct server *start_deafened(void)
{
	sigset_t all, before;
	struct server *s;

	sigfillset(&all);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGABRT, SIG_IGN);
	sigprocmask(SIG_SETMASK, &all, &before);
	s = server_launch(&(struct plan){ 0 });
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	server_wait_ready(s);
	return s;
}

/* The master sends SIGABRT to a worker that hangs, for its core. */
static void parent__that_blocks_and_ignores_all__makes_no_difference(void **state)
{
	struct server *s = start_deafened();
	char field[16];

	(void)state;
	snprintf(field, sizeof(field), "signal=%d", SIGABRT);
	kill(server_worker(s, 0), SIGABRT);
	server_wait_event(s, "worker_crashed", field);
	server_wait_count(s, 2, "worker_ready", NULL);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(strays__to_the_master__are_reported_once),
		E2E(strays__to_workers_and_keepers__change_nothing),
		E2E(limit_of_processor_time__ends_a_worker),
		E2E(parent__that_blocks_and_ignores_all__makes_no_difference),
	};

	return E2E_RUN(tests);
}
