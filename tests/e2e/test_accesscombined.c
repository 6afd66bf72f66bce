/* SPDX-License-Identifier: MIT */
/*
 * The access log in the combined format: what a whole server writes of good, wrong and hostile
 * requests, line by line and as goaccess reads it where it is installed.
 */
#include "harness.h"

#include <sys/stat.h>

#include "accessbook.h"
#include "client.h"

#define HOST " HTTP/1.1\r\nHost: x\r\n"
#define LAST "Connection: close\r\n\r\n"

enum { ANSWER = 1 << 20 };
static char answer[ANSWER];

/* Sends the request on a connection of its own; returns the bytes behind the answer's head. */
static size_t ask(const char *address, const void *request, size_t size)
{
	int fd = client_connect(address);
	const char *body;
	size_t n;

	client_send(fd, request, size);
	n = client_drain(fd, answer, sizeof(answer));
	close(fd);
	body = strstr(answer, "\r\n\r\n");
	assert_non_null(body);
	return n - (size_t)(body + 4 - answer);
}

#define ASK(s, request) ask(FIRST(s), request, sizeof(request) - 1)

static struct server *start(const char *listen)
{
	return accessbook_start((struct plan){ .listen = { listen, "127.0.0.1:0=ack" },
					       .set = { "log.access_format=combined" } });
}

static void requests__have_the_line_of_nginx(void **state)
{
	struct server *s = start("127.0.0.1:0=status");
	char wanted[256];
	size_t page;

	(void)state;
	assert_int_equal(ASK(s, "GET /healthz?x=1" HOST "Referer: https://example.org/\r\n"
				"User-Agent: Mozilla/5.0 (X11)\r\n" LAST),
			 3);
	page = ASK(s, "GET /status.json HTTP/1.0\r\nUser-Agent: a\r\n\r\n");
	ASK(s, "HEAD /metrics" HOST LAST);
	client_ask(s->addresses[1], "x", ACK);
	server_wait_count(s, 4, "connection_ended", NULL);
	server_stop(s);
	assert_int_equal(accessbook_lines(), 3);
	accessbook_expect(s, "] \"GET /healthz?x=1 HTTP/1.1\" 200 3 \"https://example.org/\" "
			     "\"Mozilla/5.0 (X11)\"\n");
	snprintf(wanted, sizeof(wanted), "] \"GET /status.json HTTP/1.0\" 200 %zu \"-\" \"a\"\n",
		 page);
	accessbook_expect(s, wanted);
	accessbook_expect(s, "] \"HEAD /metrics HTTP/1.1\" 200 0 \"-\" \"-\"\n");
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path), "127.0.0.1 - - ["), 3);
	accessbook_expect_combined(s);
	accessbook_expect_goaccess(s, 3);
}

static void chunked_answer__counts_its_body_without_frames(void **state)
{
	struct server *s = start("127.0.0.1:0=status");
	unsigned long long body = 0;
	const char *at;

	(void)state;
	ASK(s, "GET /metrics" HOST LAST);
	server_stop(s);
	at = strstr(answer, "\r\n\r\n") + 4;
	for (unsigned long size; (size = strtoul(at, NULL, 16)) > 0; body += size)
		at = strchr(at, '\n') + 1 + size + 2;
	at = strstr(accessbook_read(accessbook_path), "\" 200 ");
	assert_non_null(at);
	assert_int_equal(strtoull(at + 6, NULL, 10), body);
}

