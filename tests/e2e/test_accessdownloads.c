/* SPDX-License-Identifier: MIT */
/* http: the access log tells what was sent of a file, not what was to be sent. */
#include "harness.h"

#include <fcntl.h>

#include "accessbook.h"
#include "client.h"
#include "download.h"

static char listen_text[256];

static struct server *serve(void)
{
	web_make_folder();
	web_put("a.txt", "hello\n");
	download_put();
	snprintf(listen_text, sizeof(listen_text), "127.0.0.1:0=http,root=%s", web_folder);
	return accessbook_start((struct plan){
		.listen = { listen_text }, .workers = 1, .set = { "log.access_format=combined" } });
}

/* The bytes of the body of the only line with that path. */
static long logged_bytes(struct server *s, const char *path)
{
	char wanted[128];
	const char *at;

	snprintf(wanted, sizeof(wanted), "\"GET %s HTTP/1.1\" 200 ", path);
	server_stop(s);
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path), wanted), 1);
	at = strstr(accessbook_read(accessbook_path), wanted);
	return strtol(at + strlen(wanted), NULL, 10);
}

static void download__that_is_whole__has_all_its_bytes(void **state)
{
	struct server *s = serve();
	int fd = download_begin(s);
	size_t at = 0;

	(void)state;
	download_go_on(fd, &at, DOWNLOAD_SIZE / 2);
	web_kill_worker(s, fd);
	download_finish(fd, &at);
	assert_int_equal(logged_bytes(s, "/large"), DOWNLOAD_SIZE);
	assert_int_equal(accessbook_lines(), 2);
}

/* Whether the client wanted to go on or not. */
static void download__that_the_client_leaves__has_those_that_were_sent(void **state)
{
	static const char *const requests[] = { "GET /large" WEB_HOST "\r\n",
						"GET /large" WEB_LAST };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct server *s = serve();
		int fd = client_connect(FIRST(s));
		size_t at = 0;
		long bytes;

		client_say(fd, requests[i]);
		download_head(fd);
		download_go_on(fd, &at, 100000);
		client_reset(fd);
		server_wait_event(s, "connection_ended", "ending=client_reset");
		bytes = logged_bytes(s, "/large");
		assert_in_range(bytes, 100000, DOWNLOAD_SIZE - 1);
		assert_int_equal(accessbook_lines(), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(download__that_is_whole__has_all_its_bytes),
		E2E(download__that_the_client_leaves__has_those_that_were_sent),
	};

	return E2E_RUN(tests);
}
