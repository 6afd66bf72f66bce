/* SPDX-License-Identifier: MIT */
/* http: the log tells the operator why a file is not given to clients, in few lines. */
#include "harness.h"

#include <sys/stat.h>

#include "client.h"
#include "web.h"

enum { MANY = 200 };

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", web_folder, name);
	return path;
}

static struct server *serve_odd_files(const char *lines)
{
	web_make_folder();
	web_put("locked", "nobody reads this\n");
	assert_int_equal(chmod(path_of("locked"), 0), 0);
	web_put_link("/etc/passwd", "outside");
	web_put_link("loop", "loop");
	assert_int_equal(mkfifo(path_of("fifo"), 0644), 0);
	web_put(".hidden", "a secret\n");
	web_put_folder("empty");
	web_put("empty/locked", "nobody reads this\n");
	assert_int_equal(chmod(path_of("empty/locked"), 0), 0);
	web_put("a.txt", "hello\n");
	web_put("a.txt.gz", "nobody reads this\n");
	assert_int_equal(chmod(path_of("a.txt.gz"), 0), 0);
	return server_start(&(struct plan){ .conf = web_conf(lines), .workers = 1 });
}

static unsigned ask(const struct server *s, const char *path)
{
	char request[256];
	unsigned status;

	snprintf(request, sizeof(request),
		 "GET /%s" WEB_HOST "Accept-Encoding: gzip\r\nConnection: close\r\n\r\n", path);
	assert_int_equal(sscanf(web_ask(s, request), "HTTP/1.1 %u ", &status), 1);
	return status;
}

static void file__that_is_not_given__has_its_reason_in_the_log(void **state)
{
	static const struct {
		const char *path, *event, *reason;
		unsigned status;
	} rows[] = {
		{ "locked", "file_failed", "reason=\"Permission denied\"", 403 },
		{ "outside", "file_failed", "reason=\"a symbolic link leads out of the root\"",
		  403 },
		{ "loop", "file_failed",
		  "reason=\"a symbolic link that follow_symlinks does not allow, or too many\"",
		  403 },
		{ "fifo", "file_failed", "reason=\"neither a regular file nor a folder\"", 403 },
		{ ".hidden", "file_refused", "reason=\"a name begins with a dot (hidden = no)\"",
		  404 },
		{ "empty/", "file_refused", "reason=\"a folder without an index (autoindex = no)\"",
		  403 },
	};
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct server *s = serve_odd_files("");
		const char *line;

		assert_int_equal(ask(s, "nothing"), 404);
		assert_int_equal(ask(s, rows[i].path), rows[i].status);
		line = server_wait_event(s, rows[i].event, "count=1");
		web_has(line, rows[i].reason);
		assert_int_equal(line_number(line, "status"), rows[i].status);
		snprintf(path, sizeof(path), " path=%s/%.*s ", web_folder,
			 (int)strcspn(rows[i].path, "/"), rows[i].path);
		web_has(line, path);
		assert_int_equal(server_count(s, "file_failed", "") +
					 server_count(s, "file_refused", ""),
				 1);
		server_stop(s);
	}
}

/* What is looked up for a request beside its path: fallbacks, pages for errors, coded files. */
static void file__that_stands_in_for_another__has_its_reason_in_the_log(void **state)
{
	static const struct {
		const char *lines, *path, *culprit, *reason;
		unsigned status;
	} rows[] = {
		{ "try = {\"/locked\"}", "no", "locked", "reason=\"Permission denied\"", 404 },
		{ "try = {\"/outside\", \"=403\"}", "no", "outside",
		  "reason=\"a symbolic link leads out of the root\"", 403 },
		{ "try = {$uri.txt.gz, \"/a.txt\"}", "a", "a.txt.gz",
		  "reason=\"Permission denied\"", 200 },
		{ "index = {locked} try = {\"/empty/\", \"/a.txt\"}", "no", "empty/locked",
		  "reason=\"Permission denied\"", 200 },
		{ "error_page = {\"404 /locked\"}", "no", "locked", "reason=\"Permission denied\"",
		  404 },
		{ "error_page = {\"404 /loop\"}", "no", "loop",
		  "reason=\"a symbolic link that follow_symlinks does not allow, or too many\"",
		  404 },
		{ "error_page = {\"404 /empty\"}", "no", "empty", "reason=\"Is a directory\"",
		  404 },
		{ "precompressed = yes", "a.txt", "a.txt.gz", "reason=\"Permission denied\"", 200 },
	};
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct server *s = serve_odd_files(rows[i].lines);
		const char *line;

		assert_int_equal(ask(s, rows[i].path), rows[i].status);
		line = server_wait_event(s, "file_failed", "count=1");
		web_has(line, rows[i].reason);
		assert_int_equal(line_number(line, "status"), rows[i].status);
		snprintf(path, sizeof(path), " path=%s/%s ", web_folder, rows[i].culprit);
		web_has(line, path);
		server_stop(s);
	}
}

/* A file that is not there, a folder, and a hidden name are what fallbacks are for. */
static void fallback__that_is_no_file__has_no_line(void **state)
{
	struct server *s = serve_odd_files(
		"error_page = {\"404 /none\"}\n"
		"try = {\"/none\", \"/empty\", \"/.hidden\", \"/empty/\", \"$uri.txt\"}");

	(void)state;
	assert_int_equal(ask(s, "none"), 404);
	assert_int_equal(ask(s, ".hidden"), 404);
	assert_int_equal(ask(s, "a"), 200);
	server_stop(s);
	assert_int_equal(server_count(s, "file_failed", ""), 0);
	assert_int_equal(server_count(s, "file_refused", ""), 0);
}

/* Those without a line are counted. */
static void clients__that_ask_again_and_again__do_not_flood_the_log(void **state)
{
	struct server *s = serve_odd_files("");
	int fd = client_connect(FIRST(s));

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		client_say(fd, "HEAD /locked" WEB_HOST "\r\n");
	client_say(fd, "HEAD /locked" WEB_LAST);
	client_drain(fd, web_answer, sizeof(web_answer));
	close(fd);
	assert_in_range(server_count(s, "file_failed", ""), 1, 10);
	do {
		server_mark(s);
		while (server_count(s, "file_failed", "") == 0)
			assert_int_equal(ask(s, "locked"), 403);
	} while (line_number(server_wait_event(s, "file_failed", ""), "count") < 2);
	server_stop(s);
}

static void root__that_is_gone__is_told_once(void **state)
{
	struct server *s = serve_odd_files("");
	char moved[256];

	(void)state;
	snprintf(moved, sizeof(moved), "%s.moved", web_folder);
	assert_int_equal(ask(s, "a.txt"), 200);
	assert_int_equal(rename(web_folder, moved), 0);
	while (ask(s, "a.txt") == 200)
		;
	server_wait_event(s, "root_failed", "reason=\"No such file or directory\"");
	assert_int_equal(ask(s, "a.txt"), 404);
	assert_int_equal(rename(moved, web_folder), 0);
	while (ask(s, "a.txt") == 404)
		;
	assert_int_equal(server_count(s, "root_failed", ""), 1);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(file__that_is_not_given__has_its_reason_in_the_log),
		E2E(file__that_stands_in_for_another__has_its_reason_in_the_log),
		E2E(fallback__that_is_no_file__has_no_line),
		E2E(clients__that_ask_again_and_again__do_not_flood_the_log),
		E2E(root__that_is_gone__is_told_once),
	};

	return E2E_RUN(tests);
}
