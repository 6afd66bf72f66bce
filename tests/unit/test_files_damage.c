/* SPDX-License-Identifier: MIT */
/*
 * Service http after a worker whose arena has garbage in it: answers of several ranges and listings
 * that go on, and files that are held. Whatever is taken for sound is served without a crash, its
 * client gets no byte of what another one downloads, and no descriptor is left or closed wrongly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/folder.h"
#include "unit/ranged.h"
#include "unit/sited.h"

enum { LARGE = 400000, LISTED = 900, ROUNDS = 500, NARROW = 4096, OTHERS = '\1' };

#define GET(path, more) "GET " path " HTTP/1.1\r\nHost: x\r\n" more "\r\n"
#define PARTS           "Range: bytes=5-40000,100000-100010,200000-399999\r\n"

static const char parts[] = GET("/large", PARTS), listing[] = GET("/list/", "");
static const char same[] = GET("/same", ""); /* another name of "large" */

/* A client, and the record of its connection. */
struct asked {
	int client;
	struct record *r;
};

static struct served s;
static char *folder;
static unsigned lost; /* in all recoveries */
static struct asked others;

static void fill(const char *name, char byte)
{
	char *text = malloc(LARGE + 1);

	memset(text, byte, LARGE);
	text[LARGE] = '\0';
	folder_write(folder, name, text);
	free(text);
}

static int tear_down(void **state)
{
	void *made = folder;

	(void)state;
	served_stop(&s);
	return folder_remove(&made);
}

static struct record *newest(void)
{
	struct record *last = record(&s, 0);

	for (uint32_t i = 1; i < head_of(&s)->record_high; i++)
		if (record(&s, i)->number > last->number)
			last = record(&s, i);
	return last;
}

/* A client that has taken little of the answer. */
static struct asked ask(const char *request)
{
	struct asked a = { .client = served_connect(&s) };

	a.r = newest();
	assert_int_equal(setsockopt(a.r->fd, SOL_SOCKET, SO_SNDBUF, &(int){ NARROW }, sizeof(int)),
			 0);
	assert_int_equal(send(a.client, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	served_settle(&s);
	if (record_has_file(a.r))
		served_own(&s, a.r->file);
	return a;
}

/* A cache keeps only what has not changed for a while. */
static void wait_settled(void)
{
	const time_t begun = time(NULL);

	while (time(NULL) < begun + 3)
		poll(NULL, 0, 10);
}

static int set_up(void **state)
{
	char text[512], other[512];
	void *made;

	(void)state;
	if (folder_make(&made) != 0)
		return -1;
	folder = made;
	fill("large", 'x');
	fill("others", OTHERS);
	snprintf(text, sizeof(text), "%s/large", folder);
	snprintf(other, sizeof(other), "%s/same", folder);
	assert_int_equal(link(text, other), 0);
	snprintf(text, sizeof(text), "%s/list", folder);
	assert_int_equal(mkdir(text, 0755), 0);
	for (unsigned i = 0; i < LISTED; i++) {
		snprintf(text, sizeof(text), "list/name-of-a-file-%u", i);
		folder_write(folder, text, "");
	}
	snprintf(text, sizeof(text),
		 "listen 1 { service = http  root = \"%s\"  autoindex = yes  cache_valid = 1h }",
		 folder);
	wait_settled();
	sited_start(&s, text);
	/* now the worker has the folder open, and the cache both files */
	close(ask(GET("/", "")).client);
	close(ask(GET("/large", "")).client);
	close(ask(GET("/others", "")).client);
	served_settle(&s);
	return 0;
}

/* Takes what comes; returns how many bytes. */
static size_t take(int client, char *bytes, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while ((n = recv(client, bytes + used, size - used, MSG_DONTWAIT)) > 0) {
		used += (size_t)n;
		served_settle(&s);
	}
	return used;
}

static void assert_own(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		assert_true(bytes[i] != OTHERS);
}

static uint32_t next_random(void)
{
	static uint64_t seed = 1;

	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33);
}

static void spoil_frame(struct record *r)
{
	switch (next_random() % 4) {
	case 0:
		r->holds_file = !r->holds_file;
		break;
	case 1:
		r->file_left = next_random() % 3 ? next_random() : 0;
		break;
	case 2:
		r->file_offset = next_random() % 3 ? next_random() : UINT64_MAX >> 2;
		break;
	default:
		r->is_piped = !r->is_piped;
		break;
	}
}

static void spoil(struct record *r)
{
	size_t size = service_find("http")->state_size;

	for (unsigned left = 1 + next_random() % 4; left > 0; left--) {
		size_t at = next_random() % size;
		char bytes[] = { '\0', '\1', '\2', '\x7f', '\xff', (char)next_random() };

		r->state_bytes[at] = bytes[next_random() % sizeof(bytes)];
	}
	if (next_random() % 8 == 0)
		spoil_frame(r);
}

static void spoil_again_and_again(const char *request)
{
	static char bytes[8 << 20];
	struct recovery r;
	unsigned kept = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned fds = ranged_fds();
		struct asked own;

		s.fd_count = 0;
		others = ask(GET("/others", PARTS));
		own = ask(request);
		assert_true(own.r->holds_file);
		spoil(own.r);
		served_recover(&s, &r);
		recovery_passed(s.pool.arena);
		assert_true(r.kept + r.damaged == 2 && r.kept >= 1);
		lost += r.damaged;
		kept += r.kept - 1;
		assert_own(bytes, take(own.client, bytes, sizeof(bytes)));
		(void)shutdown(own.client, SHUT_WR);
		served_settle(&s);
		assert_own(bytes, take(own.client, bytes, sizeof(bytes)));
		close(own.client);
		assert_true(take(others.client, bytes, sizeof(bytes)) > LARGE / 2);
		close(others.client);
		served_settle(&s);
		assert_nothing_left(&s, lost);
		assert_int_equal(ranged_fds(), fds);
	}
	assert_true(kept > 0 && kept < ROUNDS);
}

