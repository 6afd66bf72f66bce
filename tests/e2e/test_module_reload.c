/* SPDX-License-Identifier: MIT */
/* A module's file changes, and the server is told to reload: or not, and a keeper starts anew. */
#include "harness.h"

#include "client.h"
#include "figures.h"
#include "modules.h"
#include "process.h"
#include "traffic.h"

enum { CROWD = 400, RELOADS = 10 };

static struct server *start(const char *name, unsigned workers)
{
	char conf[256];

	modules_begin(name);
	snprintf(conf, sizeof(conf),
		 "listen \"127.0.0.1:0\" { service = module\n module = \"%s\" }\n", modules_path);
	return server_start(&(struct plan){ .conf = conf, .workers = workers });
}

static void ask(int fd, const char *line, const char *answer)
{
	client_say(fd, line);
	client_hear(fd, answer);
}

static int greet(const struct server *s, const char *hello)
{
	int fd = client_connect(FIRST(s));

	client_hear(fd, hello);
	return fd;
}

/* The verb's exit code is that; returns what it says. */
static const char *reload(struct server *s, int code)
{
	static char said[2048];
	int got = server_verb(s, "reload", said, sizeof(said));

	if (got != code)
		server_fail(s, "-s reload exits with %d and says: %s", got, said);
	return said;
}

static void reload__to_a_changed_file_under_load__closes_no_connection(void **state)
{
	static const char *const names[] = { "echo", "echo_changed" };
	struct server *s = start("echo", 4);
	struct traffic *t = traffic_new(s);

	(void)state;
	traffic_open(t, FIRST(s), TALK_ECHO, CROWD);
	for (unsigned i = 0; i < RELOADS; i++) {
		modules_install(names[(i + 1) % 2]);
		traffic_reload(t);
		TRAFFIC_UNTIL(t, figures_has_only_new(s));
	}
	traffic_go_on(t, 2);
	traffic_check(t, 0);
	figures_check(s);
	traffic_close(t);
	server_stop(s);
}

static void connection__goes_on_in_the_changed_module(void **state)
{
	struct server *s = start("every", 1);
	int fd = greet(s, "one hello\n");

	(void)state;
	ask(fd, "a\nb", "one 1 a\n");
	modules_install("every_changed");
	assert_non_null(strstr(reload(s, 0), "1 connection moved"));
	ask(fd, "c\n", "two 2 bc\n");
	close(fd);
	server_stop(s);
}

/* One that is in a message stays; the others end between messages. */
static void finish_in_old_worker(const char *name, const char *hello)
{
	struct server *s = start("every", 1);
	int fd = greet(s, "one hello\n"), fresh;

	ask(fd, "a\nb", "one 1 a\n");
	modules_install(name);
	(void)reload(s, 0);
	fresh = greet(s, hello);
	ask(fd, "c\n", "one 2 bc\n");
	client_expect_end(fd);
	close(fd);
	close(fresh);
	server_stop(s);
}

static void connection__of_another_state_version__finishes_in_the_old_worker(void **state)
{
	(void)state;
	finish_in_old_worker("every_other", "three hello\n");
}

static void connection__of_a_bound_module__finishes_in_the_old_worker(void **state)
{
	(void)state;
	finish_in_old_worker("every_bound", "four hello\n");
}

static void reload__to_a_module_that_fails__changes_nothing(void **state)
{
	static const struct {
		const char *name, *why;
	} rows[] = {
		{ "odd_constructor", "crashed while it was loaded (signal 11" },
		{ "odd_init", "crashed while it was loaded (signal " },
		{ "odd_refuse", "refuses its arguments: it takes 7 arguments" },
		{ "odd_symbol", "has no symbol prefork_service" },
		{ "odd_abi", "has ABI 2" },
	};
	struct server *s = start("every", 2);
	int fd = greet(s, "one hello\n");
	pid_t worker = server_worker(s, 0);

	(void)state;
	s->errors[0] = "reload_failed";
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *said;

		modules_install(rows[i].name);
		said = reload(s, 1);
		if (!strstr(said, rows[i].why) || !strstr(said, modules_path) ||
		    !strstr(said, "s.conf:1: listen.module"))
			server_fail(s, "%s: %s", rows[i].name, said);
	}
	ask(fd, "a\n", "one 1 a\n");
	close(greet(s, "one hello\n"));
	assert_int_equal(server_worker(s, 0), worker);
	close(fd);
	server_stop(s);
}

