/* SPDX-License-Identifier: MIT */
/*
 * prefork-client bench against servers inside the tests: its messages, the answers it accepts, its
 * counts. Bounds on times are lower bounds, so that load cannot break them.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/err.h"
#include "cli/bench_peer.h"
#include "e2e/client.h"
#include "e2e/harness.h"

enum { HOLD_MS = 300 };

/* Lets time pass without an answer. */
static void hold(int ms)
{
	poll(NULL, 0, ms);
}

static void closed_loop__sends_the_next_message_when_the_answer_is_whole(void **state)
{
	char bytes[8];
	int fd;

	(void)state;
	BENCH("-c", "1", "-n", "3", "-s", "8", bench_peer_address);
	fd = bench_peer_accept();
	for (int i = 0; i < 3; i++) {
		bench_peer_receive(fd, bytes, sizeof(bytes));
		client_send(fd, bytes, 5);
		assert_false(bench_peer_has_more(fd));
		client_send(fd, bytes + 5, 3);
	}
	client_expect_end(fd);
	close(fd);
	bench_peer_assert_counts(CODE_OK, "answers", 3, 0);
	assert_true(bench_peer_value("bytes_out") == 24);
	assert_true(bench_peer_value("bytes_in") == 24);
}

static void text__is_sent_with_its_escapes_in_the_framing(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-n", "1", "-f", "length", "-m", "a\\n\\x00\\\\", bench_peer_address);
	fd = bench_peer_accept();
	client_expect(fd, "\0\0\0\4a\n\0\\", 8);
	client_send(fd, "\0\0\0\2ok", 6);
	bench_peer_assert_counts(CODE_OK, "answers", 1, 0);
	close(fd);
}

static void verified_messages__all_differ_and_their_echo_is_right(void **state)
{
	char messages[4][16];
	int fds[2];

	(void)state;
	BENCH("--verify", "-c", "2", "-n", "4", "-s", "16", bench_peer_address);
	for (int i = 0; i < 2; i++)
		fds[i] = bench_peer_accept();
	/* answered only when both have asked: otherwise one connection could ask for the other */
	for (int i = 0; i < 4; i += 2) {
		for (int k = i; k < i + 2; k++)
			bench_peer_receive(fds[k % 2], messages[k], 16);
		for (int k = i; k < i + 2; k++)
			client_send(fds[k % 2], messages[k], 16);
	}
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < i; k++)
			assert_memory_not_equal(messages[i], messages[k], 16);
	bench_peer_assert_counts(CODE_OK, "answers", 4, 0);
	close(fds[0]);
	close(fds[1]);
}

static void verified_echo__of_an_earlier_message__is_wrong(void **state)
{
	char first[16], second[16];
	int fd;

	(void)state;
	BENCH("--verify", "-c", "1", "-n", "2", "-s", "16", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, first, 16);
	client_send(fd, first, 16);
	bench_peer_receive(fd, second, 16);
	client_send(fd, first, 16);
	bench_peer_assert_counts(CODE_FAILED, "wrong", 1, 1);
	close(fd);
}

static void verified_echo__of_another_connection__is_wrong(void **state)
{
	char messages[2][16];
	int fds[2];

	(void)state;
	BENCH("--verify", "-f", "line", "-c", "2", "-n", "2", "-s", "15", bench_peer_address);
	for (int i = 0; i < 2; i++) {
		fds[i] = bench_peer_accept();
		bench_peer_receive(fds[i], messages[i], 16);
		assert_int_equal(messages[i][15], '\n');
		assert_null(memchr(messages[i], '\n', 15));
	}
	client_send(fds[0], messages[1], 16);
	client_send(fds[1], messages[0], 16);
	bench_peer_assert_counts(CODE_FAILED, "wrong", 2, 2);
	close(fds[0]);
	close(fds[1]);
}

static void verified_echo__with_one_bit_changed__is_wrong(void **state)
{
	static char bytes[100000];
	int fd;

	(void)state;
	BENCH("--verify", "-c", "1", "-n", "1", "-s", "100000", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, bytes, sizeof(bytes));
	bytes[99998] ^= 1;
	client_send(fd, bytes, sizeof(bytes));
	bench_peer_assert_counts(CODE_FAILED, "wrong", 1, 1);
	close(fd);
}

