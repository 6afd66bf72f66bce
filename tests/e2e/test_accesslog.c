/* SPDX-License-Identifier: MIT */
/*
 * The access log of a whole server: every line is written exactly once, whatever happens to workers
 * and files.
 */
#include "harness.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "accessbook.h"
#include "client.h"
#include "process.h"

enum { CROWD = 1000, HELD = 40 };

static unsigned short port_of(int fd)
{
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	return ntohs(sa.sin_port);
}

static void endings__of_all_sorts__have_their_line(void **state)
{
	struct server *s = accessbook_start((struct plan){
		.listen = { "127.0.0.1:0=ack,framing=line,idle_timeout=300ms,message_timeout=300ms",
			    "127.0.0.1:0=daytime", "127.0.0.1:0=echo,deny=127.0.0.0/8" } });
	int idle = client_connect(FIRST(s)), slow = client_connect(FIRST(s));
	int reset = client_connect(FIRST(s)), denied = client_connect(s->addresses[2]);
	char text[64];
	int day;

	(void)state;
	client_say(slow, "half");
	client_say(reset, "x\n");
	client_hear(reset, ACK "\n");
	client_reset(reset);
	client_ask(FIRST(s), "one\ntwo\n", ACK "\n" ACK "\n");
	assert_true(client_ended(denied, WAIT_MS));
	day = client_connect(s->addresses[1]);
	assert_true(client_drain(day, text, sizeof(text)) > 0);
	close(day);
	client_expect_end(idle);
	client_expect_end(slow);
	close(idle);
	close(slow);
	close(denied);
	WAIT_UNTIL(s, accessbook_lines() == 6);
	server_stop(s);
	accessbook_expect(s, " bytes_in=8 bytes_out=32 messages=2 ");
	accessbook_expect(s, " ending=client_closed state=--\n");
	accessbook_expect(s, " ending=idle_timeout state=c-\n");
	accessbook_expect(s, " ending=message_timeout state=cR\n");
	accessbook_expect(s, " ending=client_reset state=C-\n");
	accessbook_expect(s, " ending=service_finished state=--\n");
	accessbook_expect(s, " ending=refused state=P-\n");
	assert_int_equal(accessbook_lines(), 6);
}

static void visit(const struct server *s, char *seen)
{
	int fd = client_connect(FIRST(s));

	client_say(fd, "x");
	client_hear(fd, ACK);
	seen[port_of(fd)]++;
	close(fd);
}

/* Asserts that each client port has as many lines as it had connections. */
static void assert_all_told(struct server *s, const char *seen)
{
	static char told[1 << 16];

	memset(told, 0, sizeof(told));
	for (const char *at = accessbook_read(accessbook_path);
	     (at = strstr(at, " remote=127.0.0.1:")); at++)
		told[strtoul(at + strlen(" remote=127.0.0.1:"), NULL, 10) & 0xffff]++;
	for (unsigned port = 0; port < sizeof(told); port++)
		if (told[port] != seen[port])
			server_fail(s, "port %u: %d lines instead of %d", port, told[port],
				    seen[port]);
}

/* A worker that waits for the next event has nothing in hand and has flushed its lines. */
static void kill_all(struct server *s, unsigned workers, unsigned deaths)
{
	for (unsigned i = 0; i < workers; i++) {
		pid_t victim = server_worker(s, i);

		WAIT_UNTIL(s, process_sleeps(victim));
		kill(victim, SIGKILL);
		server_wait_count(s, deaths + i + 1, "worker_crashed", NULL);
	}
}

static void lines__of_killed_workers__are_all_there_once(void **state)
{
	static char seen[1 << 16];
	struct server *s = accessbook_start((struct plan){ .workers = 2, .quiet_log = true });

	(void)state;
	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < CROWD; i++) {
		visit(s, seen);
		if (i % 250 == 249)
			kill_all(s, 2, i / 250 * 2);
	}
	WAIT_UNTIL(s, accessbook_lines() >= CROWD);
	server_stop(s);
	assert_all_told(s, seen);
}

