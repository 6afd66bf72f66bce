/* SPDX-License-Identifier: MIT */
/*
 * Deaths of the sender, of the receiver and of both at each step of the exchange
 * (worker/door/door.h): afterwards each connection is in one worker, and works. A worker dies
 * between any two instructions; the steps here are done by hand up to that place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "unit/siblings.h"

enum { OLD = 3, CONNS = 3, LATE_US = 200 * 1000, LOOK_MS = 10, LOOKS = 8, NOT_OPEN = 4000 };
enum { SENDER = 1, RECEIVER = 2, BOTH = 3 };

static struct siblings all;
static struct sibling *from, *to;
static int clients[CONNS], upstreams[CONNS];
static struct arrival arrival;

static void start(const char *service)
{
	int ends[2];

	siblings_begin(&all);
	from = sibling_start(&all, 0, OLD, service, NULL);
	to = sibling_start(&all, 1, OLD, service, NULL);
	for (unsigned i = 0; i < CONNS; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
					    ends),
				 0);
		upstreams[i] = siblings_keep(&all, ends[1]);
		sibling_services.peer = ends[0];
		clients[i] = sibling_connect(from, 0);
		if (sibling_record(from, 0)->peer == 0)
			close(ends[0]);
	}
	siblings_settle(&all);
	siblings_count_open(&all);
}

static void assert_works(unsigned i)
{
	bool is_pair = sibling_services.peer >= 0 && from->listens[0].service[0] == 'p';

	siblings_say(clients[i], "up");
	siblings_expect(&all, is_pair ? upstreams[i] : clients[i], "up", false);
	if (!is_pair)
		return;
	siblings_say(upstreams[i], "down");
	siblings_expect(&all, clients[i], "down", false);
}

/* --- The steps of the sender ---------------------------------------------------------------- */

static struct record *client_of(const struct sibling *w, unsigned i)
{
	return sibling_record(w, from->moving.offer.list[i]);
}

static void freeze_unsent(void)
{
	struct offer *offer = &from->moving.offer;

	from->pool.arena->head->offered =
		(struct arena_batch){ (uint64_t)clock_us(), 1, MOVE_rebalance };
	for (uint32_t i = 0; offer->count < CONNS; i++) {
		struct record *r = sibling_record(from, i);

		if (r->side != SIDE_CLIENT)
			continue;
		offer->list[offer->count++] = i;
		r->passage = PASSAGE_OFFERED;
		conn_freeze(&from->pool, r);
		assert_true(conn_detach(&from->pool, r));
	}
}

static void freeze_one(void)
{
	freeze_unsent();
	for (unsigned i = 1; i < CONNS; i++)
		client_of(from, i)->passage = PASSAGE_NONE;
}

static void send_batch(void)
{
	assert_int_equal(sibling_send(from, to, CONNS), OFFER_WAITS);
}

/* --- The steps of the receiver -------------------------------------------------------------- */

static void write_note(unsigned result)
{
	atomic_store(&to->slot->door_taken[0], door_note(arrival.head->batch, result));
}

static void begin_batch(struct rights *rights)
{
	const struct iovec room = { to->door.message, DOOR_MESSAGE_MOST };
	ssize_t size;

	send_batch();
	size = rights_receive(to->door.watch.fd, &room, 1, rights, MSG_DONTWAIT | MSG_PEEK);
	assert_true(size > (ssize_t)sizeof(*arrival.head));
	arrival = (struct arrival){ .pool = &to->pool,
				    .keys = to->door.keys,
				    .head = (const struct door_head *)to->door.message,
				    .at = to->door.message + sizeof(*arrival.head),
				    .end = to->door.message + size,
				    .fds = rights->fds,
				    .fds_left = rights->count };
	to->pool.arena->head->arriving = (struct arena_batch){ arrival.head->batch,
							       arrival.head->sender,
							       arrival.head->cause };
	write_note(DOOR_BEGUN);
}

static void begin(void)
{
	struct rights rights;

	begin_batch(&rights);
}

static void record_all(void)
{
	struct rights rights;

	begin_batch(&rights);
	assert_int_equal(arrival_record(&arrival, &rights), DOOR_TAKEN);
}

static void record_some(void)
{
	record_all();
	for (unsigned i = 1; i < arrival.count; i++)
		sibling_record(to, arrival.taken[i])->magic = 0;
}

static void take_uncounted(void)
{
	record_all();
	write_note(DOOR_TAKEN);
}

/* Of a pair, the peer is still marked. */
static void count_some(void)
{
	struct record *first;

	take_uncounted();
	first = sibling_record(to, arrival.taken[0]);
	cell_add(&to->slot->tally.connections_moved_in_total[MOVE_rebalance], 1);
	first->passage = PASSAGE_NONE;
}

static void serve_undropped(void)
{
	take_uncounted();
	arrival_serve(&arrival);
	to->pool.arena->head->arriving = (struct arena_batch){ 0 };
}

static void refuse_undropped(void)
{
	struct rights rights;

	begin_batch(&rights);
	write_note(DOOR_REFUSED + STAY_no_room);
	rights_close(&rights);
}

/* --- The sender again ----------------------------------------------------------------------- */

static void take_all(void)
{
	send_batch();
	sibling_turn(to);
	assert_int_equal(sibling_conns(to), CONNS);
}

static void let_go_one(void)
{
	int fds[CONN_FDS_MOST];

	take_all();
	cell_add(&from->slot->tally.connections_moved_out_total[MOVE_rebalance], 1);
	(void)conn_let_go(&from->pool, client_of(from, 0), fds); /* they are still open */
}