static void answer__that_is_too_long__is_wrong(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-n", "1", "-s", "4", "-a", "2", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	client_send(fd, "okay", 4);
	bench_peer_wait();
	assert_true(bench_peer_value("wrong") == 1);
	assert_non_null(strstr(bench_client.err,
			       ": 4 bytes came for an answer where 2 are awaited: "
			       "give -a 4 if that is a whole one\n"));
	assert_int_equal(bench_client.code, CODE_FAILED);
	close(fd);
}

static void connection__after_so_many_messages__is_a_new_one(void **state)
{
	(void)state;
	BENCH("-c", "1", "-n", "4", "-s", "4", "-k", "2", bench_peer_address);
	for (int i = 0; i < 2; i++) {
		int fd = bench_peer_accept();

		bench_peer_echo(fd, 4);
		bench_peer_echo(fd, 4);
		client_expect_end(fd);
		close(fd);
	}
	bench_peer_assert_counts(CODE_OK, "connects", 2, 0);
}

static void server_that_speaks_first__is_heard_to_its_end(void **state)
{
	(void)state;
	BENCH("-c", "1", "-n", "2", "-s", "0", "-a", "end", bench_peer_address);
	for (int i = 0; i < 2; i++) {
		int fd = bench_peer_accept();

		client_say(fd, "hello");
		close(fd);
	}
	bench_peer_assert_counts(CODE_OK, "answers", 2, 0);
	assert_true(bench_peer_value("bytes_in") == 10);
}

/* Receives a request for /x and answers. */
static void serve(int fd, const char *answer)
{
	char wanted[160];

	snprintf(wanted, sizeof(wanted), "GET /x HTTP/1.1\r\nHost: %s\r\n\r\n", bench_peer_address);
	client_hear(fd, wanted);
	client_say(fd, answer);
}

