/* SPDX-License-Identifier: MIT */
/* http: downloads that outlive workers and reloads, and files that change while they are sent. */
#include "harness.h"

#include <sys/stat.h>

#include "accessbook.h"
#include "client.h"
#include "download.h"

/* Stays at its byte: what is read after it follows what was read before. */
static void download__outlives_workers_and_reloads(void **state)
{
	struct server *s = download_serve("");
	int fd = download_begin(s);
	size_t at = 0;

	(void)state;
	download_through_deaths(s, fd, &at, DOWNLOAD_SIZE);
	download_finish(fd, &at);
	server_stop(s);
}

static char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", web_folder, name);
	return path;
}

/* Requests for the large file that another one follows, or none. */
static const char *const shrinking[] = {
	"GET /large" WEB_HOST "\r\n",
	"GET /large" WEB_HOST "\r\nGET /a.txt" WEB_LAST,
	"GET /large" WEB_LAST,
	"GET /large HTTP/1.0\r\n\r\n",
	"GET /large" WEB_HOST "Range: bytes=5-\r\n\r\n",
};

/*
 * What was announced cannot be sent any more: nothing else may stand for it, and the logs and
 * metrics name it.
 */
static void file__that_becomes_shorter__resets_the_connection(void **state)
{
	static const off_t lengths[] = { DOWNLOAD_SIZE / 2, 0 };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(shrinking) / sizeof(*shrinking); i++) {
		struct server *s = download_serve("");
		int fd = client_connect(FIRST(s));
		bool is_reset;
		size_t got;

		client_say(fd, shrinking[i / 2]);
		download_head(fd);
		assert_int_equal(truncate(path_of("large"), lengths[i % 2]), 0);
		got = download_rest(fd, &is_reset);
		if (got > DOWNLOAD_SIZE / 2 || !is_reset)
			fail_msg("row %zu: %zu bytes, %s", i / 2, got, is_reset ? "reset" : "end");
		close(fd);
		server_wait_event(s, "connection_ended", "ending=file_shrank");
		web_serves(s, "hello\n");
		server_stop(s);
	}
}

static void shrunk__file__has_its_ending_in_the_access_log(void **state)
{
	struct server *s;
	char listen[512];
	bool is_reset;
	int fd;

	(void)state;
	web_make_folder();
	download_put();
	snprintf(listen, sizeof(listen), "127.0.0.1:0=http,root=%s", web_folder);
	s = accessbook_start((struct plan){ .listen = { listen, "127.0.0.1:0=status" } });
	fd = download_begin(s);
	assert_int_equal(truncate(path_of("large"), 1000), 0);
	/* a server whose client takes nothing more does not look at the file */
	(void)download_rest(fd, &is_reset);
	assert_true(is_reset);
	server_wait_event(s, "connection_ended", "ending=file_shrank");
	/* of the request, and of the connection */
	WAIT_UNTIL(s,
		   accessbook_count(accessbook_read(accessbook_path), "ending=file_shrank") == 2);
	close(fd);
	snprintf(s->addresses[0], sizeof(s->addresses[0]), "%s", s->addresses[1]);
	WAIT_UNTIL(s, strstr(web_ask(s, "GET /metrics" WEB_LAST), "ending=\"file_shrank\"} 1\n") !=
			      NULL);
	server_stop(s);
}

static void file__that_is_removed__is_sent_to_its_end(void **state)
{
	struct server *s = download_serve("");
	int fd = download_begin(s);
	size_t at = 0;

	(void)state;
	assert_int_equal(unlink(path_of("large")), 0);
	download_go_on(fd, &at, DOWNLOAD_SIZE / 2);
	web_kill_worker(s, fd);
	download_go_on(fd, &at, DOWNLOAD_SIZE);
	client_say(fd, "GET /large" WEB_LAST);
	client_drain(fd, web_answer, sizeof(web_answer));
	web_begins(web_answer, "HTTP/1.1 404 Not Found\r\n");
	close(fd);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(download__outlives_workers_and_reloads),
		E2E(file__that_becomes_shorter__resets_the_connection),
		E2E(shrunk__file__has_its_ending_in_the_access_log),
		E2E(file__that_is_removed__is_sent_to_its_end),
	};

	return E2E_RUN(tests);
}
