/* SPDX-License-Identifier: MIT */
/* http: bodies that nobody reads: none of their bytes is a request, and each answer arrives. */
#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "accessbook.h"
#include "client.h"
#include "download.h"

#define SMUGGLED "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n" /* 35 bytes */
#define LENGTH   "Content-Length: 35\r\n\r\n"
#define CHUNKED  "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKS   "23\r\n" SMUGGLED "\r\n0\r\n\r\n"

enum { MEGABYTES_MOST = 256, HEADER = 9000 };

static struct server *serve(const char *options)
{
	char listen[512];

	web_make_folder();
	web_put("a.txt", "hello\n");
	web_put("smuggled", "smuggled\n");
	snprintf(listen, sizeof(listen), "127.0.0.1:0=http,root=%s%s", web_folder, options);
	return accessbook_start(
		(struct plan){ .listen = { listen }, .set = { "log.access_format=combined" } });
}

static void stop(struct server *s)
{
	server_stop(s);
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path), "\"GET /smuggled"), 0);
}

/* A head, its body, and the status of the answer; is_kept: the connection goes on. */
static const struct {
	const char *head, *body, *status;
	bool is_kept;
} rows[] = {
	{ "GET /a.txt" WEB_HOST LENGTH, SMUGGLED, "200", true },
	{ "GET /no" WEB_HOST LENGTH, SMUGGLED, "404", true },
	{ "GET /../x" WEB_HOST LENGTH, SMUGGLED, "400", true },
	{ "HEAD /a.txt" WEB_HOST LENGTH, SMUGGLED, "200", true },
	{ "POST /a.txt" WEB_HOST LENGTH, SMUGGLED, "405", true },
	{ "BREW /a.txt" WEB_HOST LENGTH, SMUGGLED, "501", true },
	{ "OPTIONS *" WEB_HOST LENGTH, SMUGGLED, "200", true },
	{ "GET /a.txt" WEB_HOST "Range: bytes=9-\r\n" LENGTH, SMUGGLED, "416", true },
	{ "GET /a.txt" WEB_HOST "If-None-Match: *\r\n" LENGTH, SMUGGLED, "304", true },
	{ "GET /a.txt" WEB_HOST "If-Match: \"x\"\r\n" LENGTH, SMUGGLED, "412", true },
	{ "GET /a.txt" WEB_HOST CHUNKED, CHUNKS, "200", true },
	{ "POST /a.txt" WEB_HOST CHUNKED, CHUNKS, "405", true },
	{ "CONNECT x:1" WEB_HOST LENGTH, SMUGGLED, "405", false },
	{ "POST /a.txt" WEB_HOST "Expect: 100-continue\r\n" LENGTH, SMUGGLED, "405", false },
	{ "POST /a.txt" WEB_HOST "Content-Length: 65537\r\n\r\n", SMUGGLED, "413", false },
	{ "POST /a.txt" WEB_HOST "Transfer-Encoding: gzip\r\n\r\n", SMUGGLED, "501", false },
	{ "POST /a.txt" WEB_HOST "Transfer-Encoding: chunked\r\n" LENGTH, SMUGGLED, "400", false },
	{ "POST /a.txt" WEB_HOST "Content-Length: 0\r\n" LENGTH, SMUGGLED, "400", false },
	{ "POST /a.txt" WEB_HOST "Content-Length: +5\r\n\r\n", SMUGGLED, "400", false },
	{ "GET /a.txt HTTP/1.0\r\n" LENGTH, SMUGGLED, "200", false },
	{ "GET /a.txt" WEB_HOST "Connection: close\r\n" LENGTH, SMUGGLED, "200", false },
};

/* All bytes to the orderly end of the connection: a reset would have cut the answer. */
static void receive_all(int fd, size_t used)
{
	ssize_t n;

	do {
		n = recv(fd, web_answer + used, WEB_ANSWER - 1 - used, 0);
		assert_true(n >= 0);
		used += (size_t)n;
	} while (n > 0);
	web_answer[used] = '\0';
}

static void expect_answers(size_t row)
{
	char begin[32];
	unsigned wanted = rows[row].is_kept ? 2 : 1;

	snprintf(begin, sizeof(begin), "HTTP/1.1 %s ", rows[row].status);
	web_begins(web_answer, begin);
	if (accessbook_count(web_answer, "HTTP/1.1 ") != wanted)
		fail_msg("row %zu: %s", row, web_answer);
}

static void body__in_the_same_segment__is_no_request(void **state)
{
	struct server *s = serve("");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int fd = client_connect(FIRST(s));
		char all[1024];

		snprintf(all, sizeof(all), "%s%sGET /a.txt" WEB_LAST, rows[i].head, rows[i].body);
		client_say(fd, all);
		receive_all(fd, 0);
		expect_answers(i);
		close(fd);
	}
	stop(s);
}

