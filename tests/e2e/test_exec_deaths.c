/* SPDX-License-Identifier: MIT */
/* exec while workers, helpers and the master die, and while the configuration is reloaded. */
#include "harness.h"

#include <stdlib.h>

#include "accessbook.h"
#include "client.h"
#include "process.h"

enum { PROGRAMS = 8, DEATHS = 5 };

/* Says that it is there, and exits with the code that the client names. */
#define COMMAND "command = {/bin/sh, -c, \"echo up; read code; exit $code\"}"
#define CONF    "listen \"127.0.0.1:0\" { service = exec  " COMMAND " }\n"

static void start_programs(const struct server *s, int *fds)
{
	for (unsigned i = 0; i < PROGRAMS; i++) {
		fds[i] = client_connect(FIRST(s));
		client_hear(fds[i], "up\n");
	}
}

/* The code of each is its place. */
static void end_programs(const int *fds)
{
	char line[16];

	for (unsigned i = 0; i < PROGRAMS; i++) {
		snprintf(line, sizeof(line), "%u\n", i);
		client_say(fds[i], line);
		client_expect_end(fds[i]);
		close(fds[i]);
	}
}

static void expect_codes(struct server *s, unsigned lines)
{
	char code[48];

	WAIT_UNTIL(s, accessbook_lines() == lines);
	for (unsigned i = 0; i < PROGRAMS; i++) {
		snprintf(code, sizeof(code), "ending=program_exited state=-- exit_code=%u ", i);
		accessbook_expect(s, code);
	}
}

static void worker__killed_while_programs_run__leaves_them_and_their_ends_are_told(void **state)
{
	struct server *s = accessbook_start((struct plan){ .conf = CONF, .workers = 2 });
	int fds[PROGRAMS];

	(void)state;
	start_programs(s, fds);
	for (unsigned i = 0; i < DEATHS; i++) {
		pid_t victim = server_worker(s, i % 2);

		/* the program may be up before the worker has put the connection down */
		WAIT_UNTIL(s, process_sleeps(victim));
		kill(victim, SIGKILL);
		server_wait_count(s, i + 1, "connections_recovered", NULL);
	}
	assert_int_equal(server_count(s, "exec_exited", NULL), 0);
	end_programs(fds);
	expect_codes(s, PROGRAMS);
	server_stop(s);
}

/* The helper's report waits in the control socket for a worker that is not there. */
static void programs__that_end_without_a_worker__are_told_by_the_next_one(void **state)
{
	struct server *s = accessbook_start((struct plan){ .conf = CONF });
	int fds[PROGRAMS];
	pid_t worker;

	(void)state;
	start_programs(s, fds);
	worker = server_worker(s, 0);
	kill(worker, SIGSTOP);
	WAIT_UNTIL(s, process_is_stopped(worker));
	end_programs(fds);
	server_wait_count(s, PROGRAMS, "exec_exited", NULL);
	kill(worker, SIGKILL);
	expect_codes(s, PROGRAMS);
	server_stop(s);
}

static void helper__killed__leaves_its_programs_and_is_started_again(void **state)
{
	struct server *s = accessbook_start((struct plan){ .conf = CONF });
	int fds[PROGRAMS];

	(void)state;
	start_programs(s, fds);
	kill(server_helper(s, "exec"), SIGKILL);
	server_wait_event(s, "helper_died", "signal=9");
	server_wait_event(s, "helper_respawn_delayed", "service=exec");
	WAIT_UNTIL(s, accessbook_lines() == PROGRAMS);
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path),
					  " ending=program_lost state=I"),
			 PROGRAMS);
	server_wait_count(s, 2, "helper_ready", NULL);
	assert_int_equal(process_reap_orphans(), PROGRAMS);
	end_programs(fds); /* they go on with their sockets */
	WAIT_UNTIL(s, process_reap_orphans() == 0);
	start_programs(s, fds);
	end_programs(fds);
	expect_codes(s, 2 * PROGRAMS);
	server_stop(s);
}

/* What it had not taken from the links yet, the next one finds there. */
static void requests__that_a_dead_helper_has_not_taken__are_not_lost(void **state)
{
	struct server *s = accessbook_start((struct plan){ .conf = CONF, .workers = 2 });
	pid_t helper = server_helper(s, "exec");
	int fds[PROGRAMS];

	(void)state;
	kill(helper, SIGSTOP);
	WAIT_UNTIL(s, process_is_stopped(helper));
	for (unsigned i = 0; i < PROGRAMS; i++)
		fds[i] = client_connect(FIRST(s));
	server_wait_count(s, PROGRAMS, "connection_opened", NULL);
	WAIT_UNTIL(s, process_sleeps(server_worker(s, 0)) && process_sleeps(server_worker(s, 1)));
	kill(helper, SIGKILL);
	for (unsigned i = 0; i < PROGRAMS; i++)
		client_hear(fds[i], "up\n");
	end_programs(fds);
	expect_codes(s, PROGRAMS);
	server_stop(s);
}

