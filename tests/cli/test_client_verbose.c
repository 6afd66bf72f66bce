/* SPDX-License-Identifier: MIT */
/* The trace of prefork-client -v, step by step. */
#include <pty.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"
#include "cli/client_peer.h"
#include "demo/kernel.h"
#include "e2e/client.h"
#include "e2e/harness.h"
#include "unit/island.h"

/* Asserts that the lines of the trace contain these parts, in this order. */
static void assert_trace(const char *const *parts)
{
	const char *at = client_peer.client.err;

	for (; *parts != NULL; parts++) {
		at = strstr(at, *parts);
		if (at == NULL)
			fail_msg("not told, or not in order: %s\n%s", *parts,
				 client_peer.client.err);
	}
}
#define TRACE(...) assert_trace((const char *const[]){ __VA_ARGS__, NULL })

/*
 * Waits until the client has the acknowledgement of its FIN. If the test's FIN overtook it, the
 * late acknowledgement would meet TIME_WAIT, and the reset that follows would end that state (RFC
 * 1337).
 */
static void await_acknowledged(int peer)
{
	int64_t until_ms = clock_ms() + WAIT_MS;
	struct ends ends;

	assert_true(kernel_ends(peer, &ends));
	while (kernel_client_state(&ends) == TCP_FIN_WAIT1)
		assert_true(clock_ms() < until_ms);
}

static void trace__when_this_side_closes_first__ends_in_time_wait(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, "-v", "-f", "line", client_peer.address, "hello");
	peer = client_peer_accept();
	client_hear(peer, "hello\n");
	client_say(peer, "yes\n");
	client_expect_end(peer);
	await_acknowledged(peer);
	close(peer);
	client_process_wait(&client_peer.client);
	assert_int_equal(client_peer.client.code, CODE_OK);
	assert_string_equal(client_peer.client.out, "yes\n");
	TRACE(" 0.0", "resolved to ", "socket(): IPv4, TCP\n", ": connected in ",
	      "us (three-way handshake; RTT ", "the port was chosen by the system\n",
	      "state ESTABLISHED\n", "send: 6 of 6 bytes\n", "recv: 4 bytes\n",
	      "answer 1 of 1: ", "close(): this side closed first\n",
	      "state afterwards: TIME_WAIT: this side closed first");
}

static void trace__when_the_peer_closes_first__leaves_time_wait_to_it(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, "-v", "-b", "127.0.0.1", client_peer.address, "hello");
	peer = client_peer_accept();
	client_hear(peer, "hello");
	client_say(peer, "yes");
	close(peer);
	client_process_wait(&client_peer.client);
	assert_int_equal(client_peer.client.code, CODE_OK);
	TRACE("bind(): from 127.0.0.1:0 (port 0: the system will choose one)\n",
	      "connect(): ", "send: 5 of 5 bytes\n", "recv: 3 bytes\n",
	      "recv: 0 bytes: the peer has closed its side\n", ", ended by the peer\n",
	      "close(): the peer closed first\n",
	      "state afterwards: no socket left: the peer closed first, and keeps TIME_WAIT\n");
}

static void trace__with_half_close__has_the_shutdown(void **state)
{
	int peer;

	(void)state;
	RUN_CLIENT(&client_peer.client, "-vN", client_peer.address, "hello");
	peer = client_peer_accept();
	client_hear(peer, "hello");
	client_expect_end(peer);
	await_acknowledged(peer);
	client_say(peer, "yes");
	close(peer);
	client_process_wait(&client_peer.client);
	assert_int_equal(client_peer.client.code, CODE_OK);
	TRACE("send: 5 of 5 bytes\n", "shutdown(SHUT_WR): this side has ended sending\n",
	      "recv: 3 bytes\n", "recv: 0 bytes: the peer has closed its side\n",
	      "close(): this side closed first\n", "state afterwards: TIME_WAIT");
}