/* The body is sent when the answer is there, or after the head where the server waits for it. */
static void body__in_a_later_segment__is_no_request(void **state)
{
	struct server *s = serve("");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool waits = strstr(rows[i].head, CHUNKED) != NULL;
		int fd = client_connect(FIRST(s));

		client_say(fd, rows[i].head);
		if (!waits)
			download_head(fd);
		client_say(fd, rows[i].body);
		client_say(fd, "GET /a.txt" WEB_LAST);
		receive_all(fd, waits ? 0 : strlen(web_answer));
		expect_answers(i);
		close(fd);
	}
	stop(s);
}

/* Sends on, at most so much, until the server takes nothing more; true when it did end that. */
static bool pour(int fd, const char *block, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	for (uint64_t sent = 0; sent < (uint64_t)MEGABYTES_MOST << 20;) {
		ssize_t n;

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		n = send(fd, block, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			return true;
		sent += n > 0 ? (uint64_t)n : 0;
	}
	return false;
}

/* Heads with bodies that have no end, as far as this client goes. */
static const struct {
	const char *head, *status;
} floods[] = {
	{ "POST /a.txt" WEB_HOST "Content-Length: 10737418240\r\n\r\n", "413" },
	{ "GET /a.txt" WEB_HOST "Content-Length: 10737418240\r\n\r\n", "413" },
	{ "POST /a.txt" WEB_HOST "Expect: 100-continue\r\nContent-Length: 10737418240\r\n\r\n",
	  "413" },
	{ "POST /a.txt" WEB_HOST CHUNKED "280000000\r\n", "413" },
	{ "POST /a.txt" WEB_HOST "Transfer-Encoding: gzip\r\n\r\n", "501" },
	{ "POST /a.txt" WEB_HOST "Connection: close\r\nContent-Length: 60000\r\n\r\n", "405" },
};

/* The answer arrives while the client sends; then it is given linger_timeout, and no more. */
static void body__of_ten_gigabytes__costs_a_while(void **state)
{
	struct server *s = serve(",linger_timeout=300ms");
	static char block[1 << 16];

	(void)state;
	memset(block, 'x', sizeof(block));
	for (size_t i = 0; i < sizeof(floods) / sizeof(*floods); i++) {
		int fd = client_connect(FIRST(s));
		char begin[32];

		client_say(fd, floods[i].head);
		client_send(fd, block, sizeof(block));
		receive_all(fd, 0);
		snprintf(begin, sizeof(begin), "HTTP/1.1 %s ", floods[i].status);
		web_begins(web_answer, begin);
		web_has(web_answer, "\r\nConnection: close\r\n");
		while (!pour(fd, block, sizeof(block)))
			;
		close(fd);
		web_begins(web_ask(s, "GET /a.txt" WEB_LAST), "HTTP/1.1 200 OK\r\n");
	}
	stop(s);
}

/* One byte a chunk, and no end. */
static void body__of_chunks_without_end__is_refused(void **state)
{
	struct server *s = serve(",linger_timeout=300ms");
	static char block[6 * 20000];
	int fd = client_connect(FIRST(s));

	(void)state;
	for (size_t i = 0; i < sizeof(block); i += 6)
		memcpy(block + i, "1\r\nx\r\n", 6);
	client_say(fd, "POST /a.txt" WEB_HOST CHUNKED);
	client_send(fd, block, sizeof(block));
	receive_all(fd, 0);
	web_begins(web_answer, "HTTP/1.1 413 ");
	close(fd);
	stop(s);
}

/* A head that is refused before its end; what follows it is read no further. */
static void head__that_is_too_long__is_answered(void **state)
{
	static const char *const begins[] = { "GET /", "GET / HTTP/1.1\r\nHost: x\r\nX: ", "" };
	static const char *const statuses[] = { "HTTP/1.1 414 ", "HTTP/1.1 431 ", "HTTP/1.1 501 " };
	struct server *s = serve("");
	static char filler[HEADER];

	(void)state;
	memset(filler, 'a', sizeof(filler));
	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++) {
		int fd = client_connect(FIRST(s));

		client_say(fd, begins[i]);
		client_send(fd, filler, sizeof(filler));
		download_head(fd);
		for (unsigned k = 0; k < 100; k++)
			client_send(fd, filler, sizeof(filler));
		client_say(fd, "\r\n\r\n" SMUGGLED);
		receive_all(fd, strlen(web_answer));
		web_begins(web_answer, statuses[i]);
		assert_int_equal(accessbook_count(web_answer, "HTTP/1.1 "), 1);
		close(fd);
	}
	stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(body__in_the_same_segment__is_no_request),
		E2E(body__in_a_later_segment__is_no_request),
		E2E(body__of_ten_gigabytes__costs_a_while),
		E2E(body__of_chunks_without_end__is_refused),
		E2E(head__that_is_too_long__is_answered),
	};

	return E2E_RUN(tests);
}
