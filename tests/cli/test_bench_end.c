/* SPDX-License-Identifier: MIT */
/*
 * prefork-client bench with unusual messages: unanswered at the end, answered too soon, or none at
 * all when the server sends first. Bounds on times are lower bounds.
 */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"
#include "cli/bench_peer.h"
#include "e2e/client.h"
#include "e2e/harness.h"

enum { HOLD_MS = 300 };

static void hold(int ms)
{
	poll(NULL, 0, ms);
}

/* Leaves unanswered the first connection's message and the second connection's second one. */
static void stall(int fds[2])
{
	for (int i = 0; i < 2; i++)
		fds[i] = bench_peer_accept();
	bench_peer_receive(fds[0], (char[4]){ 0 }, 4);
	bench_peer_echo(fds[1], 4);
	bench_peer_receive(fds[1], (char[4]){ 0 }, 4);
}

static void closed_loop__that_ends_in_a_stall__shows_it(void **state)
{
	int fds[2];

	(void)state;
	BENCH("-c", "2", "-d", "1h", "-w", "1h", "-s", "4", bench_peer_address);
	stall(fds);
	hold(HOLD_MS);
	assert_int_equal(kill(bench_client.pid, SIGINT), 0);
	bench_peer_assert_counts((enum exit_code)(128 + SIGINT), "unanswered", 2, 0);
	assert_true(bench_peer_value("answers") == 1);
	assert_true(bench_peer_value("sent") == 3);
	assert_true(bench_peer_value("answer_max_us") >= HOLD_MS * 1e3);
	assert_true(bench_peer_value("answer_p99_us") >= HOLD_MS * 1e3);
	close(fds[0]);
	close(fds[1]);
}

static void closed_loop__with_messages_unanswered_at_its_end__is_no_failure(void **state)
{
	int fds[2];

	(void)state;
	BENCH("-c", "2", "-d", "2s", "-s", "4", bench_peer_address);
	stall(fds);
	bench_peer_assert_counts(CODE_OK, "unanswered", 2, 0);
	assert_true(bench_peer_value("answers") == 1);
	close(fds[0]);
	close(fds[1]);
}

static void run__of_so_many_messages__has_none_unanswered(void **state)
{
	int fds[2];

	(void)state;
	BENCH("-c", "2", "-n", "5", "-s", "4", bench_peer_address);
	for (int i = 0; i < 2; i++)
		fds[i] = bench_peer_accept();
	bench_peer_echo_all(fds, 2, 4, 5);
	bench_peer_assert_counts(CODE_OK, "unanswered", 0, 0);
	assert_true(bench_peer_value("answers") == 5);
	close(fds[0]);
	close(fds[1]);
}

/* Messages are due 100 ms apart: a connection made before its time gets the greeting too early. */
static void open_loop__of_a_server_that_speaks_first__connects_when_it_is_due(void **state)
{
	(void)state;
	BENCH("-c", "3", "-r", "10", "-n", "5", "-s", "0", "-a", "5", bench_peer_address);
	for (int i = 0; i < 5; i++) {
		int fd = bench_peer_accept();

		client_say(fd, "hello");
		client_expect_end(fd);
		close(fd);
	}
	bench_peer_assert_counts(CODE_OK, "answers", 5, 0);
	assert_true(bench_peer_value("connects") == 5);
	assert_true(bench_peer_value("due") == 5);
	assert_true(bench_peer_value("seconds") >= 0.4);
}

/* A connection too many would receive a greeting that it did not ask for. */
static void connections__beyond_the_greetings_wanted__are_not_made(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "3", "-n", "1", "-s", "0", "-a", "5", bench_peer_address);
	fd = bench_peer_accept();
	hold(HOLD_MS);
	assert_false(bench_peer_has_more(bench_peer_listener));
	client_say(fd, "hello");
	bench_peer_assert_counts(CODE_OK, "answers", 1, 0);
	assert_true(bench_peer_value("connects") == 1);
	close(fd);
}

static void answer__to_a_message_that_is_not_sent_whole__is_wrong(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-n", "1", "-s", "64m", "-a", "2", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	client_say(fd, "ok");
	bench_peer_assert_counts(CODE_FAILED, "wrong", 1, 1);
	assert_true(bench_peer_value("answers") == 0);
	close(fd);
}

/* The run includes the server's time for the last answer. */
static void run__of_so_many_messages__lasts_until_the_last_answer(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-n", "1", "-s", "4", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	hold(HOLD_MS);
	client_send(fd, "once", 4);
	bench_peer_assert_counts(CODE_OK, "answers", 1, 0);
	assert_true(bench_peer_value("seconds") * 1e6 + 1e3 >= bench_peer_value("answer_max_us"));
	close(fd);
}

static void open_loop__that_falls_far_behind__has_failed(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-r", "100", "-d", "1s", "-s", "4", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_echo(fd, 4);
	bench_peer_wait();
	assert_true(bench_peer_value("unanswered") == 99);
	assert_non_null(strstr(bench_client.err,
			       ": 99 of 100 messages had no answer when the time was up\n"));
	assert_int_equal(bench_client.code, CODE_FAILED);
	close(fd);
}

