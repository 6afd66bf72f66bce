/* SPDX-License-Identifier: MIT */
/* prefork-client and the server, as a person uses both. */
#include "client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/err.h"
#include "cli/client_process.h"
#include "harness.h"
#include "process.h"

enum { BIG = 8 << 20 };

static struct client_process client;

static int set_up(void **state)
{
	(void)state;
	client_process_reset(&client);
	return 0;
}

static void assert_said(enum exit_code code, const char *out)
{
	client_process_wait(&client);
	if (code == CODE_OK)
		assert_string_equal(client.err, "");
	assert_string_equal(client.out, out);
	assert_int_equal(client.code, code);
}

static void split(const char *address, char *host, size_t size, const char **port)
{
	*port = strrchr(address, ':') + 1;
	snprintf(host, size, "%.*s", (int)(*port - 1 - address), address);
}

static void ack__to_a_message__is_the_tutorials_exchange(void **state)
{
	struct server *s = server_start(&(struct plan){ .workers = 2 });
	const char *port;
	char host[64];

	(void)state;
	split(FIRST(s), host, sizeof(host), &port);
	RUN_CLIENT(&client, host, port, "I am client");
	assert_said(CODE_OK, "我已经收到\n");
	server_stop(s);
}

static void ack__in_each_framing__is_told_apart(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .listen = { "127.0.0.1:0=ack", "127.0.0.1:0=ack,framing=line",
					    "127.0.0.1:0=ack,framing=length" } });
	static const char *const framings[] = { "raw", "line", "length" };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		RUN_CLIENT(&client, "-f", framings[i], "-q", "20ms", "-n", "2", s->addresses[i],
			   "one", "two");
		assert_said(CODE_OK, ACK "\n" ACK "\n" ACK "\n" ACK "\n");
	}
	client.input = "one\ntwo\nthree";
	for (unsigned i = 1; i < 3; i++) {
		RUN_CLIENT(&client, "-f", framings[i], s->addresses[i]);
		assert_said(CODE_OK, ACK "\n" ACK "\n" ACK "\n");
	}
	server_stop(s);
}

static void write_big(const char *path)
{
	FILE *file = fopen(path, "we");
	uint32_t x = 1;

	assert_non_null(file);
	for (unsigned i = 0; i < BIG / sizeof(x); i++) {
		x = x * 1664525 + 1013904223;
		assert_int_equal(fwrite(&x, sizeof(x), 1, file), 1);
	}
	assert_int_equal(fclose(file), 0);
}