/* Its programs are the next one's no more, and the client that waits is served by that. */
static void helper__that_hangs__is_replaced(void **state)
{
	struct server *s =
		accessbook_start((struct plan){ .conf = CONF, .set = { "hang_timeout=3s" } });
	pid_t helper = server_helper(s, "exec");
	const char *line;
	int fds[PROGRAMS], late;

	(void)state;
	start_programs(s, fds);
	kill(helper, SIGSTOP);
	late = client_connect(FIRST(s));
	line = server_wait_event(s, "helper_hung", "service=exec");
	assert_int_equal(line_number(line, "child_pid"), helper);
	assert_true(line_number(line, "silent_ms") > 3000);
	client_hear(late, "up\n");
	server_wait_event(s, "helper_died", "signal=9");
	WAIT_UNTIL(s, accessbook_lines() == PROGRAMS);
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path),
					  " ending=program_lost state=I"),
			 PROGRAMS);
	assert_int_equal(server_count(s, "worker_hung", NULL), 0);
	close(late);
	end_programs(fds);
	WAIT_UNTIL(s, process_reap_orphans() == 0);
	server_stop(s);
}

/* A terminal, or timeout(1), signals whole groups; only the master tells a helper to leave. */
static void signals__to_a_helper__end_no_program(void **state)
{
	struct server *s = accessbook_start((struct plan){ .conf = CONF });
	pid_t helper = server_helper(s, "exec");
	int fds[PROGRAMS];

	(void)state;
	start_programs(s, fds);
	kill(helper, SIGTERM);
	kill(helper, SIGINT);
	kill(helper, SIGHUP);
	kill(helper, SIGUSR1);
	server_signal(s, SIGTERM);
	server_wait_event(s, "server_stopping", NULL);
	end_programs(fds);
	WAIT_UNTIL(s, accessbook_lines() == PROGRAMS);
	expect_codes(s, PROGRAMS);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "helper_died", NULL), 0);
	assert_int_equal(server_count(s, "helper_exited", NULL), 1);
}

static void reload__lets_programs_finish__in_their_own_helper(void **state)
{
	struct server *s = accessbook_start((struct plan){ .conf = CONF });
	pid_t helper = server_helper(s, "exec");
	int fds[PROGRAMS];

	(void)state;
	start_programs(s, fds);
	server_configure(s, "listen \"127.0.0.1:0\" { service = exec  command = {/bin/cat} }\n");
	server_signal(s, SIGHUP);
	server_wait_event(s, "reload_finished", NULL);
	assert_true(process_lives(helper));
	end_programs(fds);
	WAIT_UNTIL(s, accessbook_lines() == PROGRAMS);
	expect_codes(s, PROGRAMS);
	server_wait_event(s, "helper_exited", NULL);
	fds[0] = client_connect(FIRST(s));
	client_say(fds[0], "new");
	client_hear(fds[0], "new");
	close(fds[0]);
	server_stop(s);
}

static void reload__to_a_command_that_is_not_there__changes_nothing(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = CONF });
	int fds[PROGRAMS];
	char text[512];

	(void)state;
	server_configure(s, "listen \"127.0.0.1:0\" { service = exec  command = {/no/such} }\n");
	assert_int_equal(server_verb(s, "reload", text, sizeof(text)), 1);
	assert_non_null(strstr(text, "command: \"/no/such\" does not exist"));
	start_programs(s, fds);
	end_programs(fds);
	server_configure(s, CONF);
	s->errors[0] = "reload_failed";
	server_stop(s);
}

/* The worker waits for its programs as for other connections that are not idle. */
static void stop__waits_for_programs__and_ends_them_after_shutdown_timeout(void **state)
{
	struct server *s =
		accessbook_start((struct plan){ .conf = CONF, .set = { "shutdown_timeout=1s" } });
	int fds[PROGRAMS], late;

	(void)state;
	start_programs(s, fds);
	late = client_connect(FIRST(s));
	client_hear(late, "up\n");
	server_signal(s, SIGTERM);
	server_wait_event(s, "server_stopping", NULL);
	end_programs(fds);
	client_expect_end(late);
	close(late);
	server_check(s, server_wait_exit(s), 0);
	expect_codes(s, PROGRAMS + 1);
	accessbook_expect(s, " ending=shutdown_timeout ");
}

