/* SPDX-License-Identifier: MIT */
/* What prefork-client tells with -v, step by step. */
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"
#include "cli/play.h"
#include "demo/kernel.h"
#include "e2e/client.h"
#include "e2e/harness.h"
#include "unit/island.h"

/* The lines of the story hold these, in this order. */
static void assert_story(const char *const *parts)
{
	const char *at = play.talking.err;

	for (; *parts != NULL; parts++) {
		at = strstr(at, *parts);
		if (at == NULL)
			fail_msg("not told, or not in order: %s\n%s", *parts, play.talking.err);
	}
}
#define STORY(...) assert_story((const char *const[]){ __VA_ARGS__, NULL })

/*
 * Waits until the client has our acknowledgement of its end. If our own end overtook that, the late
 * one would meet TIME_WAIT, and the reset that follows would end it (RFC 1337).
 */
static void await_acknowledged(int peer)
{
	int64_t until_ms = clock_ms() + WAIT_MS;
	struct ends ends;

	assert_true(kernel_ends(peer, &ends));
	while (kernel_client_state(&ends) == TCP_FIN_WAIT1)
		assert_true(clock_ms() < until_ms);
}

static void story__when_this_side_closes_first__ends_in_time_wait(void **state)
{
	int peer;

	(void)state;
	TALK(&play.talking, "-v", "-f", "line", play.address, "hello");
	peer = play_accept();
	client_hear(peer, "hello\n");
	client_say(peer, "yes\n");
	client_expect_end(peer);
	await_acknowledged(peer);
	close(peer);
	talking_wait(&play.talking);
	assert_int_equal(play.talking.code, CODE_OK);
	assert_string_equal(play.talking.out, "yes\n");
	STORY(" 0.0", "resolved to ", "socket(): IPv4, TCP\n", ": connected in ",
	      "us (three-way handshake; RTT ", "the port was chosen by the system\n",
	      "state ESTABLISHED\n", "send: 6 of 6 bytes\n", "recv: 4 bytes\n",
	      "answer 1 of 1: ", "close(): this side closed first\n",
	      "state afterwards: TIME_WAIT: this side closed first");
}

static void story__when_the_peer_closes_first__leaves_time_wait_to_it(void **state)
{
	int peer;

	(void)state;
	TALK(&play.talking, "-v", "-b", "127.0.0.1", play.address, "hello");
	peer = play_accept();
	client_hear(peer, "hello");
	client_say(peer, "yes");
	close(peer);
	talking_wait(&play.talking);
	assert_int_equal(play.talking.code, CODE_OK);
	STORY("bind(): from 127.0.0.1:0 (port 0: the system will choose one)\n",
	      "connect(): ", "send: 5 of 5 bytes\n", "recv: 3 bytes\n",
	      "recv: 0 bytes: the peer has closed its side\n", ", ended by the peer\n",
	      "close(): the peer closed first\n",
	      "state afterwards: no socket left: the peer closed first, and keeps TIME_WAIT\n");
}

static void story__with_half_close__tells_of_the_shutdown(void **state)
{
	int peer;

	(void)state;
	TALK(&play.talking, "-vN", play.address, "hello");
	peer = play_accept();
	client_hear(peer, "hello");
	client_expect_end(peer);
	await_acknowledged(peer);
	client_say(peer, "yes");
	close(peer);
	talking_wait(&play.talking);
	assert_int_equal(play.talking.code, CODE_OK);
	STORY("send: 5 of 5 bytes\n", "shutdown(SHUT_WR): this side has ended sending\n",
	      "recv: 3 bytes\n", "recv: 0 bytes: the peer has closed its side\n",
	      "close(): this side closed first\n", "state afterwards: TIME_WAIT");
}

static void story__of_a_send_that_takes_less__counts_what_is_to_go(void **state)
{
	static char much[8 << 20];
	int peer, room = 4096;

	(void)state;
	memset(much, 'x', sizeof(much));
	setsockopt(play.listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	play.talking.input = much;
	play.talking.input_size = sizeof(much);
	TALK(&play.talking, "-v", "-f", "length", "-w", "0.3", play.address);
	peer = play_accept();
	talking_wait(&play.talking);
	assert_int_equal(play.talking.code, CODE_FAILED);
	STORY("send: ", " of 8388612 bytes, ", " to go\n",
	      ": the peer has taken nothing for 300ms, with ", " bytes to go\n");
	close(peer);
}

static void story__of_a_unix_socket__has_no_handshake(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int peer;

	(void)state;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/u", harness_folder());
	snprintf(play.address, sizeof(play.address), "unix:%s", un.sun_path);
	close(play.listener);
	play.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(play.listener, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(play.listener, 1), 0);
	TALK(&play.talking, "-vN", play.address, "hello");
	peer = play_accept();
	client_hear(peer, "hello");
	client_say(peer, "yes");
	close(peer);
	talking_wait(&play.talking);
	assert_string_equal(play.talking.out, "yes\n");
	STORY("socket(): unix\n", ": connected in ", "send: 5 of 5", "close(): ");
	assert_null(strstr(play.talking.err, "handshake"));
	assert_null(strstr(play.talking.err, "state"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, play_set_up, play_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(story__when_this_side_closes_first__ends_in_time_wait),
		TEST(story__when_the_peer_closes_first__leaves_time_wait_to_it),
		TEST(story__with_half_close__tells_of_the_shutdown),
		TEST(story__of_a_send_that_takes_less__counts_what_is_to_go),
		TEST(story__of_a_unix_socket__has_no_handshake),
	};

	island_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
