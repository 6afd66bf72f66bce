/* SPDX-License-Identifier: MIT */
/*
 * Streams through the service proxy: half-closes and resets of both sides, large streams, and
 * worker crashes and reloads in between.
 */
#include "harness.h"

#include <poll.h>
#include <sys/socket.h>

#include "client.h"
#include "process.h"
#include "upstream.h"

enum { BULK = 10 * 1000 * 1000, KB_200 = 200 * 1000 };

/* A client and its server's end of a pair. */
struct pair {
	struct server *s;
	struct upstream u;
	int client, server;
};

static void open_pair(struct pair *p, const char *lines)
{
	upstream_open(&p->u);
	p->s = server_start(
		&(struct plan){ .conf = upstream_conf(&p->u, lines, "", "workers = 2") });
	p->client = client_connect(FIRST(p->s));
	p->server = upstream_accept(&p->u);
}

static void close_pair(struct pair *p, const char *ending)
{
	close(p->client);
	close(p->server);
	server_wait_event(p->s, "connection_ended", ending);
	upstream_close(&p->u);
	server_stop(p->s);
}

/* What happens between the end of the question and the answer. */
enum deed { NOTHING, CRASH_ALL, RELOAD, CRASH_AND_RELOAD, DEEDS };

static void do_deed(struct pair *p, enum deed deed)
{
	if (deed == CRASH_ALL || deed == CRASH_AND_RELOAD)
		for (unsigned number = 0; number < 2; number++)
			upstream_crash_at_rest(p->s, number);
	if (deed == RELOAD || deed == CRASH_AND_RELOAD)
		upstream_reload(p->s);
}

/* The answer comes only after the end of the question, from either side. */
static void question__that_ends__is_answered_whole(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * DEEDS; i++) {
		struct pair p;
		int asks, answers;

		open_pair(&p, "");
		asks = i % 2 == 0 ? p.client : p.server;
		answers = i % 2 == 0 ? p.server : p.client;
		upstream_pour(p.s, asks, answers, BULK);
		assert_false(client_ended(answers, 0));
		client_half_close(asks);
		client_expect_end(answers);
		assert_false(client_ended(asks, 0));
		do_deed(&p, (enum deed)(i / 2));
		assert_false(client_ended(asks, 0));
		upstream_pour(p.s, answers, asks, BULK);
		client_half_close(answers);
		client_expect_end(asks);
		server_wait_event(p.s, "connection_ended", "ending=client_closed");
		close_pair(&p, "ending=client_closed");
	}
}

/* The end waits behind bytes that nobody has taken yet. */
static void end__behind_bytes_that_wait__survives_a_crash_and_a_move(void **state)
{
	(void)state;
	for (unsigned deed = 0; deed < DEEDS; deed++) {
		static char bytes[1 << 16];
		size_t sent = 0, got = 0;
		struct pair p;
		ssize_t n;

		open_pair(&p, "");
		for (;;) {
			struct pollfd end = { .fd = p.client, .events = POLLOUT };

			if (poll(&end, 1, 300) != 1)
				break;
			n = send(p.client, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
			sent += n > 0 ? (size_t)n : 0;
		}
		client_half_close(p.client);
		do_deed(&p, (enum deed)deed);
		got = client_drain(p.server, NULL, 0);
		assert_int_equal(got, sent);
		client_say(p.server, "received");
		client_hear(p.client, "received");
		client_half_close(p.server);
		client_expect_end(p.client);
		close_pair(&p, "ending=client_closed");
	}
}

/* Both directions at once, while workers die and are replaced. */
static void streams__under_crashes_and_reloads__lose_no_byte(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, "");
	for (unsigned round = 0; round < 4; round++) {
		upstream_pour(p.s, p.client, p.server, BULK / 4 + round);
		do_deed(&p, CRASH_AND_RELOAD);
		upstream_pour(p.s, p.server, p.client, BULK / 4 + round);
	}
	close_pair(&p, "ending=client_closed");
}

/* The error of the next receive; 0: the end. Bytes fail the test. */
static int error_of(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;
	ssize_t n;

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	n = recv(fd, &byte, 1, 0);
	assert_true(n <= 0);
	return n < 0 ? errno : 0;
}

/* Small pieces, with a pause between them: the bytes wait in every place. */
static size_t read_slowly(int fd, size_t size)
{
	size_t sum = 0;

	while (sum < size) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char bytes[2000];
		ssize_t n;

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		n = recv(fd, bytes, sizeof(bytes), 0);
		if (n <= 0)
			break;
		sum += (size_t)n;
		if (sum % 50000 < sizeof(bytes))
			harness_tick();
	}
	return sum;
}

/* What the server has written before it resets, and the kernel still has, comes first. */
static void reset_of_the_server__behind_bytes__comes_after_them(void **state)
{
	static char bytes[KB_200];

	(void)state;
	for (unsigned deed = 0; deed < 2; deed++) {
		struct pair p;

		open_pair(&p, "");
		client_send(p.server, bytes, sizeof(bytes));
		/* the kernel drops what the worker has not read when the reset comes */
		WAIT_UNTIL(p.s,
			   upstream_figure(p.s, p.u.address, "upstream_bytes_in_total") == KB_200);
		client_reset(p.server);
		p.server = -1;
		if (deed == 1)
			do_deed(&p, CRASH_ALL);
		assert_int_equal(read_slowly(p.client, sizeof(bytes)), sizeof(bytes));
		assert_int_equal(error_of(p.client), ECONNRESET);
		close_pair(&p, "ending=upstream_reset");
	}
}

