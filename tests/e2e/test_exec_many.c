/* SPDX-License-Identifier: MIT */
/* exec with many connections: its limit, what is left behind, and what one client costs another. */
#include "harness.h"

#include <poll.h>

#include "accessbook.h"
#include "client.h"
#include "process.h"

enum { SHORT_ONES = 2000, AT_ONCE = 20, LONG_ONES = 200, CROWD = 1000, TOO_MANY = 200 };

#define LISTEN(rest) "listen \"127.0.0.1:0\" { service = exec  " rest " }\n"

static bool hears(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

/* Which of the two that wait is first depends on the workers, which ask for them. */
static void clients__beyond_the_limit__wait_and_are_not_refused(void **state)
{
	struct server *s = accessbook_start((struct plan){
		.conf = LISTEN("command = {/bin/cat}  max_processes = 2"), .workers = 2 });
	int fds[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		fds[i] = client_connect(FIRST(s));
		client_say(fds[i], "here");
		if (i < 2)
			client_hear(fds[i], "here");
	}
	assert_false(hears(fds[2], 300));
	assert_false(hears(fds[3], 0));
	assert_int_equal(server_count(s, "exec_started", NULL), 2);
	for (unsigned i = 0; i < 2; i++) {
		client_half_close(fds[i]);
		client_expect_end(fds[i]);
		server_wait_count(s, 3 + i, "exec_started", NULL);
		assert_int_equal(server_count(s, "exec_started", NULL), 3 + i);
	}
	client_hear(fds[2], "here");
	client_hear(fds[3], "here");
	for (unsigned i = 0; i < 4; i++)
		close(fds[i]);
	WAIT_UNTIL(s, accessbook_lines() == 4);
	assert_int_equal(
		accessbook_count(accessbook_read(accessbook_path), " ending=program_exited "), 4);
	server_stop(s);
}

/* Its timeout and its standard error have an alarm each. */
static void programs__that_flood_the_log__have_all_their_alarms_at_the_limit(void **state)
{
	struct server *s = server_start(&(struct plan){
		.conf = LISTEN("command = {/bin/sh, -c, \"exec yes >&2\"}  max_processes = 2  "
			       "timeout = 10m"),
		.set = { "shutdown_timeout=100ms" },
		.quiet_log = true });
	pid_t helper = server_helper(s, "exec"), pids[3];
	int fds[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		fds[i] = client_connect(FIRST(s));
	WAIT_UNTIL(s, process_children(helper, pids, 3) == 2);
	for (unsigned i = 0; i < 2; i++) {
		char fields[32];

		snprintf(fields, sizeof(fields), "child_pid=%d", pids[i]);
		server_wait_event(s, "exec_output_lost", fields);
	}
	server_stop(s); /* ends both */
	assert_int_equal(server_count(s, "helper_died", NULL), 0);
	for (unsigned i = 0; i < 2; i++)
		close(fds[i]);
}

/* The helper of the first listener was started first. */
static pid_t first_helper(struct server *s)
{
	pid_t pids[4];
	unsigned n = server_helpers(s, "exec", pids, 4);
	pid_t first = pids[0];

	assert_true(n > 0);
	for (unsigned i = 1; i < n; i++)
		first = pids[i] < first ? pids[i] : first;
	return first;
}

/*
 * Far more than the links hold, so that workers have to try again. Another listener is served
 * meanwhile.
 */
static void crowd__beyond_the_links__is_served_in_the_end(void **state)
{
	struct server *s = server_start(&(struct plan){
		.conf = LISTEN("command = {/bin/echo, hello}  max_processes = 3") LISTEN(
			"command = {/bin/cat}") "listen \"127.0.0.1:0\" { service = echo }\n",
		.quiet_log = true });
	static int fds[CROWD];
	pid_t helper;

	(void)state;
	assert_int_equal(s->address_count, 3);
	helper = first_helper(s);
	kill(helper, SIGSTOP);
	for (unsigned i = 0; i < CROWD; i++)
		fds[i] = client_connect(s->addresses[0]);
	for (unsigned i = 1; i < 3; i++) {
		int fd = client_connect(s->addresses[i]);

		client_say(fd, "meanwhile");
		client_hear(fd, "meanwhile");
		close(fd);
	}
	assert_false(hears(fds[0], 100));
	kill(helper, SIGCONT);
	for (unsigned i = 0; i < CROWD; i++) {
		client_hear(fds[i], "hello\n");
		client_expect_end(fds[i]);
		close(fds[i]);
	}
	server_stop(s);
}

/* Accepting takes each descriptor that becomes free, and giving away must not wait for one. */
static void worker__at_its_limit_of_descriptors__gives_all_away(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .conf = LISTEN("command = {/bin/cat}  max_processes = 1000"),
				.set = { "rlimit_nofile=100" } });
	static int fds[TOO_MANY];

	(void)state;
	for (unsigned i = 0; i < TOO_MANY; i++) {
		fds[i] = client_connect(FIRST(s));
		client_say(fds[i], "hello");
	}
	server_wait_event(s, "accept_paused", NULL);
	for (unsigned i = 0; i < TOO_MANY; i++)
		close(fds[i]);
	fds[0] = client_connect(FIRST(s));
	client_say(fds[0], "hello");
	client_hear(fds[0], "hello");
	close(fds[0]);
	server_wait_count(s, TOO_MANY + 1, "connection_ended", NULL);
	server_stop(s);
}

