/* SPDX-License-Identifier: MIT */
/* prefork-client between standard input and standard output. */
#include <fcntl.h>
#include <sys/socket.h>
#include <termios.h>

#include "base/err.h"
#include "cli/client_peer.h"
#include "e2e/client.h"
#include "e2e/harness.h"

static void input__is_sent_as_it_comes(void **state)
{
	int peer, ends[2], outs[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, outs), 0);
	client_peer.client.input_fd = ends[0];
	client_peer.client.output_fd = outs[1];
	RUN_CLIENT(&client_peer.client, "-q", "1ms", client_peer.address);
	peer = client_peer_accept();
	assert_int_equal(write(ends[1], "a", 1), 1);
	client_hear(peer, "a");
	client_say(peer, "1");
	client_hear(outs[0], "1");
	assert_int_equal(write(ends[1], "b", 1), 1);
	client_hear(peer, "b");
	client_say(peer, "\0332");
	client_hear(outs[0], "\0332");
	close(ends[1]);
	client_expect_end(peer);
	client_peer_assert(CODE_OK, "", NULL);
	close(peer);
	close(ends[0]);
	close(outs[0]);
	close(outs[1]);
}

static void input__to_a_peer_that_speaks_first__may_be_empty(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, client_peer.address);
	peer = client_peer_accept();
	client_say(peer, "Monday");
	close(peer);
	client_peer_assert(CODE_OK, "Monday", NULL);
	RUN_CLIENT(&client_peer.client, "-f", "line", client_peer.address);
	peer = client_peer_accept();
	client_say(peer, "Monday\n");
	close(peer);
	client_peer_assert(CODE_OK, "Monday\n", NULL);
	RUN_CLIENT(&client_peer.client, "-w", "500ms", client_peer.address);
	peer = client_peer_accept();
	client_peer_assert(CODE_OK, "", NULL);
	close(peer);
}

static void input__without_an_answer__fails(void **state)
{
	int peer;

	(void)state;
	client_peer.client.input = "x";
	RUN_CLIENT(&client_peer.client, "-w", "0.1", client_peer.address);
	peer = client_peer_accept();
	client_peer_assert(CODE_FAILED, "", "no answer within 100ms");
	close(peer);
	RUN_CLIENT(&client_peer.client, "-N", client_peer.address);
	peer = client_peer_accept();
	client_hear(peer, "x");
	client_expect_end(peer);
	close(peer);
	client_peer_assert(CODE_FAILED, "", "the peer has closed its side before the answer");
	RUN_CLIENT(&client_peer.client, "-q", "0", "-N", client_peer.address);
	peer = client_peer_accept();
	client_hear(peer, "x");
	close(peer);
	client_peer_assert(CODE_OK, "", NULL);
}

static void input__as_lines__is_a_message_each(void **state)
{
	int peer;

	(void)state;
	client_peer.client.input = "one\n\nlast";
	RUN_CLIENT(&client_peer.client, "-f", "line", client_peer.address);
	peer = client_peer_accept();
	client_hear(peer, "one\n\nlast\n");
	client_say(peer, "1\n2\n3\n");
	client_expect_end(peer);
	client_peer_assert(CODE_OK, "1\n2\n3\n", NULL);
	close(peer);
	RUN_CLIENT(&client_peer.client, "-f", "length", client_peer.address);
	peer = client_peer_accept();
	client_expect(peer, "\0\0\0\3one\0\0\0\0\0\0\0\4last", 19);
	client_send(peer, "\0\0\0\1a\0\0\0\0\0\0\0\1c", 14);
	client_expect_end(peer);
	client_peer_assert(CODE_OK, "a\n\nc\n", NULL);
	close(peer);
}

