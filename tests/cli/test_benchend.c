/* SPDX-License-Identifier: MIT */
/*
 * prefork-client bench with messages whose turn is not as usual: unanswered at the end, answered too
 * soon, or none at all, when the server speaks first. Bounds on times are lower ones.
 */
#include <poll.h>

#include "base/err.h"
#include "cli/benching.h"
#include "e2e/client.h"
#include "e2e/harness.h"

enum { HOLD_MS = 300 };

static void hold(int ms)
{
	poll(NULL, 0, ms);
}

/* The first connection's message stays unanswered, as does the second one's second. */
static void stall(int fds[2])
{
	for (int i = 0; i < 2; i++)
		fds[i] = benching_accept();
	benching_receive(fds[0], (char[4]){ 0 }, 4);
	benching_echo(fds[1], 4);
	benching_receive(fds[1], (char[4]){ 0 }, 4);
}

static void closed_loop__that_ends_in_a_stall__shows_it(void **state)
{
	int fds[2];

	(void)state;
	BENCH("-c", "2", "-d", "1h", "-w", "1h", "-s", "4", benching_address);
	stall(fds);
	hold(HOLD_MS);
	assert_int_equal(kill(benching.pid, SIGINT), 0);
	benching_counts((enum exit_code)(128 + SIGINT), "unanswered", 2, 0);
	assert_true(benching_figure("answers") == 1);
	assert_true(benching_figure("sent") == 3);
	assert_true(benching_figure("answer_max_us") >= HOLD_MS * 1e3);
	assert_true(benching_figure("answer_p99_us") >= HOLD_MS * 1e3);
	close(fds[0]);
	close(fds[1]);
}

static void closed_loop__with_messages_unanswered_at_its_end__is_no_failure(void **state)
{
	int fds[2];

	(void)state;
	BENCH("-c", "2", "-d", "2s", "-s", "4", benching_address);
	stall(fds);
	benching_counts(CODE_OK, "unanswered", 2, 0);
	assert_true(benching_figure("answers") == 1);
	close(fds[0]);
	close(fds[1]);
}

static void run__of_so_many_messages__has_none_unanswered(void **state)
{
	int fds[2];

	(void)state;
	BENCH("-c", "2", "-n", "5", "-s", "4", benching_address);
	for (int i = 0; i < 2; i++)
		fds[i] = benching_accept();
	benching_echo_all(fds, 2, 4, 5);
	benching_counts(CODE_OK, "unanswered", 0, 0);
	assert_true(benching_figure("answers") == 5);
	close(fds[0]);
	close(fds[1]);
}

/* The turns are 100 ms apart: who connects before its own hears the greeting too early. */
static void open_loop__of_a_server_that_speaks_first__connects_when_it_is_due(void **state)
{
	(void)state;
	BENCH("-c", "3", "-r", "10", "-n", "5", "-s", "0", "-a", "5", benching_address);
	for (int i = 0; i < 5; i++) {
		int fd = benching_accept();

		client_say(fd, "hello");
		client_expect_end(fd);
		close(fd);
	}
	benching_counts(CODE_OK, "answers", 5, 0);
	assert_true(benching_figure("connects") == 5);
	assert_true(benching_figure("due") == 5);
	assert_true(benching_figure("seconds") >= 0.4);
}

/* One of them would hear a greeting that it did not ask for. */
static void connections__beyond_the_greetings_wanted__are_not_made(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "3", "-n", "1", "-s", "0", "-a", "5", benching_address);
	fd = benching_accept();
	hold(HOLD_MS);
	assert_false(benching_has_more(benching_listener));
	client_say(fd, "hello");
	benching_counts(CODE_OK, "answers", 1, 0);
	assert_true(benching_figure("connects") == 1);
	close(fd);
}

static void answer__to_a_message_that_is_not_sent_whole__is_wrong(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-n", "1", "-s", "64m", "-a", "2", benching_address);
	fd = benching_accept();
	benching_receive(fd, (char[4]){ 0 }, 4);
	client_say(fd, "ok");
	benching_counts(CODE_FAILED, "wrong", 1, 1);
	assert_true(benching_figure("answers") == 0);
	close(fd);
}

/* The last of the time is the server's. */
static void run__of_so_many_messages__lasts_until_the_last_answer(void **state)
{
	int fd;

	(void)state;
	BENCH("-c", "1", "-n", "1", "-s", "4", benching_address);
	fd = benching_accept();
	benching_receive(fd, (char[4]){ 0 }, 4);
	hold(HOLD_MS);
	client_send(fd, "once", 4);
	benching_counts(CODE_OK, "answers", 1, 0);
	assert_true(benching_figure("seconds") * 1e6 + 1e3 >= benching_figure("answer_max_us"));
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
	};

	return E2E_RUN(tests);
}
