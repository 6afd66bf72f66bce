/* SPDX-License-Identifier: MIT */
/*
 * http: clients that send a body slowly or never, that read a large file slowly or never, or ask
 * for more than they read: each is bounded by time, all together by memory, and others are served.
 */
#include "harness.h"

#include <poll.h>
#include <sys/socket.h>

#include "client.h"
#include "download.h"
#include "process.h"

#define BODY "POST /a.txt" WEB_HOST "Content-Length: 60000\r\n\r\n"

enum { READERS = 400, MEMORY_KB = 32 * 1024, SOON_MS = WAIT_MS / 4, UNREAD = 512 * 1024 };

static void ended(struct server *s, const char *why)
{
	char fields[64];

	snprintf(fields, sizeof(fields), "ending=%s", why);
	server_wait_event(s, "connection_ended", fields);
	server_stop(s);
}

/* Its receive buffer is small, so that little is under way. */
static int connect_narrow(const struct server *s)
{
	int fd = client_connect(FIRST(s)), little = 4096;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little)), 0);
	return fd;
}

/* The answer is there before the body, which never comes. */
static void body__that_never_comes__is_given_up(void **state)
{
	struct server *s = download_serve(",message_timeout=300ms,idle_timeout=off");
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, BODY);
	download_head(fd);
	web_begins(web_answer, "HTTP/1.1 405 ");
	client_hear(fd, "405 Method Not Allowed\n");
	client_expect_end(fd);
	close(fd);
	ended(s, "message_timeout");
}

/* The time is that of the whole body, not of the silence between its bytes. */
static void body__that_trickles__is_given_up(void **state)
{
	struct server *s = download_serve(",message_timeout=1s,idle_timeout=off");
	int fd = client_connect(FIRST(s));
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t begun_ms;

	(void)state;
	client_say(fd, BODY);
	download_head(fd);
	client_hear(fd, "405 Method Not Allowed\n");
	begun_ms = clock_ms();
	while (poll(&p, 1, 50) == 0) {
		assert_true(clock_ms() - begun_ms < SOON_MS);
		client_say(fd, "x");
	}
	client_expect_end(fd);
	close(fd);
	ended(s, "message_timeout");
}

static long bytes_out(const char *line)
{
	const char *field = strstr(line, " bytes_out=");

	assert_non_null(field);
	return strtol(field + strlen(" bytes_out="), NULL, 10);
}

/* The kernel did not take megabytes of it either. */
static void file__that_nobody_takes__is_given_up(void **state)
{
	static const char *const requests[] = {
		"GET /large" WEB_HOST "\r\n",
		"GET /large" WEB_LAST,
		"GET /large" WEB_HOST "Range: bytes=0-20000000,30000000-\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		struct server *s = download_serve(",message_timeout=500ms");
		int fd = connect_narrow(s);

		client_say(fd, requests[i]);
		download_head(fd);
		web_serves(s, "hello\n");
		assert_true(bytes_out(server_wait_event(s, "connection_ended",
							"ending=send_timeout")) < UNREAD);
		close(fd);
		server_stop(s);
	}
}

/* One that takes some in time has all the time that it needs: it sees every byte. */
static void file__that_is_taken_slowly__is_sent_on(void **state)
{
	struct server *s = download_serve(",message_timeout=500ms");
	int fd = client_connect(FIRST(s));
	int64_t begun_ms = clock_ms();
	size_t at = 0;

	(void)state;
	client_say(fd, "GET /large" WEB_HOST "\r\n");
	download_head(fd);
	while (clock_ms() - begun_ms < 2000) {
		download_go_on(fd, &at, at + 65536 < DOWNLOAD_SIZE ? at + 65536 : DOWNLOAD_SIZE);
		harness_tick();
	}
	download_finish(fd, &at);
	server_stop(s);
}

/* Each has a buffer's worth under way, not a file's. */
static void readers__that_take_nothing__cost_little_memory(void **state)
{
	struct server *s = download_serve("");
	int fds[READERS];
	long before;

	(void)state;
	web_serves(s, "hello\n");
	before = process_status(server_worker(s, 0), "VmHWM");
	for (unsigned i = 0; i < READERS; i++) {
		fds[i] = connect_narrow(s);
		client_say(fds[i], i % 2 ? "GET /large" WEB_HOST "\r\n" :
					   "GET /large" WEB_HOST
					   "Range: bytes=0-20000000,30000000-\r\n\r\n");
	}
	for (unsigned i = 0; i < READERS; i++)
		download_head(fds[i]);
	web_serves(s, "hello\n");
	assert_true(before > 0);
	assert_in_range(process_status(server_worker(s, 0), "VmHWM") - before, 0, MEMORY_KB);
	for (unsigned i = 0; i < READERS; i++)
		close(fds[i]);
	server_stop(s);
}

/* Sends requests, the next byte is at *at, while the server takes them; false once it has ended. */
static bool ask_on(int fd, size_t *at)
{
	static const char request[] = "GET /a.txt" WEB_HOST "\r\n";
	static char block[(sizeof(request) - 1) * 1000];
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t n;

	for (size_t i = 0; i < sizeof(block); i += sizeof(request) - 1)
		memcpy(block + i, request, sizeof(request) - 1);
	if (poll(&p, 1, 20) == 0)
		return true;
	n = send(fd, block + *at, sizeof(block) - *at, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		*at = (*at + (size_t)n) % sizeof(block);
	return n > 0 || errno == EAGAIN;
}

/* The server reads no more than it can answer. */
static void requests__whose_answers_nobody_takes__are_not_read(void **state)
{
	struct server *s = download_serve(",message_timeout=500ms");
	int fd = connect_narrow(s);
	int64_t begun_ms = clock_ms();
	size_t at = 0;
	long before;

	(void)state;
	web_serves(s, "hello\n");
	before = process_status(server_worker(s, 0), "VmHWM");
	while (ask_on(fd, &at))
		assert_true(clock_ms() - begun_ms < WAIT_MS);
	assert_in_range(process_status(server_worker(s, 0), "VmHWM") - before, 0, MEMORY_KB / 8);
	web_serves(s, "hello\n");
	close(fd);
	ended(s, "send_timeout");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(body__that_never_comes__is_given_up),
		E2E(body__that_trickles__is_given_up),
		E2E(file__that_nobody_takes__is_given_up),
		E2E(file__that_is_taken_slowly__is_sent_on),
		E2E(readers__that_take_nothing__cost_little_memory),
		E2E(requests__whose_answers_nobody_takes__are_not_read),
	};

	return E2E_RUN(tests);
}
