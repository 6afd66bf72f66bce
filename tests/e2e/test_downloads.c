/* SPDX-License-Identifier: MIT */
/* http: downloads that outlive workers and reloads, and files that change while they are sent. */
#include "harness.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/err.h"
#include "client.h"
#include "web.h"

enum { LARGE = 48 << 20, PATTERN = 251 };

static char block[PATTERN * 256];

static void put_large(void)
{
	char path[256];
	int fd;

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)(i % PATTERN);
	snprintf(path, sizeof(path), "%s/large", web_folder);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	for (size_t left = LARGE; left > 0;) {
		size_t n = left < sizeof(block) ? left : sizeof(block);

		assert_int_equal(write(fd, block, n), n);
		left -= n;
	}
	assert_int_equal(fchmod(fd, 0644), 0);
	close(fd);
}

static struct server *serve_large(void)
{
	web_make_folder();
	web_put("a.txt", "hello\n");
	put_large();
	return web_serve("");
}

static int begin_download(const struct server *s)
{
	int fd = client_connect(FIRST(s));
	size_t used = 0;

	client_say(fd, "GET /large" WEB_HOST "\r\n");
	while (used < 4 || memcmp(web_answer + used - 4, "\r\n\r\n", 4) != 0) {
		assert_int_equal(read(fd, web_answer + used, 1), 1);
		used++;
	}
	web_answer[used] = '\0';
	web_begins(web_answer, "HTTP/1.1 200 OK\r\n");
	return fd;
}

/* Receives and compares the bytes from *at up to `end`. */
static void go_on(int fd, size_t *at, size_t end)
{
	while (*at < end) {
		size_t most = end - *at < 65536 ? end - *at : 65536, from = *at % PATTERN;
		ssize_t n = read(fd, web_answer, most < sizeof(block) - PATTERN ? most : PATTERN);

		assert_true(n > 0);
		if (memcmp(web_answer, block + from, (size_t)n) != 0)
			fail_msg("wrong bytes after %zu", *at);
		*at += (size_t)n;
	}
}

/* Stays at its byte: what is read after it follows what was read before. */
static void download__outlives_workers_and_reloads(void **state)
{
	struct server *s = serve_large();
	size_t at = 0;
	char out[256];
	int fd;

	(void)state;
	fd = begin_download(s);
	for (size_t part = 1; part <= 4; part++) {
		go_on(fd, &at, LARGE / 5 * part);
		if (part % 2 == 1)
			web_kill_worker(s, fd);
		else
			assert_int_equal(server_verb(s, "reload", out, sizeof(out)), CODE_OK);
	}
	go_on(fd, &at, LARGE);
	client_say(fd, "GET /a.txt" WEB_LAST);
	client_drain(fd, web_answer, sizeof(web_answer));
	assert_string_equal(web_body(), "hello\n");
	close(fd);
	server_stop(s);
}

/* What was announced cannot be sent any more: nothing else may stand for it. */
static void file__that_becomes_shorter__ends_the_connection(void **state)
{
	struct server *s = serve_large();
	char path[256];
	size_t got, at = 0;
	int fd;

	(void)state;
	fd = begin_download(s);
	go_on(fd, &at, PATTERN);
	snprintf(path, sizeof(path), "%s/large", web_folder);
	assert_int_equal(truncate(path, LARGE / 2), 0);
	while ((got = client_drain(fd, web_answer, 1)) > 0)
		at += got;
	assert_true(at <= LARGE / 2);
	close(fd);
	web_begins(web_ask(s, "GET /a.txt" WEB_LAST), "HTTP/1.1 200 OK\r\n");
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(download__outlives_workers_and_reloads),
		E2E(file__that_becomes_shorter__ends_the_connection),
	};

	return E2E_RUN(tests);
}