static void http__by_length_and_by_chunks__keeps_the_connection(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-n", "3", bench_peer_url);
	fd = bench_peer_accept();
	serve(fd, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
	serve(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n");
	serve(fd, "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n");
	bench_peer_assert_counts(CODE_OK, "answers", 3, 0);
	assert_true(bench_peer_value("connects") == 1);
	close(fd);
}

static void http__that_closes__is_connected_to_anew_and_no_error(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-n", "3", bench_peer_url);
	fd = bench_peer_accept();
	serve(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nyes");
	close(fd);
	fd = bench_peer_accept();
	serve(fd, "HTTP/1.0 200 OK\r\n\r\nup to the end");
	close(fd);
	fd = bench_peer_accept();
	serve(fd, "HTTP/1.1 204 No Content\r\n\r\n");
	bench_peer_assert_counts(CODE_OK, "answers", 3, 0);
	assert_true(bench_peer_value("connects") == 3);
	close(fd);
}

static void http__that_refuses__is_a_wrong_answer(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-n", "2", bench_peer_url);
	fd = bench_peer_accept();
	serve(fd, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
	serve(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	bench_peer_assert_counts(CODE_FAILED, "wrong", 1, 1);
	close(fd);
}

static void answer__that_does_not_come__is_timed_out(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-n", "1", "-s", "4", "-w", "50ms", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	client_expect_end(fd);
	bench_peer_assert_counts(CODE_FAILED, "timed_out", 1, 1);
	close(fd);
}

static void connection__that_ends_before_the_answer__is_closed_or_reset(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-n", "2", "-s", "4", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	close(fd);
	fd = bench_peer_accept();
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	client_reset(fd);
	bench_peer_assert_counts(CODE_FAILED, "closed", 1, 2);
	assert_true(bench_peer_value("reset") == 1);
}

static void server__that_nobody_is_at__is_unavailable(void **state)
{
	char wanted[128];

	(void)state;
	close(bench_peer_listener);
	bench_peer_listener = -1;
	BENCH(bench_peer_address);
	client_process_wait(&bench_client);
	snprintf(wanted, sizeof(wanted), "prefork-client: %s: cannot connect: Connection refused\n",
		 bench_peer_address);
	assert_string_equal(bench_client.err, wanted);
	assert_string_equal(bench_client.out, "");
	assert_int_equal(bench_client.code, CODE_UNAVAILABLE);
}

/*
 * The pauses double from 10 ms, so seven tries fit in a second; without pauses there would be
 * thousands.
 */
static void server__that_has_gone__is_not_tried_without_pause(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-d", "1s", "-s", "4", bench_peer_address);
	fd = bench_peer_accept();
	close(bench_peer_listener);
	bench_peer_listener = -1;
	bench_peer_echo(fd, 4);
	client_reset(fd);
	bench_peer_wait();
	assert_in_range((uintmax_t)bench_peer_value("refused"), 1, 9);
	assert_int_equal(bench_client.code, CODE_FAILED);
}

static void open_loop__counts_from_when_messages_are_due(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-r", "1000", "-n", "100", "-s", "4", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	hold(HOLD_MS);
	client_send(fd, "once", 4);
	for (int i = 1; i < 100; i++)
		bench_peer_echo(fd, 4);
	bench_peer_assert_counts(CODE_OK, "answers", 100, 0);
	/* the last was due 99 ms after the start, so every answer took at least 201 ms */
	assert_true(bench_peer_value("answer_p50_us") >= (HOLD_MS - 100) * 1e3);
	assert_true(bench_peer_value("answer_mean_us") >= (HOLD_MS - 100) * 1e3);
	assert_true(bench_peer_value("due") == 100);
	close(fd);
}

/* The same stall. It delays one message of a closed loop, which sends the others after it. */
static void closed_loop__shows_a_stall_in_one_message_only(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-n", "100", "-s", "4", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_receive(fd, (char[4]){ 0 }, 4);
	hold(HOLD_MS);
	client_send(fd, "once", 4);
	for (int i = 1; i < 100; i++)
		bench_peer_echo(fd, 4);
	bench_peer_assert_counts(CODE_OK, "answers", 100, 0);
	assert_true(bench_peer_value("answer_max_us") >= HOLD_MS * 1e3);
	assert_true(bench_peer_value("answer_p50_us") * 2 < bench_peer_value("answer_max_us"));
	close(fd);
}

static void open_loop__without_any_answer__counts_the_ages(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-r", "1000", "-d", "300ms", "-s", "4", bench_peer_address);
	fd = bench_peer_accept();
	bench_peer_wait();
	assert_true(bench_peer_value("due") == 300);
	assert_true(bench_peer_value("sent") == 1);
	assert_true(bench_peer_value("unanswered") == 300);
	assert_true(bench_peer_value("answer_p50_us") >= 149e3);
	assert_true(bench_peer_value("answer_max_us") >= 300e3);
	assert_true(bench_peer_value("errors") == 0);
	assert_non_null(
		strstr(bench_client.err, ": there was no answer at all, to 300 messages, "));
	assert_int_equal(bench_client.code, CODE_FAILED);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(closed_loop__sends_the_next_message_when_the_answer_is_whole),
		CASE(text__is_sent_with_its_escapes_in_the_framing),
		CASE(verified_messages__all_differ_and_their_echo_is_right),
		CASE(verified_echo__of_an_earlier_message__is_wrong),
		CASE(verified_echo__of_another_connection__is_wrong),
		CASE(verified_echo__with_one_bit_changed__is_wrong),
		CASE(answer__that_is_too_long__is_wrong),
		CASE(connection__after_so_many_messages__is_a_new_one),
		CASE(server_that_speaks_first__is_heard_to_its_end),
		CASE(http__by_length_and_by_chunks__keeps_the_connection),
		CASE(http__that_closes__is_connected_to_anew_and_no_error),
		CASE(http__that_refuses__is_a_wrong_answer),
		CASE(answer__that_does_not_come__is_timed_out),
		CASE(connection__that_ends_before_the_answer__is_closed_or_reset),
		CASE(server__that_nobody_is_at__is_unavailable),
		CASE(server__that_has_gone__is_not_tried_without_pause),
		CASE(open_loop__counts_from_when_messages_are_due),
		CASE(closed_loop__shows_a_stall_in_one_message_only),
		CASE(open_loop__without_any_answer__counts_the_ages),
	};

	return E2E_RUN(tests);
}
