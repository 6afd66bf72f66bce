/* SPDX-License-Identifier: MIT */
/* A client that downloads a large file slowly, and compares each byte. */
#include "download.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/err.h"
#include "client.h"

enum { DOWNLOAD_PARTS = 5 };

static char block[DOWNLOAD_PATTERN * 256];

void download_put(void)
{
	char path[256];
	int fd;

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)(i % DOWNLOAD_PATTERN);
	snprintf(path, sizeof(path), "%s/large", web_folder);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	for (size_t left = DOWNLOAD_SIZE; left > 0;) {
		size_t n = left < sizeof(block) ? left : sizeof(block);

		assert_int_equal(write(fd, block, n), n);
		left -= n;
	}
	assert_int_equal(fchmod(fd, 0644), 0);
	close(fd);
}

struct server *download_serve(const char *options)
{
	web_make_folder();
	web_put("a.txt", "hello\n");
	download_put();
	return web_serve(options);
}

void download_head(int fd)
{
	size_t used = 0;

	while (used < 4 || memcmp(web_answer + used - 4, "\r\n\r\n", 4) != 0) {
		assert_int_equal(read(fd, web_answer + used, 1), 1);
		used++;
	}
	web_answer[used] = '\0';
}

int download_begin(const struct server *s)
{
	int fd = client_connect(FIRST(s));

	client_say(fd, "GET /large" WEB_HOST "\r\n");
	download_head(fd);
	web_begins(web_answer, "HTTP/1.1 200 OK\r\n");
	return fd;
}

/* Receives at most so many bytes; false when the connection has ended. */
static bool receive_part(int fd, size_t *at, size_t most)
{
	const size_t from = *at % DOWNLOAD_PATTERN, fitting = sizeof(block) - from;
	ssize_t n = read(fd, web_answer, most < fitting ? most : fitting);

	if (n <= 0)
		return false;
	if (memcmp(web_answer, block + from, (size_t)n) != 0)
		fail_msg("wrong bytes after %zu", *at);
	*at += (size_t)n;
	return true;
}

void download_go_on(int fd, size_t *at, size_t end)
{
	while (*at < end)
		assert_true(receive_part(fd, at, end - *at));
}

void download_until_end(int fd, size_t *at)
{
	while (receive_part(fd, at, sizeof(block)))
		;
}

size_t download_rest(int fd, bool *is_reset)
{
	size_t sum = 0;
	ssize_t n;

	while ((n = read(fd, web_answer, sizeof(web_answer))) > 0)
		sum += (size_t)n;
	*is_reset = n < 0 && errno == ECONNRESET;
	return sum;
}

void download_through_deaths(struct server *s, int fd, size_t *at, size_t end)
{
	const size_t from = *at;
	char out[256];

	for (size_t part = 1; part < DOWNLOAD_PARTS; part++) {
		download_go_on(fd, at, from + (end - from) / DOWNLOAD_PARTS * part);
		if (part % 2 == 1)
			web_kill_worker(s, fd);
		else
			assert_int_equal(server_verb(s, "reload", out, sizeof(out)), CODE_OK);
	}
	download_go_on(fd, at, end);
}

void download_finish(int fd, size_t *at)
{
	download_go_on(fd, at, DOWNLOAD_SIZE);
	client_say(fd, "GET /a.txt" WEB_LAST);
	client_drain(fd, web_answer, sizeof(web_answer));
	web_is_file("hello\n");
	close(fd);
}