static void reset_of_the_client__behind_bytes__comes_after_them(void **state)
{
	static char bytes[KB_200];
	struct pair p;

	(void)state;
	open_pair(&p, "");
	client_send(p.client, bytes, sizeof(bytes));
	WAIT_UNTIL(p.s, upstream_figure(p.s, p.u.address, "upstream_bytes_out_total") == KB_200);
	client_reset(p.client);
	p.client = -1;
	assert_int_equal(read_slowly(p.server, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(error_of(p.server), ECONNRESET);
	close_pair(&p, "ending=client_reset");
}

/* A keeper, and after a move the old worker, must hold no copy that keeps the reset back. */
static void reset_of_either_side__after_a_crash_or_a_move__is_passed_on(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * DEEDS; i++) {
		bool is_client = i % 2 == 0;
		struct pair p;

		open_pair(&p, "");
		upstream_pour(p.s, p.client, p.server, 1000);
		do_deed(&p, (enum deed)(i / 2));
		upstream_pour(p.s, p.server, p.client, 1000);
		client_reset(is_client ? p.client : p.server);
		assert_int_equal(error_of(is_client ? p.server : p.client), ECONNRESET);
		*(is_client ? &p.client : &p.server) = -1;
		close_pair(&p, is_client ? "ending=client_reset" : "ending=upstream_reset");
	}
}

static void stop_workers(struct server *s, int number)
{
	for (unsigned i = 0; i < 2; i++) {
		pid_t pid = server_worker(s, i);

		kill(pid, number);
		if (number == SIGSTOP)
			WAIT_UNTIL(s, process_is_stopped(pid));
	}
}

/* Its worker learns of both at once, and of the end first. */
static void reset_of_either_side__as_the_other_one_ends__is_passed_on(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		bool is_client = i == 0;
		struct pair p;

		open_pair(&p, "");
		upstream_pour(p.s, p.client, p.server, 1000);
		stop_workers(p.s, SIGSTOP);
		client_half_close(is_client ? p.server : p.client);
		client_reset(is_client ? p.client : p.server);
		stop_workers(p.s, SIGCONT);
		assert_int_equal(error_of(is_client ? p.server : p.client), ECONNRESET);
		*(is_client ? &p.client : &p.server) = -1;
		close_pair(&p, is_client ? "ending=client_reset" : "ending=upstream_reset");
	}
}

static void reset_of_the_server__behind_its_end__is_no_failure(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, "");
	upstream_pour(p.s, p.server, p.client, 1000);
	client_half_close(p.server);
	client_expect_end(p.client);
	client_reset(p.server);
	p.server = -1;
	close_pair(&p, "ending=client_closed");
}

static void half_close__off__ends_the_other_side_after_all_bytes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct pair p;
		int ends, other;

		open_pair(&p, "half_close = no");
		ends = i == 0 ? p.client : p.server;
		other = i == 0 ? p.server : p.client;
		upstream_pour(p.s, ends, other, KB_200);
		client_half_close(ends);
		client_expect_end(other);
		if (i == 0)
			client_expect_end(ends);
		close_pair(&p, NULL);
	}
}

static void half_close_timeout__of_either_side__ends_what_is_silent(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct pair p;
		int ends, other;

		open_pair(&p, "half_close_timeout = 1s  idle_timeout = 1h");
		ends = i == 0 ? p.client : p.server;
		other = i == 0 ? p.server : p.client;
		client_half_close(ends);
		client_expect_end(other);
		client_say(other, "late");
		client_hear(ends, "late");
		client_expect_end(ends);
		close_pair(&p, "ending=half_close_timeout");
	}
}

/* What it has sent last is not passed on. */
static void stream__whose_client_may_connect_no_more__is_reset_on_both_sides(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, "");
	upstream_pour(p.s, p.client, p.server, 1000);
	server_configure(p.s, upstream_conf(&p.u, "", "deny = 127.0.0.1", "workers = 2"));
	upstream_reload(p.s);
	client_say(p.client, "one more");
	assert_int_equal(error_of(p.client), ECONNRESET);
	assert_int_equal(error_of(p.server), ECONNRESET);
	close_pair(&p, "ending=access_withdrawn");
}

/* It must not take that for the whole of an empty answer. */
static void client__that_waits_for_a_server_at_a_stop__is_reset(void **state)
{
	struct pair p;
	int waiting;

	(void)state;
	open_pair(&p, "max_connections = 1  queue_timeout = 1h");
	waiting = client_connect(FIRST(p.s));
	WAIT_UNTIL(p.s, upstream_figure(p.s, p.u.address, "upstream_connections_waiting") == 1);
	server_end(p.s, SIGINT, 0);
	assert_int_equal(error_of(waiting), ECONNRESET);
	assert_int_equal(error_of(p.client), 0);
	assert_int_equal(error_of(p.server), 0);
	close(waiting);
	close(p.client);
	close(p.server);
	upstream_close(&p.u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(question__that_ends__is_answered_whole),
		E2E(end__behind_bytes_that_wait__survives_a_crash_and_a_move),
		E2E(streams__under_crashes_and_reloads__lose_no_byte),
		E2E(reset_of_the_server__behind_bytes__comes_after_them),
		E2E(reset_of_the_client__behind_bytes__comes_after_them),
		E2E(reset_of_either_side__after_a_crash_or_a_move__is_passed_on),
		E2E(reset_of_either_side__as_the_other_one_ends__is_passed_on),
		E2E(reset_of_the_server__behind_its_end__is_no_failure),
		E2E(half_close__off__ends_the_other_side_after_all_bytes),
		E2E(half_close_timeout__of_either_side__ends_what_is_silent),
		E2E(stream__whose_client_may_connect_no_more__is_reset_on_both_sides),
		E2E(client__that_waits_for_a_server_at_a_stop__is_reset),
	};

	return E2E_RUN(tests);
}
