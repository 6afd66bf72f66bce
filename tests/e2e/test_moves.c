/* SPDX-License-Identifier: MIT */
/*
 * Connections of clients that talk without pause move to other workers, at reloads and when workers
 * die meanwhile: no byte is lost, and only a death ends a connection.
 */
#include "harness.h"

#include "client.h"
#include "figures.h"
#include "process.h"
#include "traffic.h"

enum { WORKERS = 4, EACH = 100, ALL = 2 * EACH, OLD_MS = 1000 };

#define LISTENERS                                                       \
	"listen \"127.0.0.1:0\" { service = ack\n framing = length }\n" \
	"listen \"127.0.0.1:0\" { service = echo }\n"

static struct server *start(void)
{
	return server_start(&(struct plan){ .conf = "workers = 4\n" LISTENERS, .quiet_log = true });
}

static struct traffic *begin_traffic(struct server *s)
{
	struct traffic *t = traffic_new(s);

	traffic_open(t, s->addresses[0], TALK_ACK, EACH);
	traffic_open(t, s->addresses[1], TALK_ECHO, EACH);
	return t;
}

static void check_line(struct server *s, const char *said)
{
	char rest[128];
	int ms = -1;

	if (sscanf(said, "reload: ok, 4 workers, %d ms, %127[^\n]", &ms, rest) != 2 || ms < 0 ||
	    strcmp(rest, "200 connections moved") != 0)
		server_fail(s, "-s reload says: %s", said);
}

static void end(struct server *s, struct traffic *t)
{
	traffic_close(t);
	server_stop(s);
}

static void reloads__under_traffic__move_every_connection(void **state)
{
	struct server *s = start();
	struct traffic *t = begin_traffic(s);
	struct figures now;

	(void)state;
	for (int i = 0; i < 5; i++) {
		int64_t ended_ms;

		check_line(s, traffic_reload(t));
		ended_ms = clock_ms();
		TRAFFIC_UNTIL(t, figures_has_only_new(s));
		if (clock_ms() - ended_ms > OLD_MS)
			server_fail(s, "old workers leave %lld ms after the reload",
				    (long long)(clock_ms() - ended_ms));
		traffic_go_on(t, 2);
	}
	traffic_check(t, 0);
	figures_check(s);
	figures_read(s, &now);
	assert_int_equal(now.of[METRIC_connections_accepted_total], ALL);
	assert_true(now.of[METRIC_connections_moved_in_total] >= 5 * ALL);
	assert_int_equal(now.of[METRIC_connections_not_moved_total], 0);
	assert_int_equal(now.of[METRIC_moves_refused_total], 0);
	end(s, t);
}

/* Kills one of the workers, old or new. Returns false when there is none. */
static bool kill_one(struct server *s, unsigned random)
{
	pid_t all[WORKERS_MOST], victims[WORKERS_MOST];
	unsigned count = 0, n = process_children(s->master, all, WORKERS_MOST);
	char title[256];

	for (unsigned i = 0; i < n; i++)
		if (strstr(process_title(all[i], title, sizeof(title)), ": worker "))
			victims[count++] = all[i];
	return count > 0 && kill(victims[random % count], SIGKILL) == 0;
}

/* The sequence of the moments and of the victims is the same in each run. */
static void reloads__with_workers_killed_meanwhile__lose_one_for_each_at_most(void **state)
{
	struct server *s = start();
	struct traffic *t = begin_traffic(s);
	struct traffic_verb reload;
	unsigned kills = 0, random = 7;

	(void)state;
	s->errors[0] = "reload_failed"; /* a new worker died before it was ready */
	for (int i = 0; i < 12; i++) {
		random = random * 1103515245 + 12345;
		traffic_begin_verb(t, "reload", &reload);
		server_wait_count(s, (unsigned)i + 1, "reload_started", NULL);
		traffic_go_on_for(t, (random >> 16) % 50);
		kills += kill_one(s, random >> 8);
		traffic_end_verb(t, &reload);
		TRAFFIC_UNTIL(t, figures_has_only_new(s));
	}
	traffic_check(t, kills);
	figures_check(s);
	end(s, t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(reloads__under_traffic__move_every_connection),
		E2E(reloads__with_workers_killed_meanwhile__lose_one_for_each_at_most),
	};

	return E2E_RUN(tests);
}