static void requests__that_are_hostile__cannot_break_a_line(void **state)
{
	static const char hello[] = "\x16\x03\x01\x02\x00\x01\xfc\x03\x03";
	static char longest[8200];
	struct server *s = start("127.0.0.1:0=status");
	unsigned n = 0;

	(void)state;
	ask(FIRST(s), hello, sizeof(hello) - 1), n++;
	ASK(s, "\r\n\r\nGET /a\"b\\c HTTP/1.1\r\n" LAST), n++;
	ASK(s, "GET /x" HOST "Referer: a\" 200 1 \"b\\\r\nUser-Agent: \xe4\xb8\xad\tx\r\n" LAST),
		n++;
	ASK(s, "nonsense\r\n\r\n"), n++;
	ASK(s, "GET / HTTP/3.0\r\n\r\n"), n++;
	ASK(s, "OPTIONS *" HOST LAST), n++;
	ASK(s, "BREW http://x/" HOST "Referer:\r\nUser-Agent: \r\n" LAST), n++;
	ASK(s, "GET /a%20b?<script>" HOST "User-Agent: -\r\n" LAST), n++;
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "GET /", 5);
	ask(FIRST(s), longest, sizeof(longest)), n++;
	memcpy(longest + 7900, HOST LAST, sizeof(HOST LAST) - 1);
	ask(FIRST(s), longest, 7900 + sizeof(HOST LAST) - 1), n++;
	close(client_connect(FIRST(s)));
	server_wait_count(s, n + 1, "connection_ended", NULL);
	server_stop(s);
	assert_int_equal(accessbook_lines(), n);
	accessbook_expect(s, "] \"\\x16\\x03\\x01\\x02\\x00\\x01\\xFC\\x03\\x03\" 400 ");
	accessbook_expect(s, "] \"GET /a\\x22b\\x5Cc HTTP/1.1\" 400 ");
	accessbook_expect(s, " \"a\\x22 200 1 \\x22b\\x5C\" \"\\xE4\\xB8\\xAD\\x09x\"\n");
	accessbook_expect(s, "a HTTP/1.1\" 404 ");
	accessbook_expect_combined(s);
	accessbook_expect_goaccess(s, n);
}

static void client_of_a_unix_socket__is_this_host(void **state)
{
	char listen[128];
	struct server *s;

	(void)state;
	snprintf(listen, sizeof(listen), "unix:%s/sock=status", harness_folder());
	s = start(listen);
	ASK(s, "GET /healthz" HOST LAST);
	server_wait_count(s, 1, "connection_ended", NULL);
	server_stop(s);
	accessbook_expect(s, "127.0.0.1 - - [");
	accessbook_expect_combined(s);
	accessbook_expect_goaccess(s, 1);
}

static void file__counts_what_is_sent_of_it(void **state)
{
	char listen[160], folder[96], path[128];
	struct server *s;
	FILE *file;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/www", harness_folder());
	assert_int_equal(mkdir(folder, 0755), 0);
	snprintf(path, sizeof(path), "%s/f", folder);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), 100000), 0);
	fclose(file);
	snprintf(listen, sizeof(listen), "127.0.0.1:0=http,root=%s", folder);
	s = start(listen);
	assert_int_equal(ASK(s, "GET /f" HOST LAST), 100000);
	ASK(s, "GET /f" HOST "Range: bytes=10-19\r\n" LAST);
	ASK(s, "HEAD /f" HOST LAST);
	ASK(s, "GET /../x" HOST LAST);
	server_stop(s);
	accessbook_expect(s, "] \"GET /f HTTP/1.1\" 200 100000 \"-\" \"-\"\n");
	accessbook_expect(s, "] \"GET /f HTTP/1.1\" 206 10 \"-\" \"-\"\n");
	accessbook_expect(s, "] \"HEAD /f HTTP/1.1\" 200 0 \"-\" \"-\"\n");
	accessbook_expect_combined(s);
	accessbook_expect_goaccess(s, 4);
}

static void format__changes_with_a_reload(void **state)
{
	static const char form[] = "listen \"127.0.0.1:0\" { service = status }\nworkers = 1\n"
				   "log { access = \"%s\"  access_format = %s }\n";
	struct server *s;
	char conf[512];

	(void)state;
	snprintf(accessbook_path, sizeof(accessbook_path), "%s/access", harness_folder());
	snprintf(conf, sizeof(conf), form, accessbook_path, "json");
	s = server_start(&(struct plan){ .conf = conf });
	ASK(s, "GET /healthz" HOST LAST);
	server_wait_count(s, 1, "connection_ended", NULL);
	snprintf(conf, sizeof(conf), form, accessbook_path, "combined");
	server_configure(s, conf);
	server_signal(s, SIGHUP);
	server_wait_event(s, "reload_finished", NULL);
	ASK(s, "GET /healthz" HOST LAST);
	server_stop(s);
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path), "{\"time\":\""), 2);
	accessbook_expect(s, "] \"GET /healthz HTTP/1.1\" 200 3 \"-\" \"-\"\n");
	assert_int_equal(accessbook_lines(), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(requests__have_the_line_of_nginx),
		E2E(chunked_answer__counts_its_body_without_frames),
		E2E(requests__that_are_hostile__cannot_break_a_line),
		E2E(client_of_a_unix_socket__is_this_host),
		E2E(file__counts_what_is_sent_of_it),
		E2E(format__changes_with_a_reload),
	};

	return E2E_RUN(tests);
}
