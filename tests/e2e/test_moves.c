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

enum { WORKERS = 4, ACKS = 1000, ECHOS = 200, ALL = ACKS + ECHOS, FEW = 100 };

enum { RELOADS = 20, KILL_MS = 50, OLD_MS = 3000 };

#define LISTENERS                                                       \
	"listen \"127.0.0.1:0\" { service = ack\n framing = length }\n" \
	"listen \"127.0.0.1:0\" { service = echo }\n"

static struct server *start(const char *main_options, unsigned workers)
{
	char conf[512];

	snprintf(conf, sizeof(conf), "%s%s", main_options, LISTENERS);
	return server_start(&(struct plan){ .conf = conf, .quiet_log = true, .workers = workers });
}

static struct traffic *begin_traffic(struct server *s, unsigned acks, unsigned echos)
{
	struct traffic *t = traffic_new(s);

	traffic_open(t, s->addresses[0], TALK_ACK, acks);
	traffic_open(t, s->addresses[1], TALK_ECHO, echos);
	return t;
}

static void check_line(struct server *s, const char *said)
{
	char rest[128];
	int ms = -1;

	if (sscanf(said, "reload: ok, 4 workers, %d ms, %127[^\n]", &ms, rest) != 2 || ms < 0 ||
	    strcmp(rest, "1,200 connections moved") != 0)
		server_fail(s, "-s reload says: %s", said);
}

static void end(struct server *s, struct traffic *t)
{
	traffic_close(t);
	server_stop(s);
}

/* Each accepted connection lives, and none has stayed in an old worker. */
static void check_figures(struct server *s)
{
	struct figures now;

	figures_check(s);
	figures_read(s, &now);
	assert_int_equal(now.of[METRIC_connections_accepted_total], ALL);
	assert_int_equal(now.of[METRIC_connections_live], ALL);
	assert_int_equal(now.of[METRIC_connections_moved_in_total], RELOADS * ALL);
	assert_int_equal(now.of[METRIC_connections_not_moved_total], 0);
	assert_int_equal(now.of[METRIC_moves_refused_total], 0);
}

static void reloads__under_traffic__move_every_connection(void **state)
{
	struct server *s = start("rebalance = no\n", WORKERS);
	struct traffic *t = begin_traffic(s, ACKS, ECHOS);

	(void)state;
	for (unsigned i = 0; i < RELOADS; i++) {
		int64_t ended_ms;

		check_line(s, traffic_reload(t));
		ended_ms = clock_ms();
		TRAFFIC_UNTIL(t, figures_has_only_new(s));
		if (clock_ms() - ended_ms > OLD_MS)
			server_fail(s, "old workers leave %lld ms after the reload",
				    (long long)(clock_ms() - ended_ms));
	}
	traffic_go_on(t, 2);
	traffic_check(t, 0);
	check_figures(s);
	end(s, t);
}

/* They are asked for without a pause between one and the next. */
static void reloads__one_upon_the_other__move_every_connection(void **state)
{
	struct server *s = start("", WORKERS);
	struct traffic *t = begin_traffic(s, ACKS, ECHOS);
	struct figures now;

	(void)state;
	for (unsigned i = 0; i < RELOADS; i++)
		traffic_reload(t);
	traffic_go_on(t, 2);
	traffic_check(t, 0);
	figures_check(s);
	figures_read(s, &now);
	assert_int_equal(now.of[METRIC_connections_accepted_total], ALL);
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

/* Reloads in a row, with a worker killed so many milliseconds after each has begun. */
struct ordeal {
	unsigned workers, acks, echos, reloads;
	unsigned kill_ms; /* 0: up to KILL_MS, another moment each time */
	unsigned random;  /* the sequence of moments and victims is the same in each run */
};

static bool ordeal_step(struct traffic *t, struct ordeal *o, unsigned nth)
{
	struct server *s = t->server;
	struct traffic_verb reload;
	bool has_killed;

	o->random = o->random * 1103515245 + 12345;
	traffic_begin_verb(t, "reload", &reload);
	server_wait_count(s, nth, "reload_started", NULL);
	traffic_go_on_for(t, o->kill_ms > 0 ? o->kill_ms : (o->random >> 16) % KILL_MS);
	has_killed = kill_one(s, o->random >> 8);
	traffic_end_verb(t, &reload);
	TRAFFIC_UNTIL(t, figures_has_only_new(s));
	return has_killed;
}

static void undergo(struct ordeal o)
{
	struct server *s = start("", o.workers);
	struct traffic *t = begin_traffic(s, o.acks, o.echos);
	struct figures now;
	unsigned kills = 0;

	s->errors[0] = "reload_failed"; /* a new worker died before it was ready */
	for (unsigned i = 1; i <= o.reloads; i++)
		kills += ordeal_step(t, &o, i);
	traffic_check(t, kills);
	figures_check(s);
	figures_read(s, &now);
	assert_int_equal(now.of[METRIC_connections_accepted_total], t->count);
	assert_true(now.of[METRIC_connections_ended_total] <= kills);
	end(s, t);
}

static void reloads__with_a_worker_killed_in_each__lose_one_for_each_at_most(void **state)
{
	(void)state;
	undergo((struct ordeal){ WORKERS, ACKS, ECHOS, RELOADS, KILL_MS, 3 });
}

static void reloads__with_workers_killed_at_any_moment__lose_one_for_each_at_most(void **state)
{
	(void)state;
	undergo((struct ordeal){ WORKERS, FEW, FEW, 12, 0, 7 });
}

static void reloads__with_the_only_worker_killed__lose_one_for_each_at_most(void **state)
{
	(void)state;
	undergo((struct ordeal){ 1, FEW, FEW, 12, 0, 4 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(reloads__under_traffic__move_every_connection),
		E2E(reloads__one_upon_the_other__move_every_connection),
		E2E(reloads__with_a_worker_killed_in_each__lose_one_for_each_at_most),
		E2E(reloads__with_workers_killed_at_any_moment__lose_one_for_each_at_most),
		E2E(reloads__with_the_only_worker_killed__lose_one_for_each_at_most),
	};

	return E2E_RUN(tests);
}