static void run__without_any_answer__says_so_and_has_no_latencies(void **state)
{
	int fd;

	(void)state;
	RUN_CLIENT(&bench_client, "bench", "--json", "-c", "1", "-d", "300ms", "-s", "4",
		   bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	client_process_wait(&bench_client);
	assert_non_null(strstr(bench_client.err,
			       ": there was no answer at all, to 1 message, when the "
			       "time was up\n"));
	assert_non_null(strstr(bench_client.out, "\n  \"connect_p50_us\": "));
	assert_int_equal(bench_client.code, CODE_FAILED);
	close(fd);
}

/* The error is printed long before the run ends. */
static void answer__shorter_than_awaited__is_told_with_its_size_early(void **state)
{
	char early[] = ": 3 bytes came for an answer where 4 are awaited: give -a 3 if that is a "
		       "whole one\n";
	int fd;

	(void)state;
	RUN_CLIENT(&bench_client, "bench", "-c", "1", "-w", "1h", "-d", "1h", "-s", "4",
		   bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	client_send(fd, "yes", 3);
	client_process_expect(&bench_client, early);
	assert_int_equal(kill(bench_client.pid, SIGINT), 0);
	client_process_wait(&bench_client);
	assert_non_null(strstr(bench_client.err, early));
	assert_int_equal(bench_client.code, 128 + SIGINT);
	close(fd);
}

static void answer__shorter_than_awaited__is_no_whole_one_at_the_end(void **state)
{
	int fd;

	(void)state;
	RUN_CLIENT(&bench_client, "bench", "-c", "1", "-d", "600ms", "-s", "4", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	client_send(fd, "yes", 3);
	client_process_wait(&bench_client);
	assert_non_null(strstr(bench_client.err,
			       ": there was no whole answer, to 1 message, when the "
			       "time was up\n"));
	assert_int_equal(bench_client.code, CODE_FAILED);
	close(fd);
}

/* A full queue prevents the second connection, and so the start of the run. */
static void interrupt__while_connecting__gives_no_rate(void **state)
{
	(void)state;
	assert_int_equal(listen(bench_peer_listener, 0), 0);
	RUN_CLIENT(&bench_client, "bench", "--json", "-c", "4", "-w", "1h", "-s", "4",
		   bench_peer_address);
	close(bench_peer_accept());
	hold(HOLD_MS);
	assert_int_equal(kill(bench_client.pid, SIGINT), 0);
	client_process_wait(&bench_client);
	assert_non_null(strstr(bench_client.out, "\n  \"rate\": null,\n"));
	assert_non_null(strstr(bench_client.out, "\n  \"answer_p50_us\": null,\n"));
	assert_non_null(strstr(bench_client.out, "\n  \"sent\": 0,\n"));
	assert_int_equal(bench_client.code, 128 + SIGINT);
}

static void http__that_changes_the_protocol__is_wrong(void **state)
{
	char request[256];
	int fd;

	(void)state;
	BENCH("-c", "1", "-n", "1", "-w", "1h", bench_peer_url);
	fd = bench_peer_accept();
	snprintf(request, sizeof(request), "GET /x HTTP/1.1\r\nHost: %s\r\n\r\n",
		 bench_peer_address);
	client_hear(fd, request);
	client_say(fd, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
	bench_peer_assert_counts(CODE_FAILED, "wrong", 1, 1);
	close(fd);
}

/* A reader of the table must find as many fields as columns, and valid UTF-8. */
static void csv__of_an_odd_address__is_quoted(void **state)
{
	char path[4096], address[4200];
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/a,\"\xff\xc3\xa9", harness_folder());
	snprintf(address, sizeof(address), "unix:%s", path);
	assert_true(strlen(path) < sizeof(at.sun_path));
	memcpy(at.sun_path, path, strlen(path) + 1);
	close(bench_peer_listener);
	bench_peer_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(bench_peer_listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(bench_peer_listener, 8), 0);
	BENCH("-c", "1", "-n", "1", "-s", "4", address);
	fd = bench_peer_accept();
	bench_peer_echo(fd, 4);
	client_process_wait(&bench_client);
	assert_non_null(strstr(bench_client.out, "/a,\"\"\xef\xbf\xbd\xc3\xa9\","));
	assert_non_null(strstr(bench_client.out, "\n\"unix:"));
	assert_int_equal(bench_client.code, CODE_OK);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(closed_loop__that_ends_in_a_stall__shows_it),
		CASE(closed_loop__with_messages_unanswered_at_its_end__is_no_failure),
		CASE(run__of_so_many_messages__has_none_unanswered),
		CASE(open_loop__of_a_server_that_speaks_first__connects_when_it_is_due),
		CASE(connections__beyond_the_greetings_wanted__are_not_made),
		CASE(answer__to_a_message_that_is_not_sent_whole__is_wrong),
		CASE(run__of_so_many_messages__lasts_until_the_last_answer),
		CASE(open_loop__that_falls_far_behind__has_failed),
		CASE(run__without_any_answer__says_so_and_has_no_latencies),
		CASE(answer__shorter_than_awaited__is_told_with_its_size_early),
		CASE(answer__shorter_than_awaited__is_no_whole_one_at_the_end),
		CASE(interrupt__while_connecting__gives_no_rate),
		CASE(http__that_changes_the_protocol__is_wrong),
		CASE(csv__of_an_odd_address__is_quoted),
	};

	return E2E_RUN(tests);
}
