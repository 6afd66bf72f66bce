/* SPDX-License-Identifier: MIT */
/* http: listings that go on for many turns: long folders, other workers, changed folders. */
#include "harness.h"

#include <fcntl.h>

#include "base/err.h"
#include "client.h"
#include "download.h"
#include "process.h"

/* Before the number of each file: a short name that makes a long row. */
#define NAME_FRONT "&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&"

/* One that is sorted, and one that is too long for that. */
#define ROW "<tr><td><a href=\"./"

enum { SORTED = 990, UNSORTED = 1500, LISTING = 4 << 20, SLOW = 60000, TURN = 64 };

static char listing[LISTING], other[LISTING];

static void put_files(const char *folder, unsigned count)
{
	char path[256];

	web_put_folder(folder);
	for (unsigned i = 0; i < count; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%s/" NAME_FRONT "%05u", web_folder, folder, i);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		close(fd);
	}
}

static struct server *serve_folders(void)
{
	web_make_folder();
	put_files("sorted", SORTED);
	return web_serve(",autoindex=yes,sndbuf=64k");
}

/* A client with a small window, so that the listing cannot hurry ahead. */
static int begin_listing(const struct server *s, const char *request)
{
	int fd = client_connect(FIRST(s));

	client_say(fd, request);
	download_head(fd);
	web_begins(web_answer, "HTTP/1.1 200 OK\r\n");
	return fd;
}

/* Appends what comes, at most `most` bytes; true until the end. */
static bool receive(int fd, size_t *used, size_t most)
{
	ssize_t n = 1;

	for (size_t end = *used + most; *used < end && n > 0; *used += n > 0 ? (size_t)n : 0)
		n = read(fd, listing + *used, end - *used);
	assert_true(n >= 0 && *used < LISTING - SLOW);
	listing[*used] = '\0';
	return n > 0;
}

/* The first row: from now on the table is made. */
static void receive_row(int fd)
{
	size_t used = 0;

	listing[0] = '\0';
	while (!strstr(listing, ROW))
		assert_true(receive(fd, &used, 512));
}

/* Each file has just one row; in order, where the folder is sorted. */
static void check_rows(const char *page, unsigned count, bool is_sorted)
{
	static bool seen[UNSORTED];
	unsigned rows = 0;

	memset(seen, 0, sizeof(seen));
	for (const char *at = page; (at = strstr(at, ROW)) != NULL; rows++) {
		unsigned number;

		for (at += 19; strncmp(at, "%26", 3) == 0;)
			at += 3;
		assert_int_equal(sscanf(at, "%5u\"", &number), 1);
		assert_true(number < count && !seen[number] && (!is_sorted || number == rows));
		seen[number] = true;
	}
	assert_int_equal(rows, count);
	assert_true((strstr(page, "too many entries to be sorted") == NULL) == is_sorted);
	assert_true((strstr(page, "?sort=") != NULL) == is_sorted);
	web_has(page + strlen(page) - 30, "</html>\n");
}

/* Joins the chunks. */
static void join_chunks(char *text)
{
	char *to = text, *at = text;
	unsigned long size;

	while ((size = strtoul(at, &at, 16)) > 0) {
		assert_memory_equal(at, "\r\n", 2);
		memmove(to, at + 2, size);
		to += size;
		at += 2 + size;
		assert_memory_equal(at, "\r\n", 2);
		at += 2;
	}
	assert_string_equal(at, "\r\n\r\n");
	*to = '\0';
}

