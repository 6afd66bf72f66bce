/* SPDX-License-Identifier: MIT */
/* Reloads: the changes they apply or refuse, and the clients they must not disturb. */
#include "harness.h"

#include <sys/wait.h>

#include "client.h"
#include "process.h"

#define ACK_CONF(reply)                                                                     \
	"workers = 2\nlisten \"127.0.0.1:0\" {\n service = ack\n framing = line\n reply = " \
	"\"" reply "\"\n}\n"

static void reload(struct server *s)
{
	server_mark(s);
	server_signal(s, SIGHUP);
	server_wait_event(s, "reload_started", NULL);
	server_wait_event(s, "reload_finished", NULL);
}

static void reload__with_a_new_reply__applies_it(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = ACK_CONF("old") });

	(void)state;
	client_ask(FIRST(s), "x\n", "old\n");
	server_configure(s, ACK_CONF("new"));
	reload(s);
	for (int i = 0; i < 10; i++)
		client_ask(FIRST(s), "x\n", "new\n");
	server_stop(s);
}

static void reload__with_another_number_of_workers__has_them(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = ACK_CONF("a") });
	pid_t pids[8];

	(void)state;
	server_configure(s, "workers = 3\nlisten \"127.0.0.1:0\" { service = ack }\n");
	reload(s);
	WAIT_UNTIL(s, server_workers(s, pids, 8) == 3 && server_draining(s) == 0);
	server_stop(s);
}

static void reload__with_a_bad_file__changes_nothing(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = ACK_CONF("old") });
	pid_t before = server_worker(s, 0);
	char out[2048], place[96];

	(void)state;
	s->errors[0] = "reload_failed";
	server_configure(s, ACK_CONF("new") "lissten = 3\n");
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 1);
	snprintf(place, sizeof(place), "%s:7", s->conf);
	if (!strstr(out, place) || !strstr(out, "lissten"))
		server_fail(s, "the verb does not name %s: %s", place, out);
	if (!strstr(server_wait_event(s, "reload_failed", NULL), place))
		server_fail(s, "the log does not name %s", place);
	assert_int_equal(server_worker(s, 0), before);
	client_ask(FIRST(s), "x\n", "old\n");
	server_stop(s);
}

static void reload__with_a_taken_port__changes_nothing(void **state)
{
	char taken[64], conf[256], out[2048];
	int fd = client_listener(taken, sizeof(taken));
	struct server *s = server_start(&(struct plan){ .conf = ACK_CONF("old") });

	(void)state;
	s->errors[0] = "reload_failed";
	snprintf(conf, sizeof(conf), ACK_CONF("new") "listen \"%s\" { service = echo }\n", taken);
	server_configure(s, conf);
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 1);
	if (!strstr(out, taken))
		server_fail(s, "the verb does not name %s: %s", taken, out);
	client_ask(FIRST(s), "x\n", "old\n");
	close(fd);
	server_stop(s);
}

static void verb_reload__tells_that_it_went_well(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = ACK_CONF("old") });
	char out[2048];

	(void)state;
	server_configure(s, ACK_CONF("new"));
	if (server_verb(s, "reload", out, sizeof(out)) != 0)
		server_fail(s, "-s reload: %s", out);
	if (strncmp(out, "reload: ok, 2 workers, ", 23) != 0)
		server_fail(s, "-s reload says: %s", out);
	client_ask(FIRST(s), "x\n", "new\n");
	server_stop(s);
}

static void reload__with_a_message_in_flight__answers_it_in_a_new_worker(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = ACK_CONF("old") });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "one\ntw");
	client_hear(fd, "old\n");
	server_configure(s, ACK_CONF("new"));
	reload(s);
	client_ask(FIRST(s), "x\n", "new\n");
	client_say(fd, "o\n");
	client_hear(fd, "new\n");
	client_say(fd, "three\n");
	client_hear(fd, "new\n");
	close(fd);
	server_stop(s);
}

static void reload__again_and_again__refuses_nobody(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = ACK_CONF("a") });

	(void)state;
	for (int i = 0; i < 5; i++) {
		server_mark(s);
		server_signal(s, SIGHUP);
		while (server_count(s, "reload_finished", NULL) == 0)
			client_ask(FIRST(s), "x\n", "a\n");
	}
	WAIT_UNTIL(s, server_draining(s) == 0);
	server_stop(s);
}

static void reload__leaves_no_descriptor_behind(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = ACK_CONF("a") });
	unsigned master = process_descriptors(s->master), worker = 0;
	pid_t pids[8];

	(void)state;
	for (int i = 0; i < 4; i++) {
		reload(s);
		WAIT_UNTIL(s, server_workers(s, pids, 8) == 2);
		if (i == 0) /* from now on it also reaches the doors of a generation before it */
			worker = process_descriptors(server_worker(s, 0));
	}
	WAIT_UNTIL(s, process_descriptors(s->master) == master);
	WAIT_UNTIL(s, process_descriptors(server_worker(s, 0)) == worker);
	server_stop(s);
}

