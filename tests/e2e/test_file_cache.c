/* SPDX-License-Identifier: MIT */
/* http: what workers remember of files: bytes that stay right, changes that are seen in time. */
#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "client.h"
#include "process.h"
#include "web.h"

enum { PATTERN = 251, HEAD_MOST = 1024 };

/* On both sides of each size at which a file is sent in another way. */
static const size_t sizes[] = { 0, 1, 8192, 8193, 32768, 32769, 65536, 65537, 131073 };
enum { SIZES = sizeof(sizes) / sizeof(*sizes) };

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", web_folder, name);
	return path;
}

/* The byte at `at` of a file of that size. */
static char byte_of(size_t size, size_t at)
{
	return (char)((at + size) % PATTERN);
}

static void put_sized(size_t size)
{
	static char bytes[1 << 18];
	char name[32];
	int fd;

	for (size_t i = 0; i < size; i++)
		bytes[i] = byte_of(size, i);
	snprintf(name, sizeof(name), "%zu", size);
	fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(fchmod(fd, 0644), 0);
	close(fd);
}

static struct server *serve_sizes(const char *options)
{
	web_make_folder();
	for (size_t i = 0; i < SIZES; i++)
		put_sized(sizes[i]);
	web_wait_settled("131073");
	return web_serve(options);
}

static void receive(int fd, char *bytes, size_t n)
{
	for (size_t got = 0; got < n;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t part;

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		part = read(fd, bytes + got, n - got);
		assert_true(part > 0);
		got += (size_t)part;
	}
}

/* Receives one answer with that file, or the range from `from` on. */
static void expect_file(int fd, size_t size, size_t from)
{
	char head[HEAD_MOST], length[64];
	size_t used = 0;

	do {
		assert_true(used < sizeof(head) - 1);
		receive(fd, head + used, 1);
		head[++used] = '\0';
	} while (used < 4 || memcmp(head + used - 4, "\r\n\r\n", 4) != 0);
	web_begins(head, from > 0 ? "HTTP/1.1 206 " : "HTTP/1.1 200 ");
	snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", size - from);
	web_has(head, length);
	receive(fd, web_answer, size - from);
	for (size_t i = 0; i < size - from; i++)
		if (web_answer[i] != byte_of(size, from + i))
			fail_msg("byte %zu of %zu is wrong", from + i, size);
}

static void ask_for(int fd, size_t size, size_t from)
{
	char request[128];

	snprintf(request, sizeof(request),
		 "GET /%zu HTTP/1.1\r\nHost: x\r\nRange: bytes=%zu-\r\n\r\n", size, from);
	if (from == 0)
		snprintf(request, sizeof(request), "GET /%zu" WEB_HOST "\r\n", size);
	client_say(fd, request);
}

static void file__of_any_size__is_whole_each_time(void **state)
{
	struct server *s = serve_sizes("");
	int fd = client_connect(FIRST(s));

	(void)state;
	for (unsigned round = 0; round < 3; round++)
		for (size_t i = 0; i < SIZES; i++) {
			ask_for(fd, sizes[i], 0);
			expect_file(fd, sizes[i], 0);
			if (sizes[i] < 2)
				continue;
			ask_for(fd, sizes[i], sizes[i] / 2);
			expect_file(fd, sizes[i], sizes[i] / 2);
		}
	close(fd);
	server_stop(s);
}

enum { ROUNDS = 16 };

/* Each file `ROUNDS` times: the kernel takes a part of that. */
static void ask_for_all(int fd)
{
	for (unsigned round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < SIZES; i++)
			ask_for(fd, sizes[i], 0);
}

static void expect_all(int fd, unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++)
		for (size_t i = 0; i < SIZES; i++)
			expect_file(fd, sizes[i], 0);
}

/* The worker may die between any two parts, and the next one remembers nothing. */
static void answers__to_a_slow_client__are_whole(void **state)
{
	struct server *s = serve_sizes("");
	int fd = client_connect(FIRST(s));

	(void)state;
	ask_for_all(fd);
	for (unsigned round = 0; round < ROUNDS; round += 4) {
		web_kill_worker(s, fd);
		expect_all(fd, 4);
	}
	close(fd);
	server_stop(s);
}

static void change__is_seen_once_cache_valid_is_over(void **state)
{
	struct server *s;

	(void)state;
	web_make_folder();
	web_put("a.txt", "one");
	s = web_serve(",cache_valid=200ms");
	/* what has just changed is not remembered */
	web_serves(s, "one");
	web_put("a.txt", "two");
	web_serves(s, "two");
	web_wait_settled("a.txt");
	web_serves(s, "two");
	web_put("a.txt", "333");
	do {
		harness_tick();
		web_ask(s, "GET /a.txt" WEB_LAST);
	} while (strcmp(web_body(), "333") != 0);
	assert_int_equal(unlink(path_of("a.txt")), 0);
	while (strncmp(web_ask(s, "GET /a.txt" WEB_LAST), "HTTP/1.1 404", 12) != 0)
		harness_tick();
	server_stop(s);
}