static void trace__of_a_short_send__counts_the_rest(void **state)
{
	static char much[8 << 20];
	int peer, room = 4096;

	(void)state;
	memset(much, 'x', sizeof(much));
	setsockopt(client_peer.listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	client_peer.client.input = much;
	client_peer.client.input_size = sizeof(much);
	RUN_CLIENT(&client_peer.client, "-v", "-f", "length", "-w", "0.3", client_peer.address);
	peer = client_peer_accept();
	client_process_wait(&client_peer.client);
	assert_int_equal(client_peer.client.code, CODE_FAILED);
	TRACE("send: ", " of 8388612 bytes, ", " to go\n",
	      ": the peer has taken nothing for 300ms, with ", " bytes to go\n");
	close(peer);
}

static void trace__of_a_unix_socket__has_no_handshake(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int peer;

	(void)state;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/u", harness_folder());
	snprintf(client_peer.address, sizeof(client_peer.address), "unix:%s", un.sun_path);
	close(client_peer.listener);
	client_peer.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(client_peer.listener, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(client_peer.listener, 1), 0);
	RUN_CLIENT(&client_peer.client, "-vN", client_peer.address, "hello");
	peer = client_peer_accept();
	client_hear(peer, "hello");
	client_say(peer, "yes");
	close(peer);
	client_process_wait(&client_peer.client);
	assert_string_equal(client_peer.client.out, "yes\n");
	TRACE("socket(): unix\n", ": connected in ", "send: 5 of 5", "close(): ");
	assert_null(strstr(client_peer.client.err, "handshake"));
	assert_null(strstr(client_peer.client.err, "state"));
}

/* Starts the client on a terminal of its own. Returns the other end of that. */
static int start_on_terminal(const char *const *arguments)
{
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, NULL) < 0)
		skip(); /* no /dev/pts here */
	client_peer.client.terminal = slave;
	setenv("NO_COLOR", "1", 1);
	client_process_start(&client_peer.client, arguments);
	close(slave);
	return master;
}
#define START_ON_TERMINAL(...) start_on_terminal((const char *const[]){ __VA_ARGS__, NULL })

/* Reads to the end of what the client has written; the terminal makes CR LF of each newline. */
static void read_terminal(int master, char *text, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used < size - 1 && (n = read(master, text + used, size - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	close(master);
}

/* Asserts that the text has the line, with one step right before and right after it. */
static void assert_between_steps(const char *text, const char *line)
{
	char whole[256];
	const char *at;

	snprintf(whole, sizeof(whole), "\r\n%s\r\n  0.", line);
	at = strstr(text, whole);
	if (at == NULL || at[-1] == '\n')
		fail_msg("no line of its own: %s\n%s", line, text);
}

static void trace__on_a_terminal__has_lines_of_its_own(void **state)
{
	char text[4096];
	int peer, master;

	(void)state;
	master = START_ON_TERMINAL("-vN", client_peer.address, "hello");
	peer = client_peer_accept();
	client_hear(peer, "hello");
	client_expect_end(peer);
	client_say(peer, "yes");
	close(peer);
	client_process_wait(&client_peer.client);
	assert_int_equal(client_peer.client.code, CODE_OK);
	read_terminal(master, text, sizeof(text));
	assert_between_steps(text, "yes");
	assert_null(strstr(text, "\n\r\n"));
}

static void error__on_a_terminal__has_a_line_of_its_own(void **state)
{
	char text[4096], wanted[256];
	int peer, master;

	(void)state;
	client_peer.client.input = "hello";
	master = START_ON_TERMINAL("-N", "-w", "0.3", client_peer.address);
	peer = client_peer_accept();
	client_hear(peer, "hello");
	client_say(peer, "yes");
	client_process_wait(&client_peer.client);
	close(peer);
	read_terminal(master, text, sizeof(text));
	snprintf(wanted, sizeof(wanted), "yes\r\nprefork-client: %s: ", client_peer.address);
	assert_non_null(strstr(text, wanted));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, client_peer_set_up, client_peer_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(trace__when_this_side_closes_first__ends_in_time_wait),
		TEST(trace__when_the_peer_closes_first__leaves_time_wait_to_it),
		TEST(trace__with_half_close__has_the_shutdown),
		TEST(trace__of_a_short_send__counts_the_rest),
		TEST(trace__of_a_unix_socket__has_no_handshake),
		TEST(trace__on_a_terminal__has_lines_of_its_own),
		TEST(error__on_a_terminal__has_a_line_of_its_own),
	};

	island_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