static void memory__goes_on_across_crashes_and_reloads(void **state)
{
	struct server *s = start("every", 2);
	int fd = greet(s, "one hello\n");

	(void)state;
	ask(fd, "shared\n", "one 1 of 4096\n");
	for (unsigned i = 0; i < 2; i++) {
		pid_t victim = server_worker(s, i);

		WAIT_UNTIL(s, process_sleeps(victim));
		kill(victim, SIGKILL);
	}
	server_wait_count(s, 2, "connections_recovered", NULL);
	ask(fd, "shared\n", "one 2 of 4096\n");
	modules_install("every_changed");
	(void)reload(s, 0);
	ask(fd, "shared\n", "two 3 of 4096\n");
	close(fd);
	WAIT_UNTIL(s, figures_has_only_new(s));
	(void)reload(s, 0);
	fd = greet(s, "two hello\n");
	ask(fd, "shared\n", "two 4 of 4096\n");
	close(fd);
	modules_install("every_other");
	(void)reload(s, 0);
	fd = greet(s, "three hello\n");
	ask(fd, "shared\n", "three 1 of 4096\n");
	close(fd);
	server_stop(s);
}

/* The other file's code does not run: the constructor of one would end the keeper by a signal. */
static void expect_another_refused(struct server *s, const char *name)
{
	modules_install(name);
	server_mark(s);
	kill(server_keeper(s, 0), SIGKILL);
	kill(server_worker(s, 0), SIGKILL);
	assert_non_null(strstr(server_wait_event(s, "worker_failed", "role=keeper worker=0"),
			       "s.conf:1: the module has changed since it was checked (reload)"));
	server_wait_event(s, "worker_respawn_delayed", "worker=0");
	close(greet(s, "one hello\n"));
}

/*
 * The file was replaced without a reload, and a keeper has to start anew: it waits for the file
 * that was checked, and the server goes on meanwhile.
 */
static void keeper__that_finds_another_file__waits_for_the_one_that_was_checked(void **state)
{
	static const char *const names[] = { "every_other", "every_changed", "odd_constructor" };
	struct server *s = start("every", 2);
	char checked[112];

	(void)state;
	s->errors[0] = "worker_failed";
	snprintf(checked, sizeof(checked), "%s.checked", modules_path);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(link(modules_path, checked), 0);
		expect_another_refused(s, names[i]);
		server_mark(s);
		assert_int_equal(rename(checked, modules_path), 0);
		server_wait_event(s, "worker_ready", "worker=0");
	}
	server_stop(s);
}

static void reload__after_a_file_was_replaced__starts_the_worker_that_waited(void **state)
{
	struct server *s = start("every", 2);

	(void)state;
	s->errors[0] = "worker_failed";
	expect_another_refused(s, "every_changed");
	(void)reload(s, 0);
	close(greet(s, "two hello\n"));
	WAIT_UNTIL(s, figures_has_only_new(s));
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(reload__to_a_changed_file_under_load__closes_no_connection),
		E2E(connection__goes_on_in_the_changed_module),
		E2E(connection__of_another_state_version__finishes_in_the_old_worker),
		E2E(connection__of_a_bound_module__finishes_in_the_old_worker),
		E2E(reload__to_a_module_that_fails__changes_nothing),
		E2E(memory__goes_on_across_crashes_and_reloads),
		E2E(keeper__that_finds_another_file__waits_for_the_one_that_was_checked),
		E2E(reload__after_a_file_was_replaced__starts_the_worker_that_waited),
	};

	return E2E_RUN(tests);
}
