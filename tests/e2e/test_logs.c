/* SPDX-License-Identifier: MIT */
/* The log file: rotation by USR1 and -s reopen, with the workers' lines, and its two formats. */
#include "harness.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include "client.h"
#include "process.h"
#include "stats/scoreboard.h"

/* Renames the log as logrotate does; the harness follows the new one. */
static void rotate(struct server *s)
{
	char log[80], old[96];

	snprintf(log, sizeof(log), "%s", s->log_path);
	snprintf(old, sizeof(old), "%s.1", log);
	assert_int_equal(rename(log, old), 0);
	server_follow(s, log);
}

/*
 * Clients that come one after the other may all get the same worker; clients that are connected at
 * the same time do not.
 */
static void ask_at_once(const struct server *s)
{
	int fds[8];

	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		fds[i] = client_connect(FIRST(s));
		client_say(fds[i], "x");
	}
	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		client_hear(fds[i], ACK);
		close(fds[i]);
	}
}

static void usr1__after_a_rename__all_write_to_the_new_file(void **state)
{
	struct server *s = server_start(&(struct plan){ .log_file = true, .workers = 2 });

	(void)state;
	client_ask(FIRST(s), "x", ACK);
	server_wait_event(s, "connection_ended", NULL);
	rotate(s);
	server_signal(s, SIGUSR1);
	server_wait_event(s, "logs_reopened", NULL);
	for (unsigned i = 0; i < 2; i++) {
		char field[32];

		snprintf(field, sizeof(field), "pid=%d", server_worker(s, i));
		while (server_count(s, "connection_ended", field) == 0)
			ask_at_once(s);
	}
	server_stop(s);
}

static void verb_reopen__waits_until_it_is_done(void **state)
{
	struct server *s = server_start(&(struct plan){ .log_file = true });
	char out[1024];

	(void)state;
	rotate(s);
	if (server_verb(s, "reopen", out, sizeof(out)) != 0)
		server_fail(s, "-s reopen: %s", out);
	assert_int_equal(server_count(s, "logs_reopened", NULL), 1);
	client_ask(FIRST(s), "x", ACK);
	server_wait_event(s, "connection_ended", NULL);
	server_stop(s);
}

static void reopen__of_a_path_that_cannot_be_opened__keeps_the_old_log(void **state)
{
	struct server *s = server_start(&(struct plan){ .log_file = true });
	char out[1024], gone[96];

	(void)state;
	s->errors[0] = "log_reopen_failed";
	snprintf(gone, sizeof(gone), "%s.away", s->log_path);
	assert_int_equal(rename(s->log_path, gone), 0);
	assert_int_equal(mkdir(s->log_path, 0755), 0);
	assert_int_equal(server_verb(s, "reopen", out, sizeof(out)), 1);
	server_follow(s, gone);
	server_wait_event(s, "log_reopen_failed", NULL);
	client_ask(FIRST(s), "x", ACK);
	server_wait_event(s, "connection_ended", NULL);
	server_stop(s);
}

/* The whole folder is moved away, and another one takes its place. */
static void reopen__with_another_folder_in_the_place__writes_there(void **state)
{
	char folder[64], away[72], log[80], out[1024];
	struct server *s;
	struct stat st;
	mode_t mask = umask(0);

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/prefork-access-%d", (int)getpid());
	snprintf(away, sizeof(away), "%s.away", folder);
	snprintf(log, sizeof(log), "%s/access", folder);
	snprintf(out, sizeof(out), "log.access=%s", log);
	assert_int_equal(mkdir(folder, 0777), 0);
	s = server_start(&(struct plan){ .set = { out } });
	assert_int_equal(rename(folder, away), 0);
	assert_int_equal(mkdir(folder, 0777), 0);
	umask(mask);
	assert_int_equal(server_verb(s, "reopen", out, sizeof(out)), 0);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
	assert_int_equal(stat(log, &st), 0);
	assert_true(st.st_size > 0);
	assert_int_equal(unlink(log), 0);
	assert_int_equal(rmdir(folder), 0);
	snprintf(log, sizeof(log), "%s/access", away);
	assert_int_equal(unlink(log), 0);
	assert_int_equal(rmdir(away), 0);
}

