/* SPDX-License-Identifier: MIT */
/* prefork-client's command line, and how it connects. */
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"
#include "cli/client_process.h"
#include "e2e/client.h"
#include "e2e/harness.h"

static struct client_process client;
static char address[64];

static int set_up(void **state)
{
	(void)state;
	client_process_reset(&client);
	return 0;
}

static void assert_said(enum exit_code code, const char *out, const char *err)
{
	client_process_wait(&client);
	assert_string_equal(client.err, err);
	assert_string_equal(client.out, out);
	assert_int_equal(client.code, code);
}

/* A bound port on which no process listens, so that no other process gets it. */
static int closed_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &size), 0);
	snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(in.sin_port));
	return fd;
}

static void version__is_one_line(void **state)
{
	(void)state;
	RUN_CLIENT(&client, "-V");
	client_process_wait(&client);
	assert_int_equal(strncmp(client.out, "prefork-client ", 15), 0);
	assert_ptr_equal(strchr(client.out, '\n') + 1, client.out + client.out_size);
	assert_string_equal(client.err, "");
	assert_int_equal(client.code, CODE_OK);
}

static void help__fits_a_screen(void **state)
{
	int lines = 0;

	(void)state;
	RUN_CLIENT(&client, "--help");
	client_process_wait(&client);
	assert_int_equal(client.code, CODE_OK);
	for (char *line = client.out; *line != '\0'; lines++) {
		size_t len = strcspn(line, "\n");

		if (len > 80)
			fail_msg("a line of %zu columns: %s", len, line);
		line += len + 1;
	}
	assert_in_range(lines, 15, 28);
	assert_non_null(strstr(client.out, "prefork-client bench"));
	assert_non_null(strstr(client.out, "prefork-client(1)"));
}

#ifdef HAVE_TLS
#define WITHOUT_TLS
#else
#define WITHOUT_TLS                      \
	{ { "--tls", "127.0.0.1", "1" }, \
	  "this program was built without TLS: it has no --tls, and no flag that goes with it" },
#endif