static void lines__without_keepers__are_written_by_the_master(void **state)
{
	static char seen[1 << 16];
	struct server *s = accessbook_start((struct plan){ .set = { "keep_connections=no" } });
	int held[HELD];

	(void)state;
	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < HELD; i++) {
		held[i] = client_connect(FIRST(s));
		client_say(held[i], "x");
		client_hear(held[i], ACK);
		seen[port_of(held[i])]++;
		visit(s, seen);
	}
	server_wait_count(s, HELD, "connection_ended", NULL);
	kill_all(s, 1, 0);
	WAIT_UNTIL(s, accessbook_lines() == 2 * HELD); /* the master logs the death first */
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path),
					  " ending=worker_lost state=I-\n"),
			 HELD);
	for (unsigned i = 0; i < HELD; i++)
		close(held[i]);
	server_stop(s);
	assert_all_told(s, seen);
}

static void connection__that_outlives_its_worker__has_one_line(void **state)
{
	struct server *s = accessbook_start((struct plan){ 0 });
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "x");
	client_hear(fd, ACK);
	kill_all(s, 1, 0);
	server_wait_event(s, "connections_recovered", "kept=1");
	client_say(fd, "y");
	client_hear(fd, ACK);
	close(fd);
	server_wait_event(s, "connection_ended", NULL);
	server_stop(s);
	accessbook_expect(s, " connection=1 ");
	accessbook_expect(s, " bytes_in=2 bytes_out=30 messages=2 ");
	assert_int_equal(accessbook_lines(), 1);
}

static void reopen__after_a_rename__begins_a_new_file(void **state)
{
	struct server *s = accessbook_start((struct plan){ .workers = 2 });
	char old[112], out[1024];

	(void)state;
	client_ask(FIRST(s), "x", ACK);
	server_wait_event(s, "connection_ended", NULL);
	snprintf(old, sizeof(old), "%s.1", accessbook_path);
	assert_int_equal(rename(accessbook_path, old), 0);
	if (server_verb(s, "reopen", out, sizeof(out)) != 0)
		server_fail(s, "-s reopen: %s", out);
	assert_int_equal(accessbook_count(accessbook_read(old), "\n"), 1);
	assert_int_equal(accessbook_lines(), 0);
	client_ask(FIRST(s), "x", ACK);
	server_wait_count(s, 2, "connection_ended", NULL);
	server_stop(s);
	assert_int_equal(accessbook_lines(), 1);
	assert_int_equal(accessbook_count(accessbook_read(old), "\n"), 1);
}

static void reopen__of_a_path_that_cannot_be_opened__fails_as_a_whole(void **state)
{
	struct server *s = accessbook_start((struct plan){ 0 });
	char old[112], out[1024];

	(void)state;
	s->errors[0] = "log_reopen_failed";
	snprintf(old, sizeof(old), "%s.1", accessbook_path);
	assert_int_equal(rename(accessbook_path, old), 0);
	assert_int_equal(mkdir(accessbook_path, 0755), 0);
	assert_int_equal(server_verb(s, "reopen", out, sizeof(out)), 1);
	assert_non_null(strstr(out, "access log"));
	client_ask(FIRST(s), "x", ACK);
	server_wait_event(s, "connection_ended", NULL);
	server_stop(s);
	assert_int_equal(accessbook_count(accessbook_read(old), "\n"), 1);
}

static void file__that_was_removed__is_said_and_made_anew(void **state)
{
	struct server *s = accessbook_start((struct plan){ 0 });
	char out[1024];

	(void)state;
	assert_int_equal(unlink(accessbook_path), 0);
	client_ask(FIRST(s), "x", ACK);
	server_wait_event(s, "access_log_failed", NULL);
	assert_int_equal(server_verb(s, "reopen", out, sizeof(out)), 0);
	client_ask(FIRST(s), "y", ACK);
	WAIT_UNTIL(s, accessbook_lines() == 1);
	server_wait_event(s, "access_log_resumed", "lost=1");
	server_stop(s);
}

static void full_disk__stops_nobody_and_is_said_once(void **state)
{
	struct server *s = server_start(&(struct plan){ .set = { "log.access=/dev/full" } });

	(void)state;
	for (unsigned i = 0; i < 600; i++)
		client_ask(FIRST(s), "x", ACK);
	server_wait_event(s, "access_log_failed", NULL);
	assert_int_equal(server_count(s, "access_log_failed", NULL), 1);
	server_stop(s);
}