static void parts__with_any_bytes_for_a_state__harm_nobody(void **state)
{
	(void)state;
	spoil_again_and_again(parts);
}

static void listing__with_any_bytes_for_a_state__harms_nobody(void **state)
{
	(void)state;
	spoil_again_and_again(listing);
}

static void hold(struct record *r)
{
	r->holds_file = true;
	r->file = served_own(&s, open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void drop_hold(struct record *r)
{
	r->holds_file = false;
}

static void hold_none(struct record *r)
{
	r->file = 0;
}

static void hold_no_file(struct record *r)
{
	r->file = r->fd;
}

static void hold_that_of_another(struct record *r)
{
	assert_ptr_not_equal(r, others.r);
	r->file = others.r->file;
}

static void hold_a_pipe(struct record *r)
{
	r->is_piped = true;
}

static void send_of_a_folder(struct record *r)
{
	r->file_left = 10;
}

/* As before the service has seen the client. */
static void hold_before_the_header(struct record *r)
{
	hold(r);
	r->state = CONN_PREFACE;
	r->proxy = PROXY_AWAITED;
	memset(r->state_bytes, 0, service_find("http")->state_size);
}

static void file__that_is_held_wrongly__is_damage(void **state)
{
	static const struct {
		const char *request;
		void (*damage)(struct record *r);
		unsigned lost;
	} rows[] = {
		{ GET("/none", ""), hold, 1 },
		{ GET("/none", ""), hold_before_the_header, 1 },
		{ parts, drop_hold, 1 },
		{ parts, hold_none, 1 },
		{ parts, hold_no_file, 1 },
		{ parts, hold_that_of_another, 2 },
		{ parts, hold_a_pipe, 1 },
		{ listing, drop_hold, 1 },
		{ listing, hold_that_of_another, 2 },
		{ listing, send_of_a_folder, 1 },
	};
	static char bytes[1 << 20];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned fds = ranged_fds();
		struct asked own;
		struct recovery r;

		s.fd_count = 0;
		others = ask(GET("/others", PARTS));
		own = ask(rows[i].request);
		rows[i].damage(own.r);
		served_recover(&s, &r);
		recovery_passed(s.pool.arena);
		if (r.damaged != rows[i].lost)
			print_error("row %zu\n", i);
		assert_counts(&r, 2 - rows[i].lost, 0, rows[i].lost);
		lost += r.damaged;
		assert_own(bytes, take(own.client, bytes, sizeof(bytes)));
		close(own.client);
		close(others.client);
		served_settle(&s);
		assert_nothing_left(&s, lost);
		assert_int_equal(ranged_fds(), fds);
	}
}

/*
 * The cache of the new worker opens a file under the number that a record names which has not been
 * checked yet: even if it is the same file, the descriptor stays the cache's.
 */
static void file__whose_number_the_cache_gets__is_lost_alone(void **state)
{
	static char bytes[1 << 20];
	unsigned fds = ranged_fds();
	int client = served_connect(&s), lowest;
	struct recovery r;
	struct asked own;

	(void)state;
	s.fd_count = 0;
	served_own(&s, newest()->fd);
	own = ask(parts);
	served_recover(&s, &r);
	assert_counts(&r, 2, 0, 0);
	close(own.r->file);
	lowest = fcntl(own.r->fd, F_DUPFD_CLOEXEC, 0);
	close(lowest);
	own.r->file = lowest;
	assert_int_equal(send(client, same, strlen(same), MSG_NOSIGNAL), strlen(same));
	loop_turn(&s.loop, 0);
	assert_true(fcntl(lowest, F_GETFD) >= 0);
	dispatch_end_turn(&s.pool);
	assert_int_equal(served_metric(&s, METRIC_connections_lost_total), lost + 1);
	assert_true(fcntl(lowest, F_GETFD) >= 0);
	assert_own(bytes, take(own.client, bytes, sizeof(bytes)));
	close(own.client);
	assert_true(take(client, bytes, sizeof(bytes)) > LARGE);
	assert_own(bytes, LARGE);
	close(client);
	served_settle(&s);
	assert_int_equal(s.pool.limit.total, 0);
	assert_int_equal(ranged_fds(), fds + 1); /* that of the cache */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts__with_any_bytes_for_a_state__harm_nobody),
		cmocka_unit_test(listing__with_any_bytes_for_a_state__harms_nobody),
		cmocka_unit_test(file__that_is_held_wrongly__is_damage),
		cmocka_unit_test(file__whose_number_the_cache_gets__is_lost_alone),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
