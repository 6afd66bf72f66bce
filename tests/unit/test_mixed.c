/* SPDX-License-Identifier: MIT */
/* The service mixed, which tests use for ranges, pairs, prefaces and deadlines at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/folder.h"
#include "unit/own_service.h"
#include "unit/paired.h"

extern const struct service service_mixed; /* not of every build */

static void start(struct served *s)
{
	own_service(&service_mixed);
	served_start(s, "mixed", "linger_timeout", "0", "message_timeout", "off", NULL);
	assert_true(service_mixed.init(NULL, &s->listen_conf));
}

static int open_client(struct served *s)
{
	int client = served_connect(s);

	served_send(s, client, "hello\n", 6);
	assert_int_equal(record(s, 0)->state, CONN_OPEN);
	return client;
}

static void say(struct served *s, int client, const char *text)
{
	served_send(s, client, text, strlen(text));
}

/* Receives exactly so many bytes, however slowly. */
static void receive(struct served *s, int client, char *to, size_t size)
{
	for (size_t in = 0, idle = 0; in < size;) {
		ssize_t n;

		served_settle(s);
		n = recv(client, to + in, size - in, 0);
		in += n > 0 ? (size_t)n : 0;
		idle = n > 0 ? 0 : idle + 1;
		assert_true(idle < 2);
	}
}

static void expect_range(struct served *s, int client, size_t offset, size_t length)
{
	char line[32], *got = malloc(length + sizeof(line));
	size_t head = (size_t)snprintf(line, sizeof(line), "%zu\n", length);

	receive(s, client, got, head);
	assert_memory_equal(got, line, head);
	receive(s, client, got, length);
	for (size_t i = 0; i < length; i++)
		assert_int_equal((uint8_t)got[i], (offset + i) % 251);
	free(got);
}

static void file__answers_with_its_length_and_the_range(void **state)
{
	struct served s;
	int client;

	(void)state;
	start(&s);
	client = open_client(&s);
	say(&s, client, "file 0 1\n");
	expect_range(&s, client, 0, 1);
	say(&s, client, "free\nfile 1048575 1\nfile 7 1048569\nfile 250 1000\n");
	expect_range(&s, client, 1048575, 1);
	expect_range(&s, client, 7, 1048569);
	expect_range(&s, client, 250, 1000);
	shutdown(client, SHUT_WR);
	served_expect(&s, client, "", true);
	assert_ended(&s, CLOSE_client_closed);
	assert_int_equal(served_metric(&s, METRIC_messages_total), 5);
	close(client);
	served_stop(&s);
}

static int listen_at(const struct sockaddr *at, socklen_t len)
{
	int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, at, len), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

/* Opens a listener, and writes the line that connects to it. */
static int open_upstream(const char *folder, bool is_unix, char *line, size_t size)
{
	struct addr at = { 0 };
	int fd;

	if (is_unix) {
		at.un.sun_family = AF_UNIX;
		snprintf(at.un.sun_path, sizeof(at.un.sun_path), "%s/upstream", folder);
		unlink(at.un.sun_path);
		snprintf(line, size, "connect unix:%s\n", at.un.sun_path);
		return listen_at(&at.sa, sizeof(at.un));
	}
	at.in.sin_family = AF_INET;
	at.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.len = sizeof(at.in);
	fd = listen_at(&at.sa, at.len);
	assert_int_equal(getsockname(fd, &at.sa, &at.len), 0);
	snprintf(line, size, "connect %u\n", ntohs(at.in.sin_port));
	return fd;
}