/* A failure of one log does not affect the other. */
static void reopen__without_the_access_log__opens_the_log_all_the_same(void **state)
{
	char folder[64], option[128], access[96], out[1024];
	struct server *s;

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/prefork-access-%d", (int)getpid());
	snprintf(access, sizeof(access), "%s/access", folder);
	snprintf(option, sizeof(option), "log.access=%s", access);
	assert_int_equal(mkdir(folder, 0755), 0);
	s = server_start(&(struct plan){ .log_file = true, .set = { option } });
	s->errors[0] = "log_reopen_failed";
	assert_int_equal(unlink(access), 0);
	assert_int_equal(rmdir(folder), 0);
	rotate(s);
	assert_int_equal(server_verb(s, "reopen", out, sizeof(out)), 1);
	assert_non_null(strstr(out, "access log"));
	client_ask(FIRST(s), "x", ACK);
	server_wait_event(s, "connection_ended", "role=worker"); /* in the new file */
	server_stop(s);
}

/* A file that may not grow further must not end any process (SIGXFSZ, setrlimit(2)). */
static void access_log__at_the_limit_of_file_size__ends_nobody(void **state)
{
	enum { LIMIT = sizeof(struct scoreboard) + (1 << 20) };
	char access[64], option[96];
	struct server *s;
	struct rlimit was;

	(void)state;
	snprintf(access, sizeof(access), "/tmp/prefork-access-%d", (int)getpid());
	snprintf(option, sizeof(option), "log.access=%s", access);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ LIMIT, was.rlim_max }), 0);
	s = server_start(&(struct plan){ .set = { option } });
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(truncate(access, LIMIT), 0);
	client_ask(FIRST(s), "x", ACK);
	server_wait_event(s, "access_log_failed", "role=worker");
	client_ask(FIRST(s), "y", ACK);
	server_stop(s);
	assert_int_equal(unlink(access), 0);
}

static void log_file__is_not_readable_by_all(void **state)
{
	struct server *s = server_start(&(struct plan){ .log_file = true });
	struct stat st;

	(void)state;
	assert_int_equal(stat(s->log_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	server_stop(s);
}

static void level__changed_by_a_reload__holds_for_the_workers(void **state)
{
	static const char conf[] = "listen \"127.0.0.1:0\" { service = ack }\nworkers = 1\n";
	struct server *s = server_start(&(struct plan){ .conf = conf, .quiet_log = true });
	char louder[160];

	(void)state;
	client_ask(FIRST(s), "x", ACK);
	snprintf(louder, sizeof(louder), "%slog { level = debug }\n", conf);
	server_configure(s, louder);
	server_signal(s, SIGHUP);
	server_wait_event(s, "reload_finished", NULL);
	assert_int_equal(server_count(s, "connection_opened", NULL), 0);
	client_ask(FIRST(s), "x", ACK);
	server_wait_event(s, "connection_ended", NULL);
	server_stop(s);
}

static void json__every_line_is_an_object(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .log_file = true, .set = { "log.format=json" } });
	unsigned lines = 0;

	(void)state;
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
	server_mark(s);
	for (const char *at = s->log; at && *at; lines++) {
		size_t len = strcspn(at, "\n");

		assert_true(len > 2 && at[0] == '{' && at[len - 1] == '}');
		at += len + (at[len] == '\n');
	}
	assert_true(lines > 3);
	assert_non_null(strstr(s->log, "\"server_stopped\""));
	assert_non_null(strstr(s->log, "\"connection_ended\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(usr1__after_a_rename__all_write_to_the_new_file),
		E2E(verb_reopen__waits_until_it_is_done),
		E2E(reopen__of_a_path_that_cannot_be_opened__keeps_the_old_log),
		E2E(reopen__with_another_folder_in_the_place__writes_there),
		E2E(reopen__without_the_access_log__opens_the_log_all_the_same),
		E2E(access_log__at_the_limit_of_file_size__ends_nobody),
		E2E(log_file__is_not_readable_by_all),
		E2E(level__changed_by_a_reload__holds_for_the_workers),
		E2E(json__every_line_is_an_object),
	};

	return E2E_RUN(tests);
}