static void listing__of_a_long_folder__outlives_workers_and_reloads(void **state)
{
	static const char *const requests[] = { "GET /sorted/ HTTP/1.0\r\n\r\n",
						"GET /unsorted/ HTTP/1.0\r\n\r\n",
						"GET /sorted/" WEB_LAST,
						"GET /unsorted/" WEB_LAST };
	struct server *s = serve_folders();
	char out[256];

	(void)state;
	put_files("unsorted", UNSORTED);
	for (unsigned i = 0; i < 4; i++) {
		int fd = begin_listing(s, requests[i]);
		size_t used = 0;

		for (unsigned part = 0; receive(fd, &used, SLOW); part++) {
			if (part % 2 == 0 && part < 4)
				web_kill_worker(s, fd);
			else if (part < 4)
				assert_int_equal(server_verb(s, "reload", out, sizeof(out)),
						 CODE_OK);
		}
		close(fd);
		if (i >= 2)
			join_chunks(listing);
		check_rows(listing, i % 2 == 0 ? SORTED : UNSORTED, i % 2 == 0);
	}
	server_stop(s);
}

/* There is one table: each takes it from the other again and again. */
static void listings__of_two_clients__do_not_mix(void **state)
{
	struct server *s = serve_folders();
	int fd = begin_listing(s, "GET /sorted/ HTTP/1.0\r\n\r\n");
	size_t used = 0;

	(void)state;
	while (receive(fd, &used, SLOW)) {
		int second = begin_listing(s, "GET /sorted/?order=desc HTTP/1.0\r\n\r\n");

		client_drain(second, other, sizeof(other));
		web_has(other + strlen(other) - 30, "</html>\n");
		close(second);
	}
	close(fd);
	check_rows(listing, SORTED, true);
	server_stop(s);
}

static void expect_reset(struct server *s, int fd)
{
	ssize_t n;

	do
		n = read(fd, listing, SLOW);
	while (n > 0);
	assert_true(n < 0 && errno == ECONNRESET);
	close(fd);
	server_wait_event(s, "connection_ended", "ending=folder_changed");
}

/* HTTP/1.0 has only the end of the connection to tell that a listing is whole. */
static void listing__that_is_cut__ends_with_a_reset(void **state)
{
	struct server *s;
	ssize_t n;
	int fd;

	(void)state;
	web_make_folder();
	put_files("sorted", SORTED);
	s = web_serve(",autoindex=yes,sndbuf=64k,message_timeout=300ms");
	fd = begin_listing(s, "GET /sorted/ HTTP/1.0\r\n\r\n");
	server_wait_event(s, "connection_ended", "ending=send_timeout");
	do
		n = read(fd, listing, SLOW);
	while (n > 0);
	assert_true(n < 0 && errno == ECONNRESET);
	close(fd);
	server_stop(s);
}

/* What was sent and what would follow are of two states: the client must not take it for whole. */
static void listing__of_a_folder_that_changes__ends_with_a_reset(void **state)
{
	struct server *s = serve_folders();
	int fd = begin_listing(s, "GET /sorted/ HTTP/1.0\r\n\r\n");

	(void)state;
	receive_row(fd);
	web_put("sorted/new", "x");
	web_kill_worker(s, fd); /* and with it the table */
	expect_reset(s, fd);
	server_stop(s);
}

static void make_older(void)
{
	char path[128];

	for (unsigned i = 0; i < SORTED; i += 3) {
		snprintf(path, sizeof(path), "sorted/" NAME_FRONT "%05u", i);
		web_age(path);
	}
}

static void make_longer(void)
{
	web_put("sorted/" NAME_FRONT "00000", "x");
}

/* The folder itself has not changed, and neither has the number of its files. */
static void listing__of_files_that_change__ends_with_a_reset(void **state)
{
	static const struct {
		const char *request;
		void (*change)(void);
	} rows[] = {
		{ "GET /sorted/?sort=date HTTP/1.0\r\n\r\n", make_older },
		{ "GET /sorted/?sort=size HTTP/1.0\r\n\r\n", make_longer },
	};
	struct server *s = serve_folders();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int fd = begin_listing(s, rows[i].request), second;

		receive_row(fd);
		server_mark(s);
		rows[i].change();
		second = begin_listing(s, "GET /sorted/ HTTP/1.0\r\n\r\n");
		client_drain(second, other, sizeof(other));
		close(second);
		expect_reset(s, fd);
	}
	server_stop(s);
}