static int accept_peer(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void connect__relays__what_came_behind_the_line_first(void **state)
{
	for (unsigned is_unix = 0; is_unix < 2; is_unix++) {
		char line[160], text[256];
		struct served s;
		int client, listener, peer;

		start(&s);
		listener = open_upstream(*state, is_unix, line, sizeof(line));
		client = open_client(&s);
		snprintf(text, sizeof(text), "%sfile 0 1\n", line);
		say(&s, client, text);
		peer = accept_peer(listener);
		assert_int_equal(s.pool.limit.total, 1);
		paired_expect(&s, peer, "file 0 1\n");
		say(&s, peer, "answer");
		paired_expect(&s, client, "answer");
		shutdown(client, SHUT_WR);
		paired_expect_end(&s, peer, 0);
		say(&s, peer, "last");
		paired_expect(&s, client, "last");
		close(peer);
		paired_expect_end(&s, client, 0);
		assert_ended(&s, CLOSE_client_closed);
		close(client);
		close(listener);
		served_stop(&s);
	}
}

static void connect__to_nobody__ends_it(void **state)
{
	for (unsigned is_unix = 0; is_unix < 2; is_unix++) {
		char line[160];
		struct served s;
		int client;

		start(&s);
		close(open_upstream(*state, is_unix, line, sizeof(line)));
		client = open_client(&s);
		say(&s, client, line);
		paired_expect_end(&s, client, 0);
		assert_ended(&s, is_unix ? CLOSE_system_error : CLOSE_upstream_refused);
		close(client);
		served_stop(&s);
	}
}

static void deadline__is_told__and_the_connection_goes_on(void **state)
{
	struct served s;
	int client;

	(void)state;
	start(&s);
	client = open_client(&s);
	say(&s, client, "deadline 7200000\n");
	served_pass(&s, 1);
	served_expect(&s, client, "", false);
	served_pass(&s, 1);
	served_expect(&s, client, "late\n", false);
	say(&s, client, "file 0 1\n");
	expect_range(&s, client, 0, 1);
	say(&s, client, "deadline 3600000\n");
	shutdown(client, SHUT_WR);
	served_settle(&s);
	dispatch_drain(&s.pool);
	served_expect(&s, client, "", false); /* the line is still owed */
	served_pass(&s, 1);
	served_expect(&s, client, "late\n", true);
	assert_nothing_left(&s, 0);
	close(client);
	served_stop(&s);
}

static void deadline__during_a_range__is_told_after_it(void **state)
{
	struct served s;
	int client;

	(void)state;
	start(&s);
	client = open_client(&s);
	say(&s, client, "deadline 3600000\nfile 0 1048576\n");
	served_pass(&s, 1);
	assert_true(record(&s, 0)->file_left > 0);
	assert_int_equal(record(&s, 0)->due_ms, 0);
	expect_range(&s, client, 0, 1048576);
	served_expect(&s, client, "late\n", false);
	close(client);
	served_settle(&s);
	assert_ended(&s, CLOSE_client_closed);
	served_stop(&s);
}

static void line__that_is_none__is_invalid(void **state)
{
	static const char *const lines[] = {
		"\n",
		"files 0 1\n",
		"file\n",
		"file 0\n",
		"file 0 0\n",
		"file -1 1\n",
		"file 0 1048577\n",
		"file 1048576 1\n",
		"file 0 1 1\n",
		"connect 65536\n",
		"connect x\n",
		"deadline 0\n",
		"deadline 1s\n",
		"free 1\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct served s;
		int client;

		start(&s);
		client = open_client(&s);
		say(&s, client, lines[i]);
		served_expect(&s, client, "", true);
		assert_ended(&s, CLOSE_message_invalid);
		close(client);
		served_stop(&s);
	}
}

static void line__too_long_or_cut__ends_it(void **state)
{
	static char endless[512];
	static const struct {
		const char *text;
		bool ends;
		enum close_reason reason;
	} rows[] = { { endless, false, CLOSE_message_too_long },
		     { "file 0", true, CLOSE_message_incomplete } };

	(void)state;
	memset(endless, 'x', sizeof(endless) - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct served s;
		int client;

		start(&s);
		client = open_client(&s);
		say(&s, client, rows[i].text);
		if (rows[i].ends)
			shutdown(client, SHUT_WR);
		served_expect(&s, client, "", true);
		assert_ended(&s, rows[i].reason);
		close(client);
		served_stop(&s);
	}
}

static void preface__wrong_or_late__ends_it(void **state)
{
	static const struct {
		const char *text;
		enum close_reason reason;
	} rows[] = { { "help\n", CLOSE_message_invalid }, { "hel", CLOSE_message_timeout } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct served s;
		int client;

		start(&s);
		client = served_connect(&s);
		say(&s, client, rows[i].text);
		served_pass(&s, 1);
		served_expect(&s, client, "", true);
		assert_ended(&s, rows[i].reason);
		close(client);
		served_stop(&s);
	}
}

/* A whole conversation, byte by byte, with a crash after each. */
static void crash__after_every_byte__changes_nothing(void **state)
{
	char line[160], text[256];
	struct recovery r;
	struct served s;
	int client, listener, peer;

	start(&s);
	listener = open_upstream(*state, true, line, sizeof(line));
	client = served_connect(&s);
	snprintf(text, sizeof(text), "hello\nfree\nfile 5 600\nfile 9 700\n%sbehind", line);
	for (size_t i = 0; i < strlen(text); i++) {
		served_send(&s, client, text + i, 1);
		served_recover(&s, &r);
		recovery_passed(s.pool.arena);
		assert_counts(&r, 1, 0, 0);
	}
	expect_range(&s, client, 5, 600);
	expect_range(&s, client, 9, 700);
	peer = accept_peer(listener);
	paired_expect(&s, peer, "behind");
	close(client);
	close(peer);
	close(listener);
	served_settle(&s);
	assert_ended(&s, CLOSE_client_closed);
	served_stop(&s);
}

static void state__that_it_cannot_have_written__is_damage(void **state)
{
	static const struct {
		uint8_t owes;
		int64_t due_ms;
		bool is_sound;
	} rows[] = { { 0, 0, true },  { 1, 1, true },  { 2, 0, true }, { 0, 1, false },
		     { 1, 0, false }, { 2, 1, false }, { 3, 0, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct recovery r;
		struct served s;
		int client;

		start(&s);
		client = open_client(&s);
		memcpy(record(&s, 0)->state_bytes, &rows[i].owes, 1);
		record(&s, 0)->due_ms = rows[i].due_ms;
		served_recover(&s, &r);
		assert_counts(&r, rows[i].is_sound, 0, !rows[i].is_sound);
		close(client);
		served_stop(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file__answers_with_its_length_and_the_range),
		cmocka_unit_test(connect__relays__what_came_behind_the_line_first),
		cmocka_unit_test(connect__to_nobody__ends_it),
		cmocka_unit_test(deadline__is_told__and_the_connection_goes_on),
		cmocka_unit_test(deadline__during_a_range__is_told_after_it),
		cmocka_unit_test(line__that_is_none__is_invalid),
		cmocka_unit_test(line__too_long_or_cut__ends_it),
		cmocka_unit_test(preface__wrong_or_late__ends_it),
		cmocka_unit_test(crash__after_every_byte__changes_nothing),
		cmocka_unit_test(state__that_it_cannot_have_written__is_damage),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