/* Their connections end by the graceful stop, and they by the helper, which is not killed. */
static void stop__with_programs_that_ignore_term__is_over_soon_after_shutdown_timeout(void **state)
{
	struct server *s = accessbook_start((struct plan){
		.conf = "listen \"127.0.0.1:0\" { service = exec  command = {/bin/sh, -c, "
			"\"trap '' TERM; echo up; exec sleep 600\"} }\n",
		.set = { "shutdown_timeout=100ms" } });
	int fds[PROGRAMS];

	(void)state;
	start_programs(s, fds);
	server_signal(s, SIGTERM);
	server_check(s, server_wait_exit(s), 0);
	assert_int_equal(server_count(s, "exec_exited", "signal=9"), PROGRAMS);
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path),
					  " ending=shutdown_timeout "),
			 PROGRAMS);
	assert_int_equal(server_count(s, "helper_exited", NULL), 1);
	assert_int_equal(server_count(s, "helper_exited", "signal=9"), 0);
	for (unsigned i = 0; i < PROGRAMS; i++)
		close(fds[i]);
}

#define DEAF                                                                          \
	"listen \"127.0.0.1:0\" { service = exec  command = {/bin/sh, -c, \"trap '' " \
	"TERM; sleep 600 & echo up; wait; wait\"} }\n"

/* The first one gives them a second. */
static void stop__by_a_second_interrupt__leaves_no_program(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = DEAF });
	int fds[PROGRAMS], code;

	(void)state;
	start_programs(s, fds);
	server_signal(s, SIGINT);
	server_wait_event(s, "server_stopping", "how=fast");
	server_signal(s, SIGINT);
	code = server_wait_exit(s);
	WAIT_UNTIL(s, process_reap_orphans() == 0);
	server_check(s, code, 0);
	assert_int_equal(server_count(s, "helper_killed", NULL), 0);
	for (unsigned i = 0; i < PROGRAMS; i++) {
		client_expect_end(fds[i]);
		close(fds[i]);
	}
}

static bool is_killed(struct server *s, pid_t helper)
{
	kill(helper, SIGSTOP); /* the order to leave has woken it */
	return server_count(s, "helper_killed", NULL) > 0;
}

/* Its programs are nobody's any more. */
static void stop__with_a_helper_that_hangs__is_over_all_the_same(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = DEAF });
	pid_t helper = server_helper(s, "exec");
	int fds[PROGRAMS], code;

	(void)state;
	start_programs(s, fds);
	server_signal(s, SIGINT);
	WAIT_UNTIL(s, is_killed(s, helper));
	server_wait_event(s, "helper_exited", "signal=9");
	code = server_wait_exit(s);
	process_end_children();
	server_check(s, code, 0);
	for (unsigned i = 0; i < PROGRAMS; i++)
		close(fds[i]);
}

static void master__killed__ends_all_programs_within_shutdown_timeout(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .conf = CONF, .set = { "shutdown_timeout=500ms" } });
	int fds[PROGRAMS];
	pid_t helper = server_helper(s, "exec");

	(void)state;
	start_programs(s, fds);
	kill(s->master, SIGKILL);
	client_say(fds[0], "0\n"); /* goes on meanwhile */
	for (unsigned i = 0; i < PROGRAMS; i++) {
		client_expect_end(fds[i]);
		close(fds[i]);
	}
	WAIT_UNTIL(s, !process_lives(helper));
	s->leaves_pid_file = true;
	assert_int_equal(server_wait_exit(s), 128 + SIGKILL);
	process_end_children();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(worker__killed_while_programs_run__leaves_them_and_their_ends_are_told),
		E2E(programs__that_end_without_a_worker__are_told_by_the_next_one),
		E2E(helper__killed__leaves_its_programs_and_is_started_again),
		E2E(requests__that_a_dead_helper_has_not_taken__are_not_lost),
		E2E(helper__that_hangs__is_replaced),
		E2E(signals__to_a_helper__end_no_program),
		E2E(reload__lets_programs_finish__in_their_own_helper),
		E2E(reload__to_a_command_that_is_not_there__changes_nothing),
		E2E(stop__waits_for_programs__and_ends_them_after_shutdown_timeout),
		E2E(stop__with_programs_that_ignore_term__is_over_soon_after_shutdown_timeout),
		E2E(stop__by_a_second_interrupt__leaves_no_program),
		E2E(stop__with_a_helper_that_hangs__is_over_all_the_same),
		E2E(master__killed__ends_all_programs_within_shutdown_timeout),
	};

	return E2E_RUN(tests);
}