static void put_links(const char *folder, unsigned count)
{
	char path[256];

	web_put_folder(folder);
	web_put("target", "x");
	for (unsigned i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/" NAME_FRONT "%05u", folder, i);
		web_put_link("../target", path);
	}
}

static unsigned count_in(const char *text, const char *end, const char *what)
{
	unsigned count = 0;

	while ((text = strstr(text, what)) != NULL && text++ < end)
		count++;
	return count;
}

/* To look at a link costs a walk: a turn looks at a few, and each leaves a line. */
static void links__are_looked_at_in_many_turns(void **state)
{
	static const char *const requests[] = { "GET /sorted/" WEB_LAST,
						"GET /unsorted/" WEB_LAST };
	struct server *s;
	const char *at, *end;

	(void)state;
	web_make_folder();
	put_links("sorted", SORTED);
	put_links("unsorted", UNSORTED);
	s = web_serve(",autoindex=yes,follow_symlinks=same_owner");
	for (unsigned i = 0; i < 2; i++) {
		int fd = client_connect(FIRST(s));

		client_say(fd, requests[i]);
		client_drain(fd, listing, sizeof(listing));
		close(fd);
		memmove(listing, strstr(listing, "\r\n\r\n") + 4, sizeof(listing) / 2);
		/* of the unsorted folder no chunk has the rows of more than one turn */
		for (at = listing; i == 1 && (end = strstr(at, "\r\n")) != NULL; at = end + 2)
			assert_true(count_in(at, end, ROW) <= TURN);
		join_chunks(listing);
		check_rows(listing, i == 0 ? SORTED : UNSORTED, i == 0);
		at = strstr(listing, "../</a>");
		if (i == 0)
			assert_true(count_in(at, strstr(at, ROW), "\n") >= SORTED / TURN);
	}
	server_stop(s);
}

/* Appends what comes; false at the end, or at a reset. */
static bool receive_some(int fd, size_t *used)
{
	ssize_t n = read(fd, listing + *used, SLOW);

	assert_true(*used < LISTING - 2 * SLOW);
	*used += n > 0 ? (size_t)n : 0;
	listing[*used] = '\0';
	return n > 0;
}

/*
 * Wherever the making of the table is when the worker dies, it is made again; a connection that the
 * worker had in hand ends, and then the page has no end.
 */
static void listing__whose_table_is_being_made__is_whole_or_has_no_end(void **state)
{
	struct server *s;

	(void)state;
	web_make_folder();
	put_links("sorted", SORTED);
	s = web_serve(",autoindex=yes,follow_symlinks=same_owner");
	for (unsigned i = 0; i < 4; i++) {
		int fd = begin_listing(s, "GET /sorted/ HTTP/1.0\r\n\r\n");
		size_t used = 0;

		for (unsigned part = 0; part < 400 * i; part++)
			assert_true(receive(fd, &used, 1));
		server_mark(s);
		assert_int_equal(kill(server_worker(s, 0), SIGKILL), 0);
		while (receive_some(fd, &used))
			continue;
		close(fd);
		if (strstr(listing, "</html>"))
			check_rows(listing, SORTED, true);
		server_wait_event(s, "worker_crashed", NULL);
	}
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(listing__of_a_long_folder__outlives_workers_and_reloads),
		E2E(listings__of_two_clients__do_not_mix),
		E2E(listing__that_is_cut__ends_with_a_reset),
		E2E(listing__of_a_folder_that_changes__ends_with_a_reset),
		E2E(listing__of_files_that_change__ends_with_a_reset),
		E2E(links__are_looked_at_in_many_turns),
		E2E(listing__whose_table_is_being_made__is_whole_or_has_no_end),
	};

	return E2E_RUN(tests);
}
