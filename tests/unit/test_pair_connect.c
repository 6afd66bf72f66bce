/* SPDX-License-Identifier: MIT */
/* Pairs whose peer is still connecting. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/own_service.h"
#include "unit/paired.h"
#include "worker/pair/pair.h"

/*
 * A listener of one place, which is taken: the kernel drops what else connects, and tries again
 * after a second.
 */
struct upstream {
	struct sockaddr_in at;
	int listener, in_place;
};

static int connect_to(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0)
		assert_int_equal(errno, EINPROGRESS);
	return fd;
}

static struct upstream open_upstream(void)
{
	struct upstream u = { .at = { .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(u.at);

	u.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(u.listener, (struct sockaddr *)&u.at, len), 0);
	assert_int_equal(listen(u.listener, 0), 0);
	assert_int_equal(getsockname(u.listener, (struct sockaddr *)&u.at, &len), 0);
	u.in_place = connect_to(&u.at);
	return u;
}

static void close_upstream(const struct upstream *u)
{
	close(u->listener);
	close(u->in_place);
}

static const struct upstream *upstream; /* what open connects to; set by a test */

static enum verdict attach_connecting(struct conn *c)
{
	assert_non_null(pair_attach(c, connect_to(&upstream->at), true));
	return MORE;
}

static const struct service connector = { .name = "connector",
					  .has_pairs = true,
					  .open = attach_connecting };

/* Takes the first connection out of its place, and waits for the one of the pair. */
static int accept_peer(const struct upstream *u)
{
	int first = accept4(u->listener, NULL, NULL, SOCK_CLOEXEC), fd;

	assert_true(first >= 0);
	fd = accept4(u->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(fd >= 0);
	close(first);
	return fd;
}

static void client__that_sends_and_ends_before_the_peer_is_connected__is_relayed(void **state)
{
	static const char *const words[] = { "", "question" };

	(void)state;
	own_service(&connector);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		struct upstream u = open_upstream();
		struct recovery r;
		struct served s;
		int client, peer;

		upstream = &u;
		served_start(&s, "connector", NULL);
		client = served_connect(&s);
		served_own(&s, record(&s, 1)->fd);
		served_send(&s, client, words[i], strlen(words[i]));
		shutdown(client, SHUT_WR);
		served_settle(&s);
		assert_int_equal(s.pool.limit.total, 1);
		served_recover(&s, &r);
		assert_counts(&r, 1, 0, 0);
		peer = accept_peer(&u);
		paired_expect(&s, peer, words[i]);
		paired_expect_end(&s, peer, 0);
		assert_int_equal(send(peer, "answer", 6, 0), 6);
		close(peer);
		paired_expect(&s, client, "answer");
		paired_expect_end(&s, client, 0);
		assert_nothing_left(&s, 0);
		assert_int_equal(s.slot.tally.connections_ended_total[CLOSE_client_closed], 1);
		close(client);
		close_upstream(&u);
		served_stop(&s);
	}
}

/* The peer is refused while nothing, bytes, or the end of the client's stream waits for it. */
static void peer__that_is_refused__ends_the_pair(void **state)
{
	static const struct {
		const char *words;
		bool ends;
	} rows[] = { { "", false }, { "question", false }, { "", true }, { "question", true } };

	(void)state;
	own_service(&connector);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct upstream u = open_upstream();
		struct served s;
		int client;

		upstream = &u;
		served_start(&s, "connector", NULL);
		client = served_connect(&s);
		served_send(&s, client, rows[i].words, strlen(rows[i].words));
		if (rows[i].ends)
			shutdown(client, SHUT_WR);
		served_settle(&s);
		assert_int_equal(s.pool.limit.total, 1);
		close_upstream(&u);
		paired_expect_end(&s, client, 0);
		assert_nothing_left(&s, 0);
		assert_int_equal(s.slot.tally.connections_ended_total[CLOSE_upstream_refused], 1);
		close(client);
		served_stop(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			client__that_sends_and_ends_before_the_peer_is_connected__is_relayed),
		cmocka_unit_test(peer__that_is_refused__ends_the_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
