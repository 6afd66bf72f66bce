/* SPDX-License-Identifier: MIT */
/* http: the access log tells what was sent of an answer, not what was to be sent. */
#include "harness.h"

#include <fcntl.h>

#include "accessbook.h"
#include "client.h"
#include "download.h"

/* Before the number of each file of the folder /list/: a short name that makes a long row. */
#define NAME_FRONT "&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&"

#define PARTS "Range: bytes=0-20000000,30000000-47000000\r\n"

enum { LISTED = 990, PARTS_SIZE = 20000001 + 17000001, TAKEN = 100000, MADE = 1 << 20 };

static char listen_text[256];

static void put_list(void)
{
	char name[128];

	web_put_folder("list");
	for (unsigned i = 0; i < LISTED; i++) {
		snprintf(name, sizeof(name), "list/" NAME_FRONT "%05u", i);
		web_put(name, "");
	}
}

/* What is sent hurries ahead of its client by little. options: of the listener, such as ",x=y". */
static struct server *serve_with(const char *options)
{
	web_make_folder();
	web_put("a.txt", "hello\n");
	download_put();
	put_list();
	snprintf(listen_text, sizeof(listen_text),
		 "127.0.0.1:0=http,root=%s,autoindex=yes,sndbuf=64k%s", web_folder, options);
	return accessbook_start(
		(struct plan){ .listen = { listen_text },
			       .workers = 1,
			       .set = { "log.access_format=combined", "shutdown_timeout=100ms" } });
}

static struct server *serve(void)
{
	return serve_with("");
}

/* The bytes of the body of the only line for a request that begins so, such as "/large 206". */
static long logged_bytes(struct server *s, const char *path, unsigned status)
{
	char wanted[128], end[16];
	const char *at;

	snprintf(wanted, sizeof(wanted), "\"GET %s HTTP/1.", path);
	snprintf(end, sizeof(end), "\" %u ", status);
	server_stop(s);
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path), wanted), 1);
	at = strstr(accessbook_read(accessbook_path), wanted) + strlen(wanted) + 1;
	assert_int_equal(strncmp(at, end, strlen(end)), 0);
	return strtol(at + strlen(end), NULL, 10);
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
	assert_int_equal(logged_bytes(s, "/large", 200), DOWNLOAD_SIZE);
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
		bytes = logged_bytes(s, "/large", 200);
		assert_in_range(bytes, 100000, DOWNLOAD_SIZE - 1);
		assert_int_equal(accessbook_lines(), 1);
	}
}

/* Answers whose bytes are not those of one range of a file. */
static const struct long_answer {
	const char *request, *path;
	unsigned status;
	long least, most; /* of the body */
} answers[] = {
	{ "GET /large" WEB_HOST PARTS "\r\n", "/large", 206, PARTS_SIZE, PARTS_SIZE + 1024 },
	{ "GET /list/" WEB_HOST "\r\n", "/list/", 200, 400000, MADE },
	{ "GET /list/ HTTP/1.0\r\n\r\n", "/list/", 200, 400000, MADE },
};
enum { ANSWERS = sizeof(answers) / sizeof(*answers) };

/* A client that has taken a part of it. */
static int begin(struct server *s, const struct long_answer *answer)
{
	int fd = client_connect(FIRST(s));

	client_say(fd, answer->request);
	download_head(fd);
	for (size_t left = TAKEN; left > 0;) {
		ssize_t n = read(fd, web_answer, left);

		assert_true(n > 0);
		left -= (size_t)n;
	}
	return fd;
}

static void leave(struct server *s, int fd)
{
	client_reset(fd);
	server_wait_event(s, "connection_ended", "ending=client_reset");
}

static void take_nothing(struct server *s, int fd)
{
	server_wait_event(s, "connection_ended", "ending=send_timeout");
	close(fd);
}

/* The worker dies, and the client leaves the next one. */
static void kill_and_leave(struct server *s, int fd)
{
	web_kill_worker(s, fd);
	leave(s, fd);
}

/* The server's stop ends the connection. */
static void stay(struct server *s, int fd)
{
	(void)s;
	(void)fd;
}