static void stderr__has_lines_between_those_of_the_log(void **state)
{
	struct server *s = server_start(&(struct plan){ .set = { "log.access=stderr" } });

	(void)state;
	client_ask(FIRST(s), "x", ACK);
	WAIT_UNTIL(s, accessbook_count(accessbook_read(s->stderr_path), " what=connection ") == 1);
	server_stop(s);
}

static void json__is_an_object_for_each_line(void **state)
{
	struct server *s =
		accessbook_start((struct plan){ .set = { "log.format=json" }, .log_file = true });
	char command[256];

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		client_ask(FIRST(s), "x", ACK);
	server_stop(s);
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path), "{\"time\":\""), 10);
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path), "\"messages\":1,"), 10);
	snprintf(command, sizeof(command),
		 "python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]' < %s",
		 accessbook_path);
	assert_int_equal(system(command), 0);
}

static void reload__with_another_target__holds_for_the_new_workers(void **state)
{
	static const char conf[] = "listen \"127.0.0.1:0\" { service = ack }\nworkers = 1\n";
	struct server *s = server_start(&(struct plan){ .conf = conf });
	char changed[256];
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "x");
	client_hear(fd, ACK);
	snprintf(accessbook_path, sizeof(accessbook_path), "%s/access", s->dir);
	snprintf(changed, sizeof(changed), "%slog { access = \"%s\" }\n", conf, accessbook_path);
	server_configure(s, changed);
	server_signal(s, SIGHUP);
	server_wait_event(s, "reload_finished", NULL);
	client_say(fd, "x"); /* it has moved, and its line goes where the new worker writes */
	client_hear(fd, ACK);
	close(fd);
	client_ask(FIRST(s), "x", ACK);
	WAIT_UNTIL(s, accessbook_lines() == 2);
	server_configure(s, conf);
	server_signal(s, SIGHUP);
	server_wait_count(s, 2, "reload_finished", NULL);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
	assert_int_equal(accessbook_lines(), 2);
}

static void answer__that_is_the_last__is_told_as_a_clean_end(void **state)
{
	static const char request[] =
		"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	struct server *s = accessbook_start((struct plan){ .listen = { "127.0.0.1:0=status" } });
	int fd = client_connect(FIRST(s));
	char text[1024];

	(void)state;
	client_say(fd, request);
	assert_true(client_drain(fd, text, sizeof(text)) > 0);
	close(fd);
	server_wait_event(s, "connection_ended", NULL);
	server_stop(s);
	accessbook_expect(s, " ending=service_finished state=--\n");
}

static void start__with_a_path_that_cannot_be_opened__fails(void **state)
{
	struct server *s = server_launch(&(struct plan){ .set = { "log.access=/nowhere/access" } });

	(void)state;
	assert_int_equal(server_wait_exit(s), 78);
	assert_non_null(strstr(accessbook_read(s->stderr_path),
			       "log.access: \"/nowhere/access\" cannot be written: No such file"));
}

static void file__is_not_readable_by_all(void **state)
{
	struct server *s = accessbook_start((struct plan){ 0 });
	struct stat st;

	(void)state;
	assert_int_equal(stat(accessbook_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(endings__of_all_sorts__have_their_line),
		E2E(lines__of_killed_workers__are_all_there_once),
		E2E(lines__without_keepers__are_written_by_the_master),
		E2E(connection__that_outlives_its_worker__has_one_line),
		E2E(reopen__after_a_rename__begins_a_new_file),
		E2E(reopen__of_a_path_that_cannot_be_opened__fails_as_a_whole),
		E2E(file__that_was_removed__is_said_and_made_anew),
		E2E(full_disk__stops_nobody_and_is_said_once),
		E2E(stderr__has_lines_between_those_of_the_log),
		E2E(json__is_an_object_for_each_line),
		E2E(reload__with_another_target__holds_for_the_new_workers),
		E2E(answer__that_is_the_last__is_told_as_a_clean_end),
		E2E(start__with_a_path_that_cannot_be_opened__fails),
		E2E(file__is_not_readable_by_all),
	};

	return E2E_RUN(tests);
}
