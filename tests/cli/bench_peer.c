/* SPDX-License-Identifier: MIT */
/* Shared parts of the tests of prefork-client bench. */
#include "cli/bench_peer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "e2e/client.h"
#include "e2e/harness.h"

enum { CONNECTIONS_MOST = 16, MESSAGE_MOST = 4096 };

struct client_process bench_client;
int bench_peer_listener;
char bench_peer_address[64], bench_peer_url[96];

int bench_peer_set_up(void **state)
{
	(void)state;
	client_process_reset(&bench_client);
	bench_peer_listener = client_listener(bench_peer_address, sizeof(bench_peer_address));
	snprintf(bench_peer_url, sizeof(bench_peer_url), "http://%s/x", bench_peer_address);
	return 0;
}

int bench_peer_tear_down(void **state)
{
	if (bench_peer_listener >= 0)
		close(bench_peer_listener);
	return harness_teardown(state);
}

static int fields_of(const char *line)
{
	int fields = 1;

	for (; *line != '\n' && *line != '\0'; line++)
		fields += *line == ',';
	return fields;
}

void bench_peer_wait(void)
{
	const char *values;

	client_process_wait(&bench_client);
	values = strchr(bench_client.out, '\n');
	if (values == NULL)
		fail_msg("no report: %s%s", bench_client.out, bench_client.err);
	assert_int_equal(fields_of(bench_client.out), fields_of(values + 1));
}

void bench_peer_assert_counts(int code, const char *name, double count, double errors)
{
	bench_peer_wait();
	assert_string_equal(bench_client.err, "");
	if (bench_peer_value(name) != count || bench_peer_value("errors") != errors)
		fail_msg("not %g %s and %g errors: %s", count, name, errors, bench_client.out);
	assert_int_equal(bench_client.code, code);
}

double bench_peer_value(const char *name)
{
	const char *at = bench_client.out, *value = strchr(bench_client.out, '\n') + 1;
	size_t length = strlen(name);

	while (strncmp(at, name, length) != 0 || (at[length] != ',' && at[length] != '\n')) {
		at += strcspn(at, ",\n");
		value += strcspn(value, ",\n");
		if (*at != ',' || *value != ',')
			fail_msg("no %s in the report: %s", name, bench_client.out);
		at++;
		value++;
	}
	return strtod(value, NULL);
}

static void wait_for_input(int fd)
{
	struct pollfd watch = { .fd = fd, .events = POLLIN };

	if (poll(&watch, 1, WAIT_MS) != 1)
		fail_msg("the client has nothing to say in %d ms", WAIT_MS);
}

int bench_peer_accept(void)
{
	int fd;

	wait_for_input(bench_peer_listener);
	fd = accept4(bench_peer_listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

void bench_peer_receive(int fd, char *bytes, size_t n)
{
	for (size_t got = 0; got < n;) {
		ssize_t r;

		wait_for_input(fd);
		r = recv(fd, bytes + got, n - got, 0);
		if (r <= 0)
			fail_msg("%s after %zu of %zu bytes", r < 0 ? strerror(errno) : "the end",
				 got, n);
		got += (size_t)r;
	}
}

void bench_peer_echo(int fd, size_t n)
{
	char bytes[MESSAGE_MOST];

	assert_true(n <= sizeof(bytes));
	bench_peer_receive(fd, bytes, n);
	client_send(fd, bytes, n);
}

bool bench_peer_has_more(int fd)
{
	struct pollfd watch = { .fd = fd, .events = POLLIN };

	return poll(&watch, 1, 0) == 1;
}

void bench_peer_echo_all(const int *fds, int count, size_t size, int messages)
{
	struct pollfd watched[CONNECTIONS_MOST];
	char bytes[MESSAGE_MOST];

	for (int i = 0; i < count; i++)
		watched[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	while (messages > 0) {
		assert_true(poll(watched, (nfds_t)count, WAIT_MS) > 0);
		for (int i = 0; i < count && messages > 0; i++) {
			if (watched[i].revents == 0)
				continue;
			bench_peer_receive(fds[i], bytes, size);
			client_send(fds[i], bytes, size);
			messages--;
		}
	}
}
