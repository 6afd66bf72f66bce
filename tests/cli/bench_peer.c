/* SPDX-License-Identifier: MIT */
/* What the tests of prefork-client bench share. */
#include "cli/bench_peer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "e2e/client.h"
#include "e2e/harness.h"

enum { CONNECTIONS_MOST = 16, MESSAGE_MOST = 4096 };

struct talking benching;
int benching_listener;
char benching_address[64], benching_url[96];

int benching_set_up(void **state)
{
	(void)state;
	talking_forget(&benching);
	benching_listener = client_listener(benching_address, sizeof(benching_address));
	snprintf(benching_url, sizeof(benching_url), "http://%s/x", benching_address);
	return 0;
}

int benching_tear_down(void **state)
{
	if (benching_listener >= 0)
		close(benching_listener);
	return harness_teardown(state);
}

static int fields_of(const char *line)
{
	int fields = 1;

	for (; *line != '\n' && *line != '\0'; line++)
		fields += *line == ',';
	return fields;
}

void benching_wait(void)
{
	const char *values;

	talking_wait(&benching);
	values = strchr(benching.out, '\n');
	if (values == NULL)
		fail_msg("no report: %s%s", benching.out, benching.err);
	assert_int_equal(fields_of(benching.out), fields_of(values + 1));
}

void benching_counts(int code, const char *name, double count, double errors)
{
	benching_wait();
	assert_string_equal(benching.err, "");
	if (benching_figure(name) != count || benching_figure("errors") != errors)
		fail_msg("not %g %s and %g errors: %s", count, name, errors, benching.out);
	assert_int_equal(benching.code, code);
}

double benching_figure(const char *name)
{
	const char *at = benching.out, *value = strchr(benching.out, '\n') + 1;
	size_t length = strlen(name);

	while (strncmp(at, name, length) != 0 || (at[length] != ',' && at[length] != '\n')) {
		at += strcspn(at, ",\n");
		value += strcspn(value, ",\n");
		if (*at != ',' || *value != ',')
			fail_msg("no %s in the report: %s", name, benching.out);
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

int benching_accept(void)
{
	int fd;

	wait_for_input(benching_listener);
	fd = accept4(benching_listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

void benching_receive(int fd, char *bytes, size_t n)
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

void benching_echo(int fd, size_t n)
{
	char bytes[MESSAGE_MOST];

	assert_true(n <= sizeof(bytes));
	benching_receive(fd, bytes, n);
	client_send(fd, bytes, n);
}

bool benching_has_more(int fd)
{
	struct pollfd watch = { .fd = fd, .events = POLLIN };

	return poll(&watch, 1, 0) == 1;
}

void benching_echo_all(const int *fds, int count, size_t size, int messages)
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
			benching_receive(fds[i], bytes, size);
			client_send(fds[i], bytes, size);
			messages--;
		}
	}
}
