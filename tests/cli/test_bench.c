/* SPDX-License-Identifier: MIT */
/*
 * prefork-client bench against servers that the tests are themselves: what it sends, what it takes for
 * an answer, what it counts. Bounds on times are lower ones, so that no load can break them.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/err.h"
#include "cli/benching.h"
#include "e2e/client.h"
#include "e2e/harness.h"

enum { HOLD_MS = 300 };

static struct talking talking;
static char address[64], url[96];
static int listener;

static int set_up(void **state)
{
	(void)state;
	talking_forget(&talking);
	listener = client_listener(address, sizeof(address));
	snprintf(url, sizeof(url), "http://%s/x", address);
	return 0;
}

static int tear_down(void **state)
{
	if (listener >= 0)
		close(listener);
	return harness_teardown(state);
}

static void assert_counts(enum exit_code code, const char *name, double count, double errors)
{
	benching_wait(&talking);
	assert_string_equal(talking.err, "");
	assert_true(benching_figure(&talking, name) == count);
	assert_true(benching_figure(&talking, "errors") == errors);
	assert_int_equal(talking.code, code);
}

static int accept_one(void)
{
	return benching_accept(listener);
}

/* Receives n bytes and sends them back. */
static void echo(int fd, size_t n)
{
	char bytes[4096];

	benching_receive(fd, bytes, n);
	client_send(fd, bytes, n);
}

/* Lets time go by in which nothing comes but what has come already. */
static void hold(int ms)
{
	poll(NULL, 0, ms);
}

static void closed_loop__sends_the_next_message_when_the_answer_is_whole(void **state)
{
	char bytes[8];
	int fd;

	(void)state;
	BENCH(&talking, "-c", "1", "-n", "3", "-s", "8", address);
	fd = accept_one();
	for (int i = 0; i < 3; i++) {
		benching_receive(fd, bytes, sizeof(bytes));
		client_send(fd, bytes, 5);
		assert_false(benching_has_more(fd));
		client_send(fd, bytes + 5, 3);
	}
	client_expect_end(fd);
	close(fd);
	assert_counts(CODE_OK, "answers", 3, 0);
	assert_true(benching_figure(&talking, "bytes_out") == 24);
	assert_true(benching_figure(&talking, "bytes_in") == 24);
}

static void text__is_sent_with_its_escapes_in_the_framing(void **state)
{
	int fd;

	(void)state;
	BENCH(&talking, "-c", "1", "-n", "1", "-f", "length", "-m", "a\\n\\x00\\\\", address);
	fd = accept_one();
	client_expect(fd, "\0\0\0\4a\n\0\\", 8);
	client_send(fd, "\0\0\0\2ok", 6);
	assert_counts(CODE_OK, "answers", 1, 0);
	close(fd);
}

static void verified_messages__all_differ_and_their_echo_is_right(void **state)
{
	char messages[4][16];
	int fds[2];

	(void)state;
	BENCH(&talking, "--verify", "-c", "2", "-n", "4", "-s", "16", address);
	for (int i = 0; i < 2; i++)
		fds[i] = accept_one();
	for (int i = 0; i < 4; i++) {
		benching_receive(fds[i % 2], messages[i], 16);
		for (int k = 0; k < i; k++)
			assert_memory_not_equal(messages[i], messages[k], 16);
		client_send(fds[i % 2], messages[i], 16);
	}
	assert_counts(CODE_OK, "answers", 4, 0);
	close(fds[0]);
	close(fds[1]);
}

static void verified_echo__of_an_earlier_message__is_wrong(void **state)
{
	char first[16], second[16];
	int fd;

	(void)state;
	BENCH(&talking, "--verify", "-c", "1", "-n", "2", "-s", "16", address);
	fd = accept_one();
	benching_receive(fd, first, 16);
	client_send(fd, first, 16);
	benching_receive(fd, second, 16);
	client_send(fd, first, 16);
	assert_counts(CODE_FAILED, "wrong", 1, 1);
	close(fd);
}