static void input__as_lines__needs_as_many_answers(void **state)
{
	int peer;

	(void)state;
	client_peer.client.input = "one\ntwo\n";
	RUN_CLIENT(&client_peer.client, "-f", "line", "-w", "0.1", client_peer.address);
	peer = client_peer_accept();
	client_say(peer, "1\n");
	client_peer_assert(CODE_FAILED, "1\n", "no answer within 100ms");
	close(peer);
	RUN_CLIENT(&client_peer.client, "-f", "line", client_peer.address);
	peer = client_peer_accept();
	client_hear(peer, "one\ntwo\n");
	client_say(peer, "1\n2\n3\n");
	client_peer_assert(CODE_FAILED, "1\n2\n3\n", "more came than was asked for");
	close(peer);
}

static void input__in_hexadecimal__is_shown_as_it_comes(void **state)
{
	static const char first[] =
		"00000000  61 62                                            |ab|\n";
	static const char second[] =
		"00000002  63                                               |c|\n";
	int peer, ends[2], outs[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, outs), 0);
	client_peer.client.input_fd = ends[0];
	client_peer.client.output_fd = outs[1];
	RUN_CLIENT(&client_peer.client, "-x", "-q", "10ms", client_peer.address);
	peer = client_peer_accept();
	client_say(peer, "ab");
	client_hear(outs[0], first);
	client_say(peer, "c");
	client_hear(outs[0], second);
	close(ends[1]);
	client_peer_assert(CODE_OK, "", NULL);
	close(peer);
	close(ends[0]);
	close(outs[0]);
	close(outs[1]);
}

static void output__that_cannot_be_written__is_an_error(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), ends[2], peer;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	for (int i = 0; i < 2; i++) {
		client_peer.client.output_fd = i == 0 ? full : ends[1];
		RUN_CLIENT(&client_peer.client, client_peer.address, "one");
		peer = client_peer_accept();
		client_say(peer, "1");
		client_process_wait(&client_peer.client);
		assert_string_equal(
			client_peer.client.err,
			i == 0 ? "prefork-client: cannot write to stdout: No space left "
				 "on device\n" :
				 "prefork-client: cannot write to stdout: Broken pipe\n");
		assert_int_equal(client_peer.client.code, CODE_OSERR);
		close(peer);
	}
	close(full);
	close(ends[1]);
}

/* Opens both ends of a terminal in raw mode. */
static void open_terminal(int *master, int *slave)
{
	struct termios modes;

	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*master < 0)
		skip(); /* no /dev/pts here */
	assert_int_equal(grantpt(*master), 0);
	assert_int_equal(unlockpt(*master), 0);
	*slave = open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(*slave >= 0);
	assert_int_equal(tcgetattr(*slave, &modes), 0);
	cfmakeraw(&modes);
	assert_int_equal(tcsetattr(*slave, TCSANOW, &modes), 0);
}

static void terminal__gets_no_commands_of_the_peer(void **state)
{
	static const char wanted[] = "我\\x1b]0;title\\x07\\x9b\n";
	char got[sizeof(wanted)] = "";
	int master, slave, peer;

	(void)state;
	open_terminal(&master, &slave);
	client_peer.client.output_fd = slave;
	RUN_CLIENT(&client_peer.client, "-f", "length", client_peer.address, "one");
	peer = client_peer_accept();
	client_expect(peer, "\0\0\0\3one", 7);
	client_send(peer, "\0\0\0\016我\033]0;title\a\x9b", 18);
	client_peer_assert(CODE_OK, "", NULL);
	for (size_t at = 0; at < sizeof(wanted) - 1;) {
		ssize_t n = read(master, got + at, sizeof(wanted) - 1 - at);

		assert_true(n > 0);
		at += (size_t)n;
	}
	assert_string_equal(got, wanted);
	close(peer);
	close(slave);
	close(master);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, client_peer_set_up, client_peer_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(input__is_sent_as_it_comes),
		TEST(input__to_a_peer_that_speaks_first__may_be_empty),
		TEST(input__without_an_answer__fails),
		TEST(input__as_lines__is_a_message_each),
		TEST(input__as_lines__needs_as_many_answers),
		TEST(input__in_hexadecimal__is_shown_as_it_comes),
		TEST(output__that_cannot_be_written__is_an_error),
		TEST(terminal__gets_no_commands_of_the_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
