/* SPDX-License-Identifier: MIT */
/*
 * Reloads that fail, are asked for twice, meet stopped workers or are overtaken by a stop, while
 * connections move.
 */
#include "harness.h"

#include "client.h"
#include "figures.h"
#include "newcomer.h"
#include "process.h"
#include "traffic.h"

enum { WORKERS = 3, EACH = 30 };

/* The limits of a reload's last steps. */
enum { HANDING_MS = 500, MOVING_MS = 5000 };

#define LISTENERS                                                       \
	"listen \"127.0.0.1:0\" { service = ack\n framing = length }\n" \
	"listen \"127.0.0.1:0\" { service = echo }\n"
#define CONF "workers = 3\n" LISTENERS

static void open_more(struct traffic *t)
{
	traffic_open(t, t->server->addresses[0], TALK_ACK, EACH);
	traffic_open(t, t->server->addresses[1], TALK_ECHO, EACH);
}

static struct traffic *begin(void)
{
	struct traffic *t = traffic_new(server_start(&(struct plan){ .conf = CONF }));

	open_more(t);
	return t;
}

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

/* The reload has moved every connection of the traffic. */
static void check_moved(struct traffic *t, const char *said)
{
	char moves[64];

	snprintf(moves, sizeof(moves), ", %u connections moved", t->count);
	if (!strstr(said, moves))
		server_fail(t->server, "-s reload, not %s: %s", moves, said);
}

static uint64_t moved(struct server *s)
{
	struct worker_tally tally;

	figures_tally(s, &tally);
	return metric_sum(&tally, METRIC_connections_moved_out_total);
}

/* True when a worker of that generation has accepted a connection. */
static bool has_accepted(struct traffic *t, const struct newcomer *held)
{
	char field[32];
	unsigned count = 0;

	for (unsigned i = 0; i < WORKERS - 1; i++) {
		snprintf(field, sizeof(field), "pid=%d", newcomer_peer(t, held, i));
		count += server_count(t->server, "connection_opened", field);
	}
	return count > 0;
}

/* A reload that fails once a new worker has accepted. */
static void fail_reload(struct traffic *t)
{
	struct server *s = t->server;
	unsigned failed = server_count(s, "reload_failed", NULL);
	struct newcomer held;

	s->errors[0] = "reload_failed";
	newcomer_hold(t, WORKERS - 1, &held);
	for (unsigned i = 0; i < 6 && !has_accepted(t, &held); i++)
		open_more(t);
	assert_true(has_accepted(t, &held));
	newcomer_kill(&held);
	server_wait_count(s, failed + 1, "reload_failed", NULL);
	traffic_check(t, 0);
}

static void reload__that_fails__gives_back_what_new_workers_had_accepted(void **state)
{
	struct traffic *t = begin();
	struct server *s = t->server;
	pid_t before[WORKERS];

	(void)state;
	fail_reload(t);
	TRAFFIC_UNTIL(t, has_workers(s, WORKERS));
	assert_true(moved(s) > 0);
	assert_int_equal(server_workers(s, before, WORKERS), WORKERS);
	traffic_reload(t);
	TRAFFIC_UNTIL(t, has_workers(s, WORKERS));
	for (unsigned i = 0; i < WORKERS; i++)
		assert_false(process_lives(before[i]));
	end(t);
}

/*
 * The old configuration lacks the listener of that connection, so a worker of the failed generation
 * finishes it. It does not disturb the next reloads.
 */
static void reload__after_one_that_failed__moves_past_workers_that_still_drain(void **state)
{
	struct traffic *t = begin();
	struct server *s = t->server;
	struct newcomer held;
	char address[96], conf[512];
	int straggler;

	(void)state;
	s->errors[0] = "reload_failed";
	snprintf(address, sizeof(address), "unix:%s/more", s->dir);
	snprintf(conf, sizeof(conf), CONF "listen \"%s\" { service = ack\n framing = line\n}\n",
		 address);
	server_configure(s, conf);
	newcomer_hold(t, WORKERS - 1, &held);
	straggler = client_connect(address);
	client_say(straggler, "one\ntw");
	client_hear(straggler, ACK "\n");
	newcomer_kill(&held);
	server_wait_event(s, "reload_failed", NULL);
	server_configure(s, CONF);
	fail_reload(t);
	for (unsigned i = 0; i < 3; i++)
		check_moved(t, traffic_reload(t));
	if (server_count(s, "move_refused", NULL) > 0)
		server_fail(s, "a worker that drains has read what is not for it");
	client_say(straggler, "o\n");
	client_hear(straggler, ACK "\n");
	client_expect_end(straggler);
	close(straggler);
	TRAFFIC_UNTIL(t, has_workers(s, WORKERS));
	end(t);
}

static void worker__stopped_when_connections_come__costs_none(void **state)
{
	struct traffic *t = begin();
	struct server *s = t->server;
	struct newcomer held;
	struct crew crew;
	pid_t victim;

	(void)state;
	newcomer_hold(t, WORKERS - 1, &held);
	victim = newcomer_peer(t, &held, 0);
	kill(victim, SIGSTOP);
	newcomer_release(&held);
	TRAFFIC_UNTIL(t, server_count(s, "reload_finished", NULL) > 0);
	TRAFFIC_UNTIL(t, has_workers(s, WORKERS));
	traffic_check(t, 0);
	figures_crew(s, &crew);
	assert_int_equal(crew.live[0] + crew.live[1] + crew.live[2], t->count);
	assert_true(crew.live[0] == 0 || crew.live[1] == 0 || crew.live[2] == 0);
	kill(victim, SIGCONT);
	TRAFFIC_UNTIL(t, (figures_crew(s, &crew), crew.live[0] * crew.live[1] * crew.live[2] > 0));
	end(t);
}