/* cat IN | prefork-client FLAGS ADDRESS | cmp - IN, by the shell; its exit code. */
static int pass_through(const char *flags, const char *address, const char *path)
{
	static const char script[] =
		"{ cat \"$3\" | { \"$TOP_BUILDDIR/prefork-client\" $1 \"$2\" || echo wrong; } | "
		"cmp - \"$3\"; } >&2";
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("sh", "sh", "-c", script, "sh", flags, address, path, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void echo__of_much__comes_back_to_the_byte(void **state)
{
	char socket[160], path[128], address[128];
	const char *folder = harness_folder();
	struct server *s;

	(void)state;
	snprintf(path, sizeof(path), "%s/big", folder);
	snprintf(address, sizeof(address), "unix:%s/echo", folder);
	snprintf(socket, sizeof(socket), "%s=echo", address);
	s = server_start(&(struct plan){ .workers = 2, .listen = { "127.0.0.1:0=echo", socket } });
	write_big(path);
	assert_int_equal(pass_through("-N", FIRST(s), path), 0);
	assert_int_equal(pass_through("-w 20", FIRST(s), path), 0);
	assert_int_equal(pass_through("-N", address, path), 0);
	server_stop(s);
}

static void echo__over_unix_and_ipv6__answers(void **state)
{
	char listen[96], address[80];
	struct server *s;

	(void)state;
	snprintf(address, sizeof(address), "unix:%s/echo", harness_folder());
	snprintf(listen, sizeof(listen), "%s=echo", address);
	s = server_start(&(struct plan){ .listen = { listen, "[::1]:0=echo" } });
	RUN_CLIENT(&client, "-q", "20ms", address, "over unix");
	assert_said(CODE_OK, "over unix\n");
	RUN_CLIENT(&client, "-q", "20ms", s->addresses[1], "over six");
	assert_said(CODE_OK, "over six\n");
	RUN_CLIENT(&client, "-6", "-q", "20ms", "::1", strrchr(s->addresses[1], ':') + 1, "bare");
	assert_said(CODE_OK, "bare\n");
	RUN_CLIENT(&client, "-4", s->addresses[1], "x");
	assert_said(CODE_NOHOST, "");
	server_stop(s);
}

static void daytime__which_speaks_first__is_heard(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=daytime" } });

	(void)state;
	RUN_CLIENT(&client, FIRST(s));
	client_process_wait(&client);
	assert_int_equal(client.code, CODE_OK);
	assert_string_equal(client.err, "");
	assert_true(client.out_size > 20);
	assert_string_equal(client.out + client.out_size - 6, " UTC\r\n");
	server_stop(s);
}

static void half_close__to_echo__ends_both_sides(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=echo" } });

	(void)state;
	RUN_CLIENT(&client, "-N", "-q", "1h", FIRST(s), "and that was all");
	assert_said(CODE_OK, "and that was all\n");
	server_stop(s);
}

/* The second message is sent after another worker has replaced the one that took the first. */
static void worker__killed_between_two_messages__loses_neither(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .listen = { "127.0.0.1:0=ack,framing=line" } });
	pid_t victim = server_worker(s, 0);
	int ins[2], outs[2];

	(void)state;
	assert_int_equal(pipe2(ins, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, outs), 0);
	client.input_fd = ins[0];
	client.output_fd = outs[1];
	RUN_CLIENT(&client, "-f", "line", FIRST(s));
	assert_int_equal(write(ins[1], "one\n", 4), 4);
	client_hear(outs[0], ACK "\n");
	WAIT_UNTIL(s, process_sleeps(victim));
	kill(victim, SIGKILL);
	server_wait_event(s, "connections_recovered", "kept=1");
	assert_int_equal(write(ins[1], "two\n", 4), 4);
	client_hear(outs[0], ACK "\n");
	close(ins[1]);
	assert_said(CODE_OK, "");
	close(ins[0]);
	close(outs[0]);
	close(outs[1]);
	server_stop(s);
}

static void server__that_is_gone__refuses(void **state)
{
	struct server *s = server_start(&(struct plan){ 0 });
	char address[160];

	(void)state;
	snprintf(address, sizeof(address), "%s", FIRST(s));
	server_stop(s);
	RUN_CLIENT(&client, address, "x");
	assert_said(CODE_UNAVAILABLE, "");
	assert_non_null(strstr(client.err, ": connection refused\n"));
}

static void server__that_is_stopped__gives_no_answer_in_time(void **state)
{
	struct server *s = server_start(&(struct plan){ .set = { "hang_timeout=off" } });
	pid_t worker = server_worker(s, 0);

	(void)state;
	kill(worker, SIGSTOP);
	RUN_CLIENT(&client, "-w", "0.2", FIRST(s), "x");
	assert_said(CODE_FAILED, "");
	assert_non_null(strstr(client.err, ": no answer within 200ms\n"));
	kill(worker, SIGCONT);
	RUN_CLIENT(&client, "-q", "20ms", FIRST(s), "x");
	assert_said(CODE_OK, ACK "\n");
	server_stop(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ack__to_a_message__is_the_tutorials_exchange),
		TEST(ack__in_each_framing__is_told_apart),
		TEST(echo__of_much__comes_back_to_the_byte),
		TEST(echo__over_unix_and_ipv6__answers),
		TEST(daytime__which_speaks_first__is_heard),
		TEST(half_close__to_echo__ends_both_sides),
		TEST(worker__killed_between_two_messages__loses_neither),
		TEST(server__that_is_gone__refuses),
		TEST(server__that_is_stopped__gives_no_answer_in_time),
	};

	return E2E_RUN(tests);
}
