/* SPDX-License-Identifier: MIT */
/* The clients of the e2e tests. They know only the server's addresses. */
#include "client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cli/client_process.h"
#include "harness.h"

union where {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/* Parses 127.0.0.1:80, [::1]:80 or unix:/path into a socket address; returns its length. */
static socklen_t read_address(const char *text, union where *to)
{
	const char *colon = strrchr(text, ':');
	char host[64];

	memset(to, 0, sizeof(*to));
	assert_non_null(colon);
	if (strncmp(text, "unix:", 5) == 0) {
		to->un.sun_family = AF_UNIX;
		snprintf(to->un.sun_path, sizeof(to->un.sun_path), "%s", text + 5);
		return sizeof(to->un);
	}
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	if (host[0] == '[') {
		host[strlen(host) - 1] = '\0';
		to->in6.sin6_family = AF_INET6;
		to->in6.sin6_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
		assert_int_equal(inet_pton(AF_INET6, host + 1, &to->in6.sin6_addr), 1);
		return sizeof(to->in6);
	}
	to->in.sin_family = AF_INET;
	to->in.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	assert_int_equal(inet_pton(AF_INET, host, &to->in.sin_addr), 1);
	return sizeof(to->in);
}

static void wait_for(int fd, short events, const char *what)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&p, 1, WAIT_MS);
	while (n < 0 && errno == EINTR);
	if (n < 1)
		fail_msg("client: nothing %s in %d ms", what, WAIT_MS);
}

const char *client_loopback_host(void)
{
	struct addrinfo *found;

	if (getaddrinfo("localhost", NULL, NULL, &found) != 0)
		return "127.0.0.2";
	freeaddrinfo(found);
	return "localhost";
}

int client_try(const char *address)
{
	return client_try_from(NULL, address);
}

static void bind_to(int fd, const char *source)
{
	struct sockaddr_in from = { .sin_family = AF_INET };

	assert_int_equal(inet_pton(AF_INET, source, &from.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
}

int client_try_from(const char *source, const char *address)
{
	union where to;
	socklen_t len = read_address(address, &to);
	int fd = socket(to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (source)
		bind_to(fd, source);
	if (connect(fd, &to.sa, len) < 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

int client_connect(const char *address)
{
	int fd = client_try(address);

	if (fd < 0)
		fail_msg("client: cannot connect to %s: %s", address, strerror(errno));
	return fd;
}

void client_send(int fd, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n > 0) {
		ssize_t sent = send(fd, at, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN) {
			wait_for(fd, POLLOUT, "taken");
			continue;
		}
		if (sent < 0)
			fail_msg("client: cannot send: %s", strerror(errno));
		at += sent;
		n -= (size_t)sent;
	}
}

void client_say(int fd, const char *text)
{
	client_send(fd, text, strlen(text));
}

void client_expect(int fd, const void *bytes, size_t n)
{
	const char *wanted = bytes;
	char got[65536];

	for (size_t at = 0; at < n;) {
		size_t most = n - at < sizeof(got) ? n - at : sizeof(got);
		ssize_t r;

		wait_for(fd, POLLIN, "received");
		r = recv(fd, got, most, 0);
		if (r <= 0)
			fail_msg("client: %s after %zu of %zu bytes",
				 r ? strerror(errno) : "the end", at, n);
		assert_memory_equal(got, wanted + at, (size_t)r);
		at += (size_t)r;
	}
}

void client_hear(int fd, const char *text)
{
	client_expect(fd, text, strlen(text));
}

bool client_ended(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&p, 1, ms) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

void client_expect_end(int fd)
{
	char byte;
	ssize_t n;

	wait_for(fd, POLLIN, "received");
	n = recv(fd, &byte, 1, 0);
	if (n != 0)
		fail_msg("client: %s instead of the end", n < 0 ? strerror(errno) : "a byte");
}

size_t client_drain(int fd, char *text, size_t size)
{
	char bytes[65536];
	size_t total = 0, kept = 0;

	for (;;) {
		ssize_t n;

		wait_for(fd, POLLIN, "received");
		n = recv(fd, bytes, sizeof(bytes), 0);
		if (n <= 0)
			break;
		if (kept + 1 < size) {
			size_t take = (size_t)n < size - 1 - kept ? (size_t)n : size - 1 - kept;

			memcpy(text + kept, bytes, take);
			kept += take;
		}
		total += (size_t)n;
	}
	if (size > 0)
		text[kept] = '\0';
	return total;
}

void client_half_close(int fd)
{
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
}

void client_begin_message(int fd)
{
	client_say(fd, "first\nsec");
	client_hear(fd, ACK "\n");
}

void client_finish_message(int fd)
{
	client_say(fd, "ond\n");
	client_hear(fd, ACK "\n");
}

void client_reset(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/*
 * A text of lines has one answer for each line. A message without an end has one answer, which
 * comes at once, so a short wait after it is enough.
 */
void client_ask(const char *address, const char *text, const char *answer)
{
	static struct client_process client;
	bool is_line = text[strlen(text) - 1] == '\n';
	size_t length = strlen(answer);

	client_process_reset(&client);
	if (is_line) {
		client.input = text;
		RUN_CLIENT(&client, "-f", "line", address);
	} else {
		RUN_CLIENT(&client, "-q", "1ms", address, text);
	}
	client_process_wait(&client);
	assert_string_equal(client.err, "");
	assert_int_equal(client.code, 0);
	assert_memory_equal(client.out, answer, length);
	assert_string_equal(client.out + length, is_line ? "" : "\n");
}

int client_listener(char *text, size_t size)
{
	union where to;
	socklen_t len = read_address("127.0.0.1:0", &to);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, &to.sa, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, &to.sa, &len), 0);
	snprintf(text, size, "127.0.0.1:%u", ntohs(to.in.sin_port));
	return fd;
}