static void reload__with_another_listener__opens_and_closes_it(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = ACK_CONF("a") });
	char address[160], field[192], conf[256];
	int fd;

	(void)state;
	snprintf(conf, sizeof(conf), ACK_CONF("a") "listen \"%s:0\" { service = echo }\n",
		 client_loopback_host());
	server_configure(s, conf);
	server_mark(s);
	server_signal(s, SIGHUP);
	snprintf(address, sizeof(address), "%s",
		 strstr(server_wait_event(s, "listener_opened", NULL), "address=") + 8);
	address[strcspn(address, " ")] = '\0';
	server_wait_event(s, "reload_finished", NULL);
	client_ask(address, "echo", "echo");
	client_ask(FIRST(s), "x\n", "a\n");
	server_configure(s, ACK_CONF("a"));
	reload(s);
	snprintf(field, sizeof(field), "address=%s", address);
	server_wait_event(s, "listener_closed", field);
	WAIT_UNTIL(s, (fd = client_try(address)) < 0 || (close(fd), false));
	client_ask(FIRST(s), "x\n", "a\n");
	server_stop(s);
}

static void reload__refused__leaves_no_log_file(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = ACK_CONF("old") });
	char taken[160], text[512], path[128];
	int fd = client_listener(taken, sizeof(taken));

	(void)state;
	s->errors[0] = "reload_failed";
	snprintf(path, sizeof(path), "%.60s/fresh.log", s->dir);
	snprintf(text, sizeof(text), "log { path = \"%s\" }\nlisten \"%s\" { service = ack }\n",
		 path, taken);
	server_configure(s, text);
	server_signal(s, SIGHUP);
	server_wait_event(s, "reload_failed", NULL);
	assert_int_equal(access(path, F_OK), -1);
	close(fd);
	server_stop(s);
}

static void reload__of_a_restart_option__is_refused_by_name(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = ACK_CONF("old") });
	char out[2048];

	(void)state;
	s->errors[0] = "reload_failed";
	server_configure(s, "working_directory = \"/\"\n" ACK_CONF("new"));
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 1);
	if (!strstr(out, "working_directory") || !strstr(out, "restart"))
		server_fail(s, "-s reload says: %s", out);
	client_ask(FIRST(s), "x\n", "old\n");
	server_stop(s);
}

static pid_t verb_in_background(struct server *s, const char *verb)
{
	pid_t pid = fork();
	char out[1024];

	if (pid == 0)
		_exit(server_verb(s, verb, out, sizeof(out)));
	assert_true(pid > 0);
	return pid;
}

static void reload__twice_at_once__answers_both(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = ACK_CONF("a") });

	(void)state;
	for (int i = 0; i < 5; i++) {
		pid_t a = verb_in_background(s, "reload"), b = verb_in_background(s, "reload");
		int first = -1, second = -1;

		waitpid(a, &first, 0);
		waitpid(b, &second, 0);
		assert_int_equal(first, 0);
		assert_int_equal(second, 0);
	}
	client_ask(FIRST(s), "x\n", "a\n");
	server_stop(s);
}

static void reload__while_the_old_worker_is_stuck__is_bounded(void **state)
{
	struct server *s = server_start(&(struct plan){
		.conf = "move_connections = no  shutdown_timeout = 300ms\n" ACK_CONF("a") });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "one\nnever end");
	client_hear(fd, "a\n");
	reload(s);
	assert_true(client_ended(fd, WAIT_MS));
	close(fd);
	WAIT_UNTIL(s, server_draining(s) == 0);
	client_ask(FIRST(s), "x\n", "a\n");
	server_stop(s);
}

static void reload__then_term_at_once__stops(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = ACK_CONF("a") });

	(void)state;
	s->errors[0] = "reload_failed"; /* it was told to stop */
	server_signal(s, SIGHUP);
	server_stop(s);
}

static void reload__with_a_worker_killed_meanwhile__serves_on(void **state)
{
	struct server *s = server_start(&(struct plan){ .conf = ACK_CONF("a") });

	(void)state;
	server_signal(s, SIGHUP);
	kill(server_worker(s, 0), SIGKILL);
	WAIT_UNTIL(s, server_count(s, "reload_finished", NULL) +
				      server_count(s, "reload_failed", NULL) >
			      0);
	s->errors[0] = "reload_failed";
	client_ask(FIRST(s), "x\n", "a\n");
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(reload__with_a_new_reply__applies_it),
		E2E(reload__with_another_number_of_workers__has_them),
		E2E(reload__with_a_bad_file__changes_nothing),
		E2E(reload__with_a_taken_port__changes_nothing),
		E2E(verb_reload__tells_that_it_went_well),
		E2E(reload__with_a_message_in_flight__answers_it_in_a_new_worker),
		E2E(reload__again_and_again__refuses_nobody),
		E2E(reload__leaves_no_descriptor_behind),
		E2E(reload__with_another_listener__opens_and_closes_it),
		E2E(reload__refused__leaves_no_log_file),
		E2E(reload__of_a_restart_option__is_refused_by_name),
		E2E(reload__twice_at_once__answers_both),
		E2E(reload__while_the_old_worker_is_stuck__is_bounded),
		E2E(reload__then_term_at_once__stops),
		E2E(reload__with_a_worker_killed_meanwhile__serves_on),
	};

	return E2E_RUN(tests);
}
