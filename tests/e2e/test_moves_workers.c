/* SPDX-License-Identifier: MIT */
/*
 * Workers that come and go under traffic: by TTIN and TTOU, by their age, by their connections, and
 * by a new number in the configuration. Their connections go on in other workers, and the load is
 * even.
 */
#include "harness.h"

#include "client.h"
#include "figures.h"
#include "process.h"
#include "traffic.h"

enum { EACH = 100, CROWD = 600, EVEN_MS = 2000 };

#define LISTENERS                                                       \
	"log { level = info }\n"                                        \
	"listen \"127.0.0.1:0\" { service = ack\n framing = length }\n" \
	"listen \"127.0.0.1:0\" { service = echo }\n"

static struct traffic *begin(const char *conf, unsigned each)
{
	struct server *s = server_start(&(struct plan){ .conf = conf, .quiet_log = true });
	struct traffic *t = traffic_new(s);

	traffic_open(t, s->addresses[0], TALK_ACK, each);
	traffic_open(t, s->addresses[1], TALK_ECHO, each);
	return t;
}

/* No connection was closed, lost or counted twice. */
static void end(struct traffic *t)
{
	struct server *s = t->server;

	traffic_check(t, 0);
	figures_check(s);
	traffic_close(t);
	server_stop(s);
}

static bool has_workers(struct server *s, unsigned count)
{
	struct crew crew;

	figures_crew(s, &crew);
	return crew.old == 0 && crew.ready == count;
}

static uint64_t retired(struct server *s)
{
	struct worker_tally tally;

	figures_tally(s, &tally);
	return cell_get(&tally.connections_moved_out_total[MOVE_retirement]);
}

static void ttin_and_ttou__under_traffic__cost_no_connection(void **state)
{
	struct traffic *t = begin("workers = 2\n" LISTENERS, EACH);
	struct server *s = t->server;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		server_signal(s, SIGTTIN);
		TRAFFIC_UNTIL(t, has_workers(s, 3));
		traffic_go_on(t, 2);
		server_signal(s, SIGTTOU);
		TRAFFIC_UNTIL(t, has_workers(s, 2));
		traffic_go_on(t, 2);
	}
	server_signal(s, SIGTTOU);
	TRAFFIC_UNTIL(t, has_workers(s, 1));
	assert_true(retired(s) >= 2 * EACH / 3);
	end(t);
}

static void worker_max_age__under_traffic__costs_no_connection(void **state)
{
	struct traffic *t = begin("workers = 3\nworker_max_age = 2s\n" LISTENERS, EACH);
	struct server *s = t->server;

	(void)state;
	TRAFFIC_UNTIL(t, server_count(s, "worker_recycled", NULL) >= 3);
	TRAFFIC_UNTIL(t, figures_has_only_new(s));
	assert_true(retired(s) > 0);
	end(t);
}

static void worker_max_connections__under_traffic__costs_no_connection(void **state)
{
	struct traffic *t = begin("workers = 2\nworker_max_connections = 60\n" LISTENERS, 1);
	struct server *s = t->server;

	(void)state;
	while (server_count(s, "worker_recycled", NULL) < 4) {
		traffic_open(t, s->addresses[0], TALK_ACK, 5);
		traffic_open(t, s->addresses[1], TALK_ECHO, 5);
	}
	TRAFFIC_UNTIL(t, figures_has_only_new(s));
	assert_true(retired(s) > 0);
	end(t);
}

/* The standard deviation of the load is a twentieth of the mean at most. */
static bool is_even(struct server *s, unsigned workers, uint32_t live)
{
	struct crew crew;
	double mean = (double)live / workers, squares = 0, sum = 0;

	figures_crew(s, &crew);
	for (unsigned i = 0; i < crew.ready; i++) {
		sum += crew.live[i];
		squares += (crew.live[i] - mean) * (crew.live[i] - mean);
	}
	return crew.ready == workers && sum == live &&
	       squares / workers <= mean * mean * 0.05 * 0.05;
}

static void reload_to(struct traffic *t, unsigned workers)
{
	struct server *s = t->server;
	int64_t ended_ms;
	char conf[256];

	snprintf(conf, sizeof(conf), "workers = %u\n" LISTENERS, workers);
	server_configure(s, conf);
	traffic_reload(t);
	ended_ms = clock_ms();
	TRAFFIC_UNTIL(t, is_even(s, workers, CROWD));
	if (clock_ms() - ended_ms > EVEN_MS)
		server_fail(s, "the load is even %lld ms after the reload",
			    (long long)(clock_ms() - ended_ms));
}

static void number_of_workers__changed_by_reloads__leaves_the_load_even(void **state)
{
	struct traffic *t = begin("workers = 4\n" LISTENERS, CROWD / 2);

	(void)state;
	reload_to(t, 2);
	reload_to(t, 6);
	end(t);
}

#define FULL "workers = 2\nworker_connections = 20\nmake_room = no\n" LISTENERS

/* Clients that wait in the accept queue do not take the places of those that have one. */
static void full_server__with_a_queue__is_reloaded__at_no_cost(void **state)
{
	enum { PLACES = 40, WAITING = 15, RELOADS = 3 };
	struct traffic *t = begin(FULL, PLACES / 2);
	struct server *s = t->server;
	int waiting[WAITING];

	(void)state;
	for (unsigned i = 0; i < WAITING; i++)
		waiting[i] = client_connect(s->addresses[1]);
	for (unsigned i = 0; i < RELOADS; i++) {
		assert_non_null(strstr(traffic_reload(t), "40 connections moved"));
		traffic_go_on(t, 2);
	}
	traffic_check(t, 0);
	traffic_close(t);
	for (unsigned i = 0; i < WAITING; i++) {
		client_say(waiting[i], "now");
		client_hear(waiting[i], "now");
		close(waiting[i]);
	}
	figures_check(s);
	server_stop(s);
}

/* Under traffic; fails if the server ends one of the connections. */
static void reload_with_places(unsigned before, unsigned after, unsigned places, unsigned clients)
{
	char conf[256];
	struct traffic *t;

	snprintf(conf, sizeof(conf), "workers = %u\nworker_connections = 2000\n" LISTENERS, before);
	t = begin(conf, clients / 2);
	snprintf(conf, sizeof(conf),
		 "workers = %u\nworker_connections = %u\nmake_room = no\n" LISTENERS, after,
		 places);
	server_configure(t->server, conf);
	traffic_reload(t);
	TRAFFIC_UNTIL(t, figures_has_only_new(t->server));
	traffic_go_on(t, 2);
	end(t);
}

/* No worker of the old generation has room in one of the new for more than its share. */
static void fewer_places__in_more_workers__are_all_used(void **state)
{
	(void)state;
	reload_with_places(1, 4, 150, 590);
	reload_with_places(2, 4, 150, 590);
	reload_with_places(1, 2, 300, 590);
}

/* The old worker has no door to half of the new ones: their peers pass connections on to them. */
static void fewer_places__in_far_more_workers__are_all_used(void **state)
{
	(void)state;
	reload_with_places(1, 34, 10, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(ttin_and_ttou__under_traffic__cost_no_connection),
		E2E(worker_max_age__under_traffic__costs_no_connection),
		E2E(worker_max_connections__under_traffic__costs_no_connection),
		E2E(number_of_workers__changed_by_reloads__leaves_the_load_even),
		E2E(full_server__with_a_queue__is_reloaded__at_no_cost),
		E2E(fewer_places__in_more_workers__are_all_used),
		E2E(fewer_places__in_far_more_workers__are_all_used),
	};

	return E2E_RUN(tests);
}