static void usage__that_is_wrong__is_refused(void **state)
{
	static const struct {
		const char *arguments[8];
		const char *message;
	} rows[] = {
		{ { NULL }, "HOST PORT or unix:PATH is missing (-h shows how)" },
		{ { "-Z" }, "\"-Z\": unknown flag (-h lists them)" },
		{ { "-w" }, "--timeout: a value is missing (TIME)" },
		{ { "-w", "soon", "h", "1" },
		  "--timeout \"soon\": is not a time (0.5, 250ms, 30s, 5m)" },
		{ { "-w", "-1", "h", "1" },
		  "--timeout \"-1\": is not a time (0.5, 250ms, 30s, 5m)" },
		{ { "-w", "0", "h", "1" }, "--timeout: nothing happens within no time" },
		{ { "-q", "x", "h", "1" },
		  "--quiet-time \"x\": is not a time (0.5, 250ms, 30s, 5m)" },
		{ { "-i", "", "h", "1" }, "--interval \"\": is not a time (0.5, 250ms, 30s, 5m)" },
		{ { "-n", "0", "h", "1" }, "--count \"0\": is not a number from 1 on" },
		{ { "-n", "2", "127.0.0.1", "1" },
		  "--count: goes with messages on the command line" },
		{ { "-i", "2", "127.0.0.1", "1" },
		  "--interval: goes with messages on the command line" },
		{ { "-f", "lines", "h", "1" }, "--framing \"lines\": is not raw, line or length" },
		{ { "-4", "-6", "h", "1" }, "-4 and -6 do not go together" },
		WITHOUT_TLS{ { "-6", "unix:/none", "x" },
			     "-4 and -6 do not go with a unix socket" },
		{ { "https://h/" }, "an http address is for prefork-client bench" },
		{ { "HTTP://h/" }, "an http address is for prefork-client bench" },
		{ { "x..y", "80" },
		  "\"x..y:80\" is not an address: that is no host's name (HOST PORT, HOST:PORT, "
		  "[IPv6]:PORT or unix:/PATH)" },
		{ { "-b", ":1", "127.0.0.1", "1", "x" },
		  "--bind: a host is missing (ADDRESS, ADDRESS:PORT)" },
		{ { "127.0.0.1" }, "the port is missing (HOST PORT, or unix:PATH)" },
		{ { "127.0.0.1", "65536" }, "port \"65536\": is not a number from 1 to 65535" },
		{ { "127.0.0.1:0" }, "port \"0\": is not a number from 1 to 65535" },
		{ { "-f", "line", "127.0.0.1", "1", "a\nb" },
		  "message \"a?b\": a newline ends a message with -f line, so this would be more "
		  "than one" },
		{ { "127.0.0.1", "1", "" },
		  "an empty message is nothing to send with -f raw (-f line or length)" },
		{ { "-b", "::1", "127.0.0.1", "1", "x" },
		  "--bind ::1: is of another kind than 127.0.0.1:1" },
		{ { "-4", "-b", "::1", "127.0.0.1", "1", "x" }, "--bind ::1: is no IPv4 address" },
		{ { "-b", "127.0.0.1", "unix:/none", "x" },
		  "--bind 127.0.0.1: is of another kind than unix:/none" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char message[512];

		snprintf(message, sizeof(message), "prefork-client: %s\n", rows[i].message);
		client_process_reset(&client);
		client_process_start(&client, rows[i].arguments);
		assert_said(CODE_USAGE, "", message);
	}
}

static void host__without_an_address_of_the_family__is_unknown(void **state)
{
	(void)state;
	RUN_CLIENT(&client, "-4", "::1", "1", "x");
	assert_said(CODE_NOHOST, "", "prefork-client: [::1]:1 has no IPv4 address\n");
}

static void connect__to_a_port_where_nobody_listens__says_refused(void **state)
{
	int fd = closed_port();
	char message[128];

	(void)state;
	snprintf(message, sizeof(message), "prefork-client: %s: connection refused\n", address);
	RUN_CLIENT(&client, address, "x");
	assert_said(CODE_UNAVAILABLE, "", message);
	close(fd);
}

static void connect__to_a_full_queue__times_out(void **state)
{
	int listener = client_listener(address, sizeof(address)), first;
	char message[128];

	(void)state;
	assert_int_equal(listen(listener, 0), 0);
	first = client_connect(address);
	snprintf(message, sizeof(message), "prefork-client: %s: timed out (150ms)\n", address);
	RUN_CLIENT(&client, "-w", "0.15", address, "x");
	assert_said(CODE_UNAVAILABLE, "", message);
	close(first);
	close(listener);
}

static void unix__socket_with_a_full_queue__times_out(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), first;
	char text[160], message[256];

	(void)state;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/u", harness_folder());
	snprintf(text, sizeof(text), "unix:%s", un.sun_path);
	assert_int_equal(bind(listener, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(listener, 0), 0);
	first = client_connect(text);
	snprintf(message, sizeof(message), "prefork-client: %s: timed out (150ms)\n", text);
	RUN_CLIENT(&client, "-w", "150ms", text, "x");
	assert_said(CODE_UNAVAILABLE, "", message);
	close(first);
	close(listener);
	RUN_CLIENT(&client, "unix:/none/u", "x");
	assert_said(CODE_UNAVAILABLE, "",
		    "prefork-client: unix:/none/u: No such file or directory\n");
}

static void bind__to_what_cannot_be_had__says_why(void **state)
{
	int fd = closed_port();
	char message[128];

	(void)state;
	RUN_CLIENT(&client, "-b", "192.0.2.1", "127.0.0.1", "1", "x");
	assert_said(CODE_UNAVAILABLE, "",
		    "prefork-client: cannot connect from 192.0.2.1:0: Cannot assign requested "
		    "address\n");
	/*
	 * SO_REUSEADDR lets the client share a port with a bound socket, but not with a
	 * listener
	 */
	assert_int_equal(listen(fd, 1), 0);
	snprintf(message, sizeof(message),
		 "prefork-client: cannot connect from %s: Address already in use\n", address);
	RUN_CLIENT(&client, "-b", address, "127.0.0.1", "1", "x");
	assert_said(CODE_UNAVAILABLE, "", message);
	close(fd);
}

/* Below this port a process needs a capability; 0 or 1: no port needs one. */
static unsigned first_free_port(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
	unsigned port = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%u", &port), 1);
	fclose(file);
	return port;
}

static void bind__to_a_port_for_the_privileged__lacks_permission(void **state)
{
	(void)state;
	client.drop = CAP_NET_BIND_SERVICE;
	RUN_CLIENT(&client, "-b", "127.0.0.1:1", "127.0.0.1", "9", "x");
	assert_said(CODE_NOPERM, "",
		    "prefork-client: cannot connect from 127.0.0.1:1: Permission denied\n");
}

static void bind__to_a_port__is_where_the_peer_sees_it_come_from(void **state)
{
	int listener = client_listener(address, sizeof(address)), fd = closed_port(), peer;
	struct sockaddr_in in, seen;
	socklen_t size = sizeof(in);
	char from[64];

	(void)state;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &size), 0);
	snprintf(from, sizeof(from), "%s", address);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&seen, &size), 0);
	snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(seen.sin_port));
	close(fd);
	RUN_CLIENT(&client, "-q", "0", "-b", from, address, "x");
	peer = accept4(listener, (struct sockaddr *)&seen, &size, SOCK_CLOEXEC);
	assert_int_equal(seen.sin_port, in.sin_port);
	client_hear(peer, "x");
	assert_said(CODE_OK, "", "");
	close(peer);
	close(listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(version__is_one_line),
		TEST(help__fits_a_screen),
		TEST(usage__that_is_wrong__is_refused),
		TEST(host__without_an_address_of_the_family__is_unknown),
		TEST(connect__to_a_port_where_nobody_listens__says_refused),
		TEST(connect__to_a_full_queue__times_out),
		TEST(unix__socket_with_a_full_queue__times_out),
		TEST(bind__to_what_cannot_be_had__says_why),
		TEST(bind__to_a_port__is_where_the_peer_sees_it_come_from),
		/* the last one: it is left out where every user may bind every port */
		TEST(bind__to_a_port_for_the_privileged__lacks_permission),
	};
	size_t count = sizeof(tests) / sizeof(tests[0]) - (first_free_port() > 1 ? 0 : 1);

	return _cmocka_run_group_tests("client", tests, count, NULL, NULL);
}