/* The records of a pair go one by one, the client's first. */
static void let_go_client(void)
{
	struct record *r;

	take_all();
	r = client_of(from, 0);
	cell_add(&from->slot->tally.connections_moved_out_total[MOVE_rebalance], 1);
	pool_give_record(&from->pool, r);
}

static void refuse_all(void)
{
	to->door.is_open = false;
	send_batch();
	sibling_turn(to);
	to->door.is_open = true;
}

static void thaw_one(void)
{
	refuse_all();
	client_of(from, 0)->passage = PASSAGE_NONE;
}

static const struct step {
	const char *name;
	void (*make)(void);
	unsigned must; /* the worker that is within the step dies */
} steps[] = {
	{ "half frozen", freeze_one, SENDER },
	{ "frozen", freeze_unsent, SENDER },
	{ "sent", send_batch, 0 },
	{ "begun", begin, RECEIVER },
	{ "some recorded", record_some, RECEIVER },
	{ "all recorded", record_all, RECEIVER },
	{ "taken", take_uncounted, RECEIVER },
	{ "some counted", count_some, RECEIVER },
	{ "served", serve_undropped, RECEIVER },
	{ "refused", refuse_undropped, RECEIVER },
	{ "taken and dropped", take_all, 0 },
	{ "refused and dropped", refuse_all, 0 },
	{ "one let go", let_go_one, SENDER },
	{ "one client let go", let_go_client, SENDER },
	{ "one taken back", thaw_one, SENDER },
};

/* The next worker of the slot has another pid than the one that has sent. */
static void kill_workers(unsigned who)
{
	if (who & SENDER) {
		sibling_die(from);
		atomic_store(&from->info->pid, 1);
	}
	if (who & RECEIVER)
		sibling_die(to);
	if (who & RECEIVER)
		sibling_recover(to);
	if (who & SENDER)
		sibling_recover(from);
}

static void look_again(void)
{
	struct offer *offer = &from->moving.offer;

	for (unsigned i = 0; i < LOOKS; i++) {
		siblings_settle(&all);
		offer->began_us -= LATE_US;
		if (from->moving.state == MOVING_IDLE)
			(void)offer_look(offer);
		else
			sibling_alarm(from, LOOK_MS);
	}
}

static void die_at(const char *service, const struct step *step, unsigned who)
{
	start(service);
	step->make();
	kill_workers(who);
	look_again();
	print_message("# %s, %s: %u and %u die\n", service, step->name, who & SENDER,
		      (who & RECEIVER) / 2);
	siblings_assert_sole(&all, CONNS);
	siblings_assert_open(&all);
	assert_int_equal(sibling_metric(from, METRIC_connections_lost_total), 0);
	assert_int_equal(sibling_metric(to, METRIC_connections_lost_total), 0);
	for (unsigned i = 0; i < CONNS; i++)
		assert_works(i);
	atomic_store(&from->info->pid, (uint32_t)getpid());
	assert_int_equal(from->moving.offer.count, 0);
	siblings_end(&all);
}

static void die_everywhere(const char *service)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		for (unsigned who = SENDER; who <= BOTH; who++)
			if ((who & steps[i].must) == steps[i].must)
				die_at(service, &steps[i], who);
}

static void connections__at_each_step__are_in_one_worker(void **state)
{
	(void)state;
	die_everywhere("echo");
}

static void pairs__at_each_step__are_in_one_worker(void **state)
{
	(void)state;
	die_everywhere("pair");
}

/* The descriptor of one that was sent is damaged in the dead worker's arena. */
static void send_and_damage(void)
{
	start("echo");
	send_batch();
	sibling_die(from);
	sibling_record(from, 0)->fd = NOT_OPEN;
	sibling_recover(from);
	sibling_turn(from);
	assert_int_equal(from->pool.limit.total, CONNS);
	assert_int_equal(sibling_metric(from, METRIC_connections_lost_total), 0);
}

static void damaged__on_its_way__is_moved_once(void **state)
{
	(void)state;
	send_and_damage();
	sibling_turn(to);
	assert_int_equal(offer_look(&from->moving.offer), OFFER_TAKEN);
	assert_int_equal(from->pool.limit.total, 0);
	assert_int_equal(from->pool.records.count, CONNS);
	assert_int_not_equal(from->pool.records.given_back[0], from->pool.records.given_back[1]);
	sibling_turn(from);
	assert_int_equal(from->pool.audit.count, 0);
	assert_int_equal(sibling_metric(from, METRIC_connections_lost_total), 0);
	for (unsigned i = 0; i < CONNS; i++)
		assert_works(i);
	siblings_end(&all);
}

static void damaged__that_is_taken_back__is_lost_alone(void **state)
{
	(void)state;
	send_and_damage();
	sibling_die(to);
	atomic_store(&to->info->is_taken, 0);
	assert_int_equal(offer_look(&from->moving.offer), OFFER_REFUSED);
	sibling_turn(from);
	assert_int_equal(from->pool.limit.total, CONNS - 1);
	assert_int_equal(sibling_metric(from, METRIC_connections_lost_total), 1);
	assert_works(1);
	siblings_end(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections__at_each_step__are_in_one_worker),
		cmocka_unit_test(pairs__at_each_step__are_in_one_worker),
		cmocka_unit_test(damaged__on_its_way__is_moved_once),
		cmocka_unit_test(damaged__that_is_taken_back__is_lost_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
