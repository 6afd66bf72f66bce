/* SPDX-License-Identifier: MIT */
/*
 * As many proxied connections as the limit of descriptors allows, at most 10,000, through the death
 * of a worker and a reload.
 */
#include "harness.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include "client.h"
#include "figures.h"
#include "process.h"
#include "upstream.h"

enum { PAIRS_MOST = 10000, SPARE = 400 };

struct crowd {
	struct server *s;
	struct upstream u;
	int *clients, *servers; /* both ends of each pair */
	unsigned count;
};

/* This program has both far ends of each pair, and the server both near ends. */
static unsigned find_count(void)
{
	struct rlimit limit;
	rlim_t most;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < SPARE + 4)
		skip();
	most = (limit.rlim_max - SPARE) / 2;
	return most < PAIRS_MOST ? (unsigned)most : PAIRS_MOST;
}

static void open_crowd(struct crowd *c)
{
	c->count = find_count();
	c->clients = calloc(c->count, sizeof(int));
	c->servers = calloc(c->count, sizeof(int));
	upstream_open(&c->u);
	c->s = server_start(
		&(struct plan){ .conf = upstream_conf(&c->u, "idle_timeout = 1h", "backlog = 1024",
						      "workers = 2\nworker_connections = 10000"),
				.quiet_log = true });
	for (unsigned i = 0; i < c->count; i++) {
		c->clients[i] = client_connect(FIRST(c->s));
		c->servers[i] = upstream_accept(&c->u);
	}
}

/* Its number goes up, and comes back from the other end; only ends that are gone may fail. */
static unsigned relay_all(struct crowd *c)
{
	unsigned gone = 0;

	for (unsigned i = 0; i < c->count; i++) {
		uint32_t word = i;

		(void)!send(c->clients[i], &word, sizeof(word), MSG_NOSIGNAL);
	}
	for (unsigned i = 0; i < c->count; i++) {
		uint32_t word;

		/* one that was in hand when a worker died has ended */
		if (recv(c->servers[i], &word, sizeof(word), MSG_WAITALL) == sizeof(word))
			client_send(c->servers[i], &word, sizeof(word));
		else
			gone++;
	}
	for (unsigned i = 0; i < c->count; i++) {
		uint32_t word;

		if (recv(c->clients[i], &word, sizeof(word), MSG_WAITALL) == sizeof(word))
			assert_int_equal(word, i);
	}
	return gone;
}

static int64_t live_of(const struct crowd *c)
{
	return upstream_figure(c->s, c->u.address, "upstream_connections_live");
}

static void close_crowd(struct crowd *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		close(c->clients[i]);
		close(c->servers[i]);
	}
	WAIT_UNTIL(c->s, live_of(c) == 0);
	free(c->clients);
	free(c->servers);
	upstream_close(&c->u);
	server_stop(c->s);
}

/* At rest nothing is in hand, so that none is lost. */
static void pairs__at_rest__survive_crashes_and_reloads(void **state)
{
	struct crowd c;

	(void)state;
	open_crowd(&c);
	assert_int_equal(live_of(&c), c.count);
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(relay_all(&c), 0);
		upstream_crash_at_rest(c.s, round);
		assert_int_equal(live_of(&c), c.count);
		assert_int_equal(relay_all(&c), 0);
		upstream_reload(c.s);
		assert_int_equal(live_of(&c), c.count);
	}
	assert_int_equal(relay_all(&c), 0);
	close_crowd(&c);
}

static unsigned lost_of(struct crowd *c)
{
	struct worker_tally tally;

	figures_tally(c->s, &tally);
	return (unsigned)cell_get(&tally.connections_lost_total);
}

/* Each of them has bytes on its way when a worker dies: at most the one in hand is lost. */
static void pairs__that_are_served__lose_one_at_a_death_at_most(void **state)
{
	enum { DEATHS = 4 };
	struct crowd c;

	(void)state;
	open_crowd(&c);
	for (unsigned death = 1; death <= DEATHS; death++) {
		unsigned gone = 0;

		for (unsigned i = 0; i < c.count; i++)
			(void)!send(c.clients[i], "x", 1, MSG_NOSIGNAL);
		upstream_crash(c.s, death % 2);
		upstream_reload(c.s);
		for (unsigned i = 0; i < c.count; i++)
			gone += recv(c.servers[i], &(char){ 0 }, 1, 0) != 1;
		assert_true(lost_of(&c) <= death);
		assert_true(gone <= lost_of(&c));
		assert_int_equal(live_of(&c), c.count - lost_of(&c));
	}
	close_crowd(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(pairs__at_rest__survive_crashes_and_reloads),
		E2E(pairs__that_are_served__lose_one_at_a_death_at_most),
	};

	return E2E_RUN(tests);
}