static void verified_echo__of_another_connection__is_wrong(void **state)
{
	char messages[2][16];
	int fds[2];

	(void)state;
	BENCH(&talking, "--verify", "-f", "line", "-c", "2", "-n", "2", "-s", "15", address);
	for (int i = 0; i < 2; i++) {
		fds[i] = accept_one();
		benching_receive(fds[i], messages[i], 16);
		assert_int_equal(messages[i][15], '\n');
		assert_null(memchr(messages[i], '\n', 15));
	}
	client_send(fds[0], messages[1], 16);
	client_send(fds[1], messages[0], 16);
	assert_counts(CODE_FAILED, "wrong", 2, 2);
	close(fds[0]);
	close(fds[1]);
}

static void verified_echo__with_one_bit_changed__is_wrong(void **state)
{
	static char bytes[100000];
	int fd;

	(void)state;
	BENCH(&talking, "--verify", "-c", "1", "-n", "1", "-s", "100000", address);
	fd = accept_one();
	benching_receive(fd, bytes, sizeof(bytes));
	bytes[99998] ^= 1;
	client_send(fd, bytes, sizeof(bytes));
	assert_counts(CODE_FAILED, "wrong", 1, 1);
	close(fd);
}

static void answer__that_is_too_long__is_wrong(void **state)
{
	int fd;

	(void)state;
	BENCH(&talking, "-c", "1", "-n", "1", "-s", "4", "-a", "2", address);
	fd = accept_one();
	benching_receive(fd, (char[4]){ 0 }, 4);
	client_send(fd, "okay", 4);
	assert_counts(CODE_FAILED, "wrong", 1, 1);
	close(fd);
}

static void connection__after_so_many_messages__is_a_new_one(void **state)
{
	(void)state;
	BENCH(&talking, "-c", "1", "-n", "4", "-s", "4", "-k", "2", address);
	for (int i = 0; i < 2; i++) {
		int fd = accept_one();

		echo(fd, 4);
		echo(fd, 4);
		client_expect_end(fd);
		close(fd);
	}
	assert_counts(CODE_OK, "connects", 2, 0);
}

static void server_that_speaks_first__is_heard_to_its_end(void **state)
{
	(void)state;
	BENCH(&talking, "-c", "1", "-n", "2", "-s", "0", "-a", "end", address);
	for (int i = 0; i < 2; i++) {
		int fd = accept_one();

		client_say(fd, "hello");
		close(fd);
	}
	assert_counts(CODE_OK, "answers", 2, 0);
	assert_true(benching_figure(&talking, "bytes_in") == 10);
}

/* Hears a request for /x and answers. */
static void serve(int fd, const char *answer)
{
	char wanted[160];

	snprintf(wanted, sizeof(wanted), "GET /x HTTP/1.1\r\nHost: %s\r\n\r\n", address);
	client_hear(fd, wanted);
	client_say(fd, answer);
}