/*
 * No other worker has room for all, so that the rest waits for the one that stands still. However
 * unevenly the workers accept, none ends a connection to make room.
 */
static void worker__stopped_beyond_the_reload__gets_its_connections_later(void **state)
{
	struct traffic *t = traffic_new(server_start(
		&(struct plan){ .conf = "workers = 2\nworker_connections = 40\nmake_room = "
					"no\nrebalance = no\n" LISTENERS }));
	struct server *s = t->server;
	struct newcomer held;
	pid_t victim;

	(void)state;
	open_more(t);
	newcomer_hold(t, 1, &held);
	victim = newcomer_peer(t, &held, 0);
	kill(victim, SIGSTOP);
	newcomer_release(&held);
	TRAFFIC_UNTIL(t, server_count(s, "reload_finished", NULL) > 0);
	traffic_check(t, 0);
	assert_true(moved(s) < t->count);
	kill(victim, SIGCONT);
	TRAFFIC_UNTIL(t, has_workers(s, 2));
	assert_true(moved(s) >= t->count);
	end(t);
}

static int64_t took_ms(struct server *s, const char *said)
{
	int ms = -1;

	if (sscanf(said, "reload: ok, 3 workers, %d ms, ", &ms) != 1)
		server_fail(s, "-s reload says: %s", said);
	return ms;
}

static void worker__stopped_before_it_leaves__does_not_hold_up_the_reload(void **state)
{
	struct traffic *t = begin();
	struct server *s = t->server;
	pid_t victim = server_worker(s, 1);
	struct traffic_verb reload;

	(void)state;
	traffic_check(t, 0); /* no message waits for it */
	kill(victim, SIGSTOP);
	WAIT_UNTIL(s, process_is_stopped(victim));
	t->is_pausing = true;
	traffic_begin_verb(t, "reload", &reload);
	assert_int_equal(traffic_end_verb(t, &reload), 0);
	assert_in_range(took_ms(s, reload.said), HANDING_MS, MOVING_MS - 1);
	t->is_pausing = false;
	kill(victim, SIGCONT);
	traffic_go_on(t, 2);
	TRAFFIC_UNTIL(t, has_workers(s, WORKERS));
	assert_true(moved(s) >= t->count);
	end(t);
}

static void reload__asked_for_during_a_reload__follows_it(void **state)
{
	struct traffic *t = begin();
	struct server *s = t->server;
	struct traffic_verb second;
	struct newcomer held;
	unsigned before;

	(void)state;
	newcomer_hold(t, WORKERS - 1, &held);
	before = server_count(s, "reload_started", NULL);
	traffic_begin_verb(t, "reload", &second);
	traffic_go_on(t, 2);
	assert_int_equal(server_count(s, "reload_started", NULL), before);
	newcomer_release(&held);
	assert_int_equal(traffic_end_verb(t, &second), 0);
	assert_int_equal(server_count(s, "reload_started", NULL), before + 1);
	TRAFFIC_UNTIL(t, has_workers(s, WORKERS));
	end(t);
}

/*
 * All new workers but one are stopped, so that the old ones still move their connections when the
 * stop comes.
 */
static struct traffic *begin_to_move(struct newcomer *held)
{
	struct traffic *t = begin();
	struct server *s = t->server;

	newcomer_hold(t, WORKERS - 1, held);
	for (unsigned i = 0; i < WORKERS - 1; i++)
		kill(newcomer_peer(t, held, i), SIGSTOP);
	traffic_check(t, 0);
	t->is_pausing = true;
	newcomer_release(held);
	TRAFFIC_UNTIL(t, server_draining(s) > 0);
	return t;
}

static void let_go_on(struct traffic *t, const struct newcomer *held)
{
	for (unsigned i = 0; i < WORKERS - 1; i++)
		kill(newcomer_peer(t, held, i), SIGCONT);
}

/* The harness checks that each accepted connection has ended once. */
static void stop__during_a_move__ends_every_connection_once(void **state)
{
	struct newcomer held;
	struct traffic *t = begin_to_move(&held);

	(void)state;
	server_signal(t->server, SIGTERM);
	let_go_on(t, &held);
	TRAFFIC_UNTIL(t, t->ended == t->count);
	server_end(t->server, 0, 0);
	traffic_close(t);
}

static void fast_stop__during_a_move__ends_every_connection_once(void **state)
{
	struct newcomer held;
	struct traffic *t = begin_to_move(&held);

	(void)state;
	server_signal(t->server, SIGINT);
	let_go_on(t, &held);
	TRAFFIC_UNTIL(t, t->ended == t->count);
	server_end(t->server, 0, 0);
	traffic_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(reload__that_fails__gives_back_what_new_workers_had_accepted),
		E2E(reload__after_one_that_failed__moves_past_workers_that_still_drain),
		E2E(worker__stopped_when_connections_come__costs_none),
		E2E(worker__stopped_beyond_the_reload__gets_its_connections_later),
		E2E(worker__stopped_before_it_leaves__does_not_hold_up_the_reload),
		E2E(reload__asked_for_during_a_reload__follows_it),
		E2E(stop__during_a_move__ends_every_connection_once),
		E2E(fast_stop__during_a_move__ends_every_connection_once),
	};

	return E2E_RUN(tests);
}