/* All the same, however it is cut. */
static void answer__that_is_cut__has_those_that_were_sent(void **state)
{
	static const struct {
		void (*cut)(struct server *s, int fd);
		const char *options;
	} cuts[] = { { leave, "" },
		     { take_nothing, ",message_timeout=2s" },
		     { kill_and_leave, "" },
		     { stay, "" } };

	(void)state;
	for (size_t i = 0; i < ANSWERS; i++) {
		for (size_t k = 0; k < sizeof(cuts) / sizeof(*cuts); k++) {
			struct server *s = serve_with(cuts[k].options);
			int fd = begin(s, &answers[i]);
			long bytes;

			cuts[k].cut(s, fd);
			bytes = logged_bytes(s, answers[i].path, answers[i].status);
			/* what was taken has chunks, whose frame is not of the body */
			assert_in_range(bytes, TAKEN - 1000, answers[i].least - 1);
			assert_int_equal(accessbook_lines(), 1);
			if (cuts[k].cut == stay)
				close(fd);
		}
	}
}

/* A slow one is under way at the end of the lifetime, and of message_timeout behind it. */
static void answer__whose_connection_is_too_old__is_cut_and_has_those_that_were_sent(void **state)
{
	static const char *const options[ANSWERS] = {
		",max_lifetime=2s,message_timeout=2s,limit_rate=2m",
		",max_lifetime=2s,message_timeout=2s,limit_rate=80k",
		",max_lifetime=2s,message_timeout=2s,limit_rate=80k",
	};

	(void)state;
	for (size_t i = 0; i < ANSWERS; i++) {
		struct server *s = serve_with(options[i]);
		int fd = begin(s, &answers[i]);
		bool is_reset;
		size_t taken = TAKEN + download_rest(fd, &is_reset);
		long bytes;

		assert_int_equal(is_reset, strstr(answers[i].request, "HTTP/1.0") != NULL);

		server_wait_event(s, "connection_ended", "ending=lifetime_reached");
		close(fd);
		bytes = logged_bytes(s, answers[i].path, answers[i].status);
		assert_in_range(bytes, TAKEN - 1000, answers[i].least - 1);
		if (answers[i].status == 206) /* listings have chunks, or are reset */
			assert_int_equal(bytes, taken);
		assert_int_equal(accessbook_lines(), 1);
	}
}

static void answer__that_is_cut__has_the_ending_of_its_connection(void **state)
{
	struct server *s;
	size_t at = 0;
	int fd;

	(void)state;
	web_make_folder();
	download_put();
	snprintf(listen_text, sizeof(listen_text), "127.0.0.1:0=http,root=%s", web_folder);
	s = accessbook_start((struct plan){ .listen = { listen_text }, .workers = 1 });
	fd = download_begin(s);
	download_go_on(fd, &at, TAKEN);
	leave(s, fd);
	server_stop(s);
	accessbook_expect(s, " ending=client_reset state=CD method=GET path=/large status=200");
	assert_int_equal(accessbook_count(accessbook_read(accessbook_path), " messages=0 "), 2);
	assert_int_equal(accessbook_lines(), 2);
}

/* The frame of the chunks is not counted: the listing has as many bytes without them. */
static void answer__that_is_whole__has_all_its_bytes(void **state)
{
	long bytes[ANSWERS];

	(void)state;
	for (size_t i = 0; i < ANSWERS; i++) {
		struct server *s = serve();
		int fd = begin(s, &answers[i]);
		size_t left;

		web_kill_worker(s, fd);
		client_half_close(fd);
		left = client_drain(fd, web_answer, 1);
		close(fd);
		bytes[i] = logged_bytes(s, answers[i].path, answers[i].status);
		assert_in_range(bytes[i], answers[i].least, answers[i].most);
		assert_true((size_t)bytes[i] <= TAKEN + left);
		assert_int_equal(accessbook_lines(), 1);
	}
	assert_int_equal(bytes[1], bytes[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(download__that_is_whole__has_all_its_bytes),
		E2E(download__that_the_client_leaves__has_those_that_were_sent),
		E2E(answer__that_is_cut__has_those_that_were_sent),
		E2E(answer__whose_connection_is_too_old__is_cut_and_has_those_that_were_sent),
		E2E(answer__that_is_cut__has_the_ending_of_its_connection),
		E2E(answer__that_is_whole__has_all_its_bytes),
	};

	return E2E_RUN(tests);
}