static void short_programs__leave_no_zombie_and_no_descriptor(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .conf = LISTEN("command = {/bin/true}"), .quiet_log = true });
	pid_t helper = server_helper(s, "exec"), worker = server_worker(s, 0), left[4];
	unsigned before[2], after[2];

	(void)state;
	before[0] = process_descriptors(helper);
	before[1] = process_descriptors(worker);
	for (unsigned i = 0; i < SHORT_ONES; i += AT_ONCE) {
		int fds[AT_ONCE];

		for (unsigned k = 0; k < AT_ONCE; k++)
			fds[k] = client_connect(FIRST(s));
		for (unsigned k = 0; k < AT_ONCE; k++) {
			client_expect_end(fds[k]);
			close(fds[k]);
		}
	}
	WAIT_UNTIL(s, process_children(helper, left, 4) == 0);
	/* under a sanitizer the helper makes a pipe for each start, and the first one early */
	WAIT_UNTIL(s, (after[0] = process_descriptors(helper)) <= before[0]);
	WAIT_UNTIL(s, (after[1] = process_descriptors(worker)) == before[1]);
	assert_true(after[0] + 1 >= before[0]);
	server_stop(s);
}

/* A copy of another client's socket in any of the programs would keep that client's end back. */
static void ends__of_other_clients__reach_them_at_once(void **state)
{
	struct server *s = server_start(&(struct plan){
		.conf = LISTEN(
			"command = {/bin/sh, -c, \"echo; read line; case $line in sleep) exec "
			"sleep "
			"600;; esac\"}  max_processes = 500") "listen \"127.0.0.1:0\" { service = "
							      "ack  framing = line }\n"
							      "shutdown_timeout = 1s\n",
		.quiet_log = true });
	static int fds[LONG_ONES];

	(void)state;
	for (unsigned i = 0; i < LONG_ONES; i++) {
		fds[i] = client_connect(FIRST(s));
		client_hear(fds[i], "\n");
		if (i % 10 != 0)
			client_say(fds[i], "sleep\n");
	}
	for (unsigned i = 0; i < LONG_ONES; i += 10) {
		int other = client_connect(s->addresses[1]);

		client_say(other, "x\n");
		client_hear(other, ACK "\n");
		client_half_close(other);
		client_expect_end(other);
		close(other);
		client_say(fds[i], "end\n");
		client_expect_end(fds[i]);
	}
	for (unsigned i = 0; i < LONG_ONES; i++)
		close(fds[i]);
	server_stop(s);
}

/* Each program has a session of its own, whose processes end with it. */
static void stop__ends_every_program_with_its_children(void **state)
{
	struct server *s = server_start(&(struct plan){
		.conf = LISTEN("command = {/bin/sh, -c, \"trap '' TERM; sleep 600 & echo up; "
			       "wait\"}") "shutdown_timeout = 300ms\n" });
	int fd = client_connect(FIRST(s)), code;

	(void)state;
	client_hear(fd, "up\n");
	server_signal(s, SIGTERM);
	client_expect_end(fd);
	close(fd);
	code = server_wait_exit(s);
	WAIT_UNTIL(s, process_reap_orphans() == 0);
	server_check(s, code, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(clients__beyond_the_limit__wait_and_are_not_refused),
		E2E(programs__that_flood_the_log__have_all_their_alarms_at_the_limit),
		E2E(crowd__beyond_the_links__is_served_in_the_end),
		E2E(worker__at_its_limit_of_descriptors__gives_all_away),
		E2E(short_programs__leave_no_zombie_and_no_descriptor),
		E2E(ends__of_other_clients__reach_them_at_once),
		E2E(stop__ends_every_program_with_its_children),
	};

	return E2E_RUN(tests);
}