static void change__is_seen_at_once_without_validity_or_cache(void **state)
{
	static const char *const options[] = { ",cache_valid=0", ",cache_size=off" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct server *s;

		web_make_folder();
		web_put("a.txt", "one");
		web_wait_settled("a.txt");
		s = web_serve(options[i]);
		web_serves(s, "one");
		web_put("a.txt", "two");
		web_serves(s, "two");
		server_stop(s);
	}
}

static void file__is_served_from_memory_while_it_is_valid(void **state)
{
	struct server *s;

	(void)state;
	web_make_folder();
	web_put("a.txt", "one");
	web_wait_settled("a.txt");
	s = web_serve(",cache_valid=1h");
	web_serves(s, "one");
	assert_int_equal(unlink(path_of("a.txt")), 0);
	web_serves(s, "one");
	/* a name that nothing was found under is not remembered */
	web_begins(web_ask(s, "GET /b.txt" WEB_LAST), "HTTP/1.1 404 ");
	web_put("b.txt", "b");
	web_begins(web_ask(s, "GET /b.txt" WEB_LAST), "HTTP/1.1 200 ");
	server_stop(s);
}

static void rewrite(const char *name, char byte, size_t size)
{
	static char bytes[1 << 19];
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	memset(bytes, byte, size);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(fchmod(fd, 0644), 0);
	close(fd);
}

/* Each byte of the body is this one. */
static void expect_all_of(char byte, size_t size)
{
	const char *body = web_body();

	assert_int_equal(strspn(body, (char[]){ byte, '\0' }), size);
	assert_int_equal(strlen(body), size);
}

/*
 * What is partly in memory, or only open, is of one state: neither is an answer glued together from
 * two, nor does a tag of the old one allow a range of the new one.
 */
static void file__rewritten_in_place__is_whole_and_new(void **state)
{
	static const size_t large[] = { 100 * 1024, 400 * 1024 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char tag[128], request[256];
		const char *at;
		struct server *s;

		web_make_folder();
		rewrite("f", 'a', large[i]);
		web_wait_settled("f");
		s = web_serve(",cache_valid=1h");
		web_ask(s, "GET /f" WEB_LAST);
		web_ask(s, "GET /f" WEB_LAST);
		expect_all_of('a', large[i]);
		at = strstr(web_answer, "\r\nETag: ");
		assert_non_null(at);
		snprintf(tag, sizeof(tag), "%.*s", (int)strcspn(at + 8, "\r"), at + 8);
		rewrite("f", 'b', large[i]);
		snprintf(request, sizeof(request),
			 "GET /f" WEB_HOST "Range: bytes=1000-\r\nIf-Range: %s\r\n"
			 "Connection: close\r\n\r\n",
			 tag);
		web_begins(web_ask(s, request), "HTTP/1.1 200 ");
		expect_all_of('b', large[i]);
		web_begins(web_ask(s, "GET /f" WEB_LAST), "HTTP/1.1 200 ");
		expect_all_of('b', large[i]);
		server_stop(s);
	}
}

/* A release that is switched is in force as a whole, whatever was remembered of the last one. */
static void folder__that_is_switched__is_served_at_once(void **state)
{
	struct server *s;
	char from[512];

	(void)state;
	web_make_folder();
	web_put_folder("v1");
	web_put_folder("v2");
	web_put("v1/a.txt", "one");
	web_put("v2/a.txt", "two");
	web_put_link("v1", "now");
	web_put_link("v2", "next");
	web_wait_settled("v2/a.txt");
	snprintf(from, sizeof(from),
		 "listen \"127.0.0.1:0\" { service = http  root = \"%s\"  "
		 "cache_valid = 1h }\n",
		 path_of("now"));
	s = server_start(&(struct plan){ .conf = from });
	web_serves(s, "one");
	web_serves(s, "one");
	snprintf(from, sizeof(from), "%s", path_of("next"));
	assert_int_equal(rename(from, path_of("now")), 0);
	do {
		harness_tick();
		web_ask(s, "GET /a.txt" WEB_LAST);
	} while (strcmp(web_body(), "two") != 0);
	server_stop(s);
}

/* The descriptors of files that the worker has open. */
static unsigned count_files(struct server *s)
{
	return process_files(server_worker(s, 0), path_of(""), NULL);
}

/* A file that is removed does not occupy its disk for long. */
static void descriptor__of_a_file_that_nobody_asks_for__is_closed(void **state)
{
	struct server *s = serve_sizes(",cache_valid=2s");

	(void)state;
	web_ask(s, "GET /1" WEB_LAST);
	web_ask(s, "GET /131073" WEB_LAST);
	web_ask(s, "GET /65536" WEB_LAST);
	assert_int_equal(count_files(s), 2);
	while (count_files(s) > 0)
		harness_tick();
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(file__of_any_size__is_whole_each_time),
		E2E(answers__to_a_slow_client__are_whole),
		E2E(change__is_seen_once_cache_valid_is_over),
		E2E(change__is_seen_at_once_without_validity_or_cache),
		E2E(file__is_served_from_memory_while_it_is_valid),
		E2E(file__rewritten_in_place__is_whole_and_new),
		E2E(folder__that_is_switched__is_served_at_once),
		E2E(descriptor__of_a_file_that_nobody_asks_for__is_closed),
	};

	return E2E_RUN(tests);
}