static void http__by_length_and_by_chunks__keeps_the_connection(void **state)
{
	int fd;

	(void)state;
	BENCH(&talking, "-c", "1", "-n", "3", url);
	fd = accept_one();
	serve(fd, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
	serve(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n");
	serve(fd, "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n");
	assert_counts(CODE_OK, "answers", 3, 0);
	assert_true(benching_figure(&talking, "connects") == 1);
	close(fd);
}

static void http__that_closes__is_connected_to_anew_and_no_error(void **state)
{
	int fd;

	(void)state;
	BENCH(&talking, "-c", "1", "-n", "3", url);
	fd = accept_one();
	serve(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nyes");
	close(fd);
	fd = accept_one();
	serve(fd, "HTTP/1.0 200 OK\r\n\r\nup to the end");
	close(fd);
	fd = accept_one();
	serve(fd, "HTTP/1.1 204 No Content\r\n\r\n");
	assert_counts(CODE_OK, "answers", 3, 0);
	assert_true(benching_figure(&talking, "connects") == 3);
	close(fd);
}

static void http__that_refuses__is_a_wrong_answer(void **state)
{
	int fd;

	(void)state;
	BENCH(&talking, "-c", "1", "-n", "2", url);
	fd = accept_one();
	serve(fd, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
	serve(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	assert_counts(CODE_FAILED, "wrong", 1, 1);
	close(fd);
}

static void answer__that_does_not_come__is_timed_out(void **state)
{
	int fd;

	(void)state;
	BENCH(&talking, "-c", "1", "-n", "2", "-s", "4", "-w", "100ms", address);
	fd = accept_one();
	benching_receive(fd, (char[4]){ 0 }, 4);
	client_expect_end(fd);
	close(fd);
	fd = accept_one();
	echo(fd, 4);
	close(fd);
	benching_wait(&talking);
	assert_true(benching_figure(&talking, "timed_out") >= 1);
	assert_int_equal(talking.code, CODE_FAILED);
}

static void connection__that_ends_before_the_answer__is_closed_or_reset(void **state)
{
	int fd;

	(void)state;
	BENCH(&talking, "-c", "1", "-n", "2", "-s", "4", address);
	fd = accept_one();
	benching_receive(fd, (char[4]){ 0 }, 4);
	close(fd);
	fd = accept_one();
	benching_receive(fd, (char[4]){ 0 }, 4);
	client_reset(fd);
	assert_counts(CODE_FAILED, "closed", 1, 2);
	assert_true(benching_figure(&talking, "reset") == 1);
}

static void server__that_nobody_is_at__is_unavailable(void **state)
{
	char wanted[128];

	(void)state;
	close(listener);
	listener = -1;
	BENCH(&talking, address);
	talking_wait(&talking);
	snprintf(wanted, sizeof(wanted), "prefork-client: %s: cannot connect: Connection refused\n",
		 address);
	assert_string_equal(talking.err, wanted);
	assert_string_equal(talking.out, "");
	assert_int_equal(talking.code, CODE_UNAVAILABLE);
}

/* The pauses double from 10 ms, so six tries fit in 400 ms; were there none, thousands would. */
static void server__that_has_gone__is_not_tried_without_pause(void **state)
{
	int fd;

	(void)state;
	BENCH(&talking, "-c", "1", "-d", "400ms", "-s", "4", address);
	fd = accept_one();
	close(listener);
	listener = -1;
	echo(fd, 4);
	client_reset(fd);
	benching_wait(&talking);
	assert_in_range((uintmax_t)benching_figure(&talking, "refused"), 1, 8);
	assert_int_equal(talking.code, CODE_FAILED);
}

static void open_loop__counts_from_when_messages_are_due(void **state)
{
	int fd;

	(void)state;
	BENCH(&talking, "-c", "1", "-r", "1000", "-n", "100", "-s", "4", address);
	fd = accept_one();
	benching_receive(fd, (char[4]){ 0 }, 4);
	hold(HOLD_MS);
	client_send(fd, "once", 4);
	for (int i = 1; i < 100; i++)
		echo(fd, 4);
	assert_counts(CODE_OK, "answers", 100, 0);
	/* the last was due 99 ms after the start, so none was answered sooner than in 201 ms */
	assert_true(benching_figure(&talking, "answer_p50_us") >= (HOLD_MS - 100) * 1e3);
	assert_true(benching_figure(&talking, "answer_mean_us") >= (HOLD_MS - 100) * 1e3);
	assert_true(benching_figure(&talking, "due") == 100);
	close(fd);
}

/* The same stall, of which the closed loop's many other messages know nothing. */
static void closed_loop__shows_a_stall_in_one_message_only(void **state)
{
	int fd;

	(void)state;
	BENCH(&talking, "-c", "1", "-n", "100", "-s", "4", address);
	fd = accept_one();
	benching_receive(fd, (char[4]){ 0 }, 4);
	hold(HOLD_MS);
	client_send(fd, "once", 4);
	for (int i = 1; i < 100; i++)
		echo(fd, 4);
	assert_counts(CODE_OK, "answers", 100, 0);
	assert_true(benching_figure(&talking, "answer_max_us") >= HOLD_MS * 1e3);
	assert_true(benching_figure(&talking, "answer_p50_us") * 2 <
		    benching_figure(&talking, "answer_max_us"));
	close(fd);
}

static void open_loop__without_any_answer__counts_the_ages(void **state)
{
	int fd;

	(void)state;
	BENCH(&talking, "-c", "1", "-r", "1000", "-d", "300ms", "-s", "4", address);
	fd = accept_one();
	benching_wait(&talking);
	assert_true(benching_figure(&talking, "due") == 300);
	assert_true(benching_figure(&talking, "sent") == 1);
	assert_true(benching_figure(&talking, "unanswered") == 300);
	assert_true(benching_figure(&talking, "answer_p50_us") >= 149e3);
	assert_true(benching_figure(&talking, "answer_max_us") >= 300e3);
	assert_true(benching_figure(&talking, "errors") == 0);
	assert_int_equal(talking.code, CODE_FAILED);
	close(fd);
}

static void interrupt__ends_with_the_report(void **state)
{
	int fd;

	(void)state;
	BENCH(&talking, "-c", "1", "-d", "1h", "-s", "4", address);
	fd = accept_one();
	echo(fd, 4);
	benching_receive(fd, (char[4]){ 0 }, 4);
	assert_int_equal(kill(talking.pid, SIGINT), 0);
	client_expect_end(fd);
	close(fd);
	assert_counts((enum exit_code)(128 + SIGINT), "answers", 1, 0);
}

static void processes__share_the_connections_and_die_with_their_parent(void **state)
{
	int fds[3];

	(void)state;
	BENCH(&talking, "-c", "3", "-t", "2", "-d", "1h", "-s", "4", address);
	for (int i = 0; i < 3; i++)
		fds[i] = accept_one();
	for (int i = 0; i < 3; i++)
		echo(fds[i], 4);
	for (int i = 0; i < 3; i++)
		benching_receive(fds[i], (char[4]){ 0 }, 4);
	assert_int_equal(kill(talking.pid, SIGKILL), 0);
	talking_wait(&talking);
	for (int i = 0; i < 3; i++) {
		client_expect_end(fds[i]);
		close(fds[i]);
	}
}

static void processes__put_their_counts_together(void **state)
{
	int fds[4];

	(void)state;
	BENCH(&talking, "-c", "4", "-t", "3", "-n", "4", "-s", "4", address);
	for (int i = 0; i < 4; i++)
		fds[i] = accept_one();
	benching_echo_all(fds, 4, 4, 4);
	assert_counts(CODE_OK, "answers", 4, 0);
	assert_true(benching_figure(&talking, "connects") == 4);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

static void server_pid__gives_its_processor_time(void **state)
{
	char pid[16];
	int fd;

	(void)state;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	BENCH(&talking, "-c", "1", "-n", "1", "-s", "4", "--server-pid", pid, address);
	fd = accept_one();
	echo(fd, 4);
	assert_counts(CODE_OK, "answers", 1, 0);
	assert_true(benching_figure(&talking, "server_cpu_us") > 0);
	close(fd);
}

static void json__is_an_object_with_the_same_names(void **state)
{
	int fd;

	(void)state;
	TALK(&talking, "bench", "--json", "-c", "1", "-n", "1", "-s", "4", address);
	fd = accept_one();
	echo(fd, 4);
	talking_wait(&talking);
	assert_int_equal(talking.out[0], '{');
	assert_non_null(strstr(talking.out, "\n  \"answers\": 1,\n"));
	assert_non_null(strstr(talking.out, "\n  \"other_errno\": \"\",\n"));
	assert_non_null(strstr(talking.out, "\n  \"server_cpu_us\": null\n}\n"));
	assert_int_equal(talking.code, CODE_OK);
	close(fd);
}

static void text__tells_all_that_a_person_asks(void **state)
{
	int fd;

	(void)state;
	TALK(&talking, "bench", "-c", "1", "-n", "1", "-s", "4", address);
	fd = accept_one();
	echo(fd, 4);
	talking_wait(&talking);
	assert_non_null(strstr(talking.out, ": 1 connection, 4 bytes each, raw\nended after "));
	assert_non_null(strstr(talking.out, "\nanswers   1, "));
	assert_non_null(strstr(talking.out, "p99.9       max\nconnect "));
	assert_non_null(strstr(talking.out, "\nerrors    0\nprocessor "));
	assert_null(strchr(talking.out, '#'));
	assert_string_equal(talking.err, "");
	close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
		CASE(interrupt__ends_with_the_report),
		CASE(processes__share_the_connections_and_die_with_their_parent),
		CASE(processes__put_their_counts_together),
		CASE(server_pid__gives_its_processor_time),
		CASE(json__is_an_object_with_the_same_names),
		CASE(text__tells_all_that_a_person_asks),
	};

	return E2E_RUN(tests);
}
