/* SPDX-License-Identifier: MIT */
/* prefork-client with responses to its messages, right and wrong ones. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/err.h"
#include "cli/client_peer.h"
#include "e2e/client.h"
#include "e2e/harness.h"

static void raw__answer__ends_after_silence_and_gets_a_newline(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, "-q", "50ms", client_peer.address, "one", "two");
	peer = client_peer_accept();
	client_hear(peer, "one");
	client_say(peer, "1");
	client_hear(peer, "two");
	client_say(peer, "2\n");
	client_expect_end(peer);
	client_peer_assert(CODE_OK, "1\n2\n", NULL);
	close(peer);
}

static void raw__answer__ends_with_the_peer(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, "-q", "1h", "-n", "1", client_peer.address, "one");
	peer = client_peer_accept();
	client_hear(peer, "one");
	client_say(peer, "1");
	close(peer);
	client_peer_assert(CODE_OK, "1\n", NULL);
}

static void answer__that_does_not_come__is_missing(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, "-w", "0.1", client_peer.address, "one");
	peer = client_peer_accept();
	client_peer_assert(CODE_FAILED, "", "no answer within 100ms");
	close(peer);
	RUN_CLIENT(&client_peer.client, client_peer.address, "one", "two");
	peer = client_peer_accept();
	client_hear(peer, "one");
	close(peer);
	client_peer_assert(CODE_FAILED, "",
			   "message 1 of 2: the peer has closed its side before the answer");
	RUN_CLIENT(&client_peer.client, "-f", "line", client_peer.address, "one");
	peer = client_peer_accept();
	client_hear(peer, "one\n");
	client_reset(peer);
	client_peer_assert(CODE_FAILED, "", "the peer has reset the connection before the answer");
}

static void answer__that_stops_in_the_middle__is_shown_and_wrong(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, "-f", "line", client_peer.address, "one");
	peer = client_peer_accept();
	client_hear(peer, "one\n");
	client_say(peer, "hal");
	close(peer);
	client_peer_assert(
		CODE_FAILED, "hal\n",
		"the peer has closed its side in the middle of the answer, after 3 bytes");
	RUN_CLIENT(&client_peer.client, "-f", "length", "-w", "0.1", client_peer.address, "one");
	peer = client_peer_accept();
	client_expect(peer, "\0\0\0\3one", 7);
	client_send(peer, "\0\0\0\5hal", 7);
	client_peer_assert(CODE_FAILED, "hal\n",
			   "the answer stopped after 7 bytes: nothing more for 100ms");
	close(peer);
}

static void line__answers_that_are_glued_or_split__are_told_apart(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, "-f", "line", "-n", "2", client_peer.address, "one", "two");
	peer = client_peer_accept();
	client_hear(peer, "one\n");
	client_say(peer, "1\n2\n3");
	client_hear(peer, "two\none\n");
	client_say(peer, "3\n");
	client_hear(peer, "two\n");
	client_say(peer, "\n");
	client_expect_end(peer);
	client_peer_assert(CODE_OK, "1\n2\n33\n\n", NULL);
	close(peer);
}

static void flags__behind_the_address__are_taken_until_two_dashes(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, client_peer.address, "one", "-f", "line", "--", "-x", "--");
	peer = client_peer_accept();
	client_hear(peer, "one\n");
	client_say(peer, "1\n");
	client_hear(peer, "-x\n");
	client_say(peer, "2\n");
	client_hear(peer, "--\n");
	client_say(peer, "3\n");
	client_expect_end(peer);
	client_peer_assert(CODE_OK, "1\n2\n3\n", NULL);
	close(peer);
}

static void line__more_than_was_asked_for__is_wrong(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, "-f", "line", client_peer.address, "one");
	peer = client_peer_accept();
	client_hear(peer, "one\n");
	client_say(peer, "1\n2\n");
	client_peer_assert(CODE_FAILED, "1\n", "more came than was asked for");
	close(peer);
}

static void length__answers_by_the_byte__are_put_together(void **state)
{
	static const char answer[] = "\0\0\0\4a\nbc\0\0\0\0";
	int peer, one = 1;

	(void)state;
	RUN_CLIENT(&client_peer.client, "-f", "length", client_peer.address, "one", "");
	peer = client_peer_accept();
	setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	client_expect(peer, "\0\0\0\3one", 7);
	for (size_t i = 0; i < sizeof(answer) - 1; i++)
		client_send(peer, answer + i, 1);
	client_expect(peer, "\0\0\0\0", 4);
	client_expect_end(peer);
	client_peer_assert(CODE_OK, "a\nbc\n\n", NULL);
	close(peer);
}

static void length__that_is_no_length__is_wrong(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, "-f", "length", client_peer.address, "one");
	peer = client_peer_accept();
	client_expect(peer, "\0\0\0\3one", 7);
	client_say(peer, "HTTP/1.1 400 Bad Request\r\n\r\n");
	client_peer_assert(CODE_FAILED, "",
			   "1213486160 bytes are no length of a frame (at most 268435456)");
	close(peer);
}

static void peer__that_answers_before_it_reads__cannot_block(void **state)
{
	static char much[4 << 20], message[100001];
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), peer, room = 4096;

	(void)state;
	memset(much, 'y', sizeof(much));
	memset(message, 'x', sizeof(message) - 1);
	much[sizeof(much) - 1] = '\n';
	setsockopt(client_peer.listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	client_peer.client.output_fd = null;
	RUN_CLIENT(&client_peer.client, "-f", "line", client_peer.address, message);
	peer = client_peer_accept();
	client_send(peer, much, sizeof(much));
	client_expect(peer, message, sizeof(message) - 1);
	client_hear(peer, "\n");
	client_peer_assert(CODE_OK, "", NULL);
	close(peer);
	close(null);
}

static void hex__begins_at_0_for_each_answer(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, "-x", "-f", "length", client_peer.address, "one", "two");
	peer = client_peer_accept();
	client_send(peer, "\0\0\0\x13\x1b[31m\0ABCDEFGHIJKLM\0\0\0\1!", 4 + 19 + 5);
	client_expect(peer, "\0\0\0\3one\0\0\0\3two", 14);
	client_expect_end(peer);
	client_peer_assert(CODE_OK,
			   "00000000  1b 5b 33 31 6d 00 41 42 43 44 45 46 47 48 49 4a  "
			   "|.[31m.ABCDEFGHIJ|\n"
			   "00000010  4b 4c 4d                                         |KLM|\n"
			   "00000000  21                                               |!|\n",
			   NULL);
	close(peer);
}

static void half_close__waits_for_the_peers_end(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, "-N", "-q", "1ms", client_peer.address, "one");
	peer = client_peer_accept();
	client_hear(peer, "one");
	client_expect_end(peer);
	client_say(peer, "1");
	/* with -N silence does not end an answer */
	assert_true(client_process_is_running(&client_peer.client));
	client_say(peer, "2");
	close(peer);
	client_peer_assert(CODE_OK, "12\n", NULL);
	RUN_CLIENT(&client_peer.client, "-N", "-f", "line", "-w", "0.1", client_peer.address,
		   "one");
	peer = client_peer_accept();
	client_say(peer, "1\n");
	client_peer_assert(CODE_FAILED, "1\n", "the peer has not ended its side within 100ms");
	close(peer);
}

static void quiet_time_0__waits_for_no_answer(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, "-q", "0", client_peer.address, "one", "two");
	peer = client_peer_accept();
	client_hear(peer, "onetwo");
	client_expect_end(peer);
	client_peer_assert(CODE_OK, "", NULL);
	close(peer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, client_peer_set_up, client_peer_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(raw__answer__ends_after_silence_and_gets_a_newline),
		TEST(raw__answer__ends_with_the_peer),
		TEST(answer__that_does_not_come__is_missing),
		TEST(answer__that_stops_in_the_middle__is_shown_and_wrong),
		TEST(line__answers_that_are_glued_or_split__are_told_apart),
		TEST(flags__behind_the_address__are_taken_until_two_dashes),
		TEST(line__more_than_was_asked_for__is_wrong),
		TEST(length__answers_by_the_byte__are_put_together),
		TEST(length__that_is_no_length__is_wrong),
		TEST(peer__that_answers_before_it_reads__cannot_block),
		TEST(hex__begins_at_0_for_each_answer),
		TEST(half_close__waits_for_the_peers_end),
		TEST(quiet_time_0__waits_for_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
