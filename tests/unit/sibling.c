/* SPDX-License-Identifier: MIT */
/* The stand-in for one worker. Must not sleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "unit/siblings.h"

enum { ALARMS = 8 };

static void set_listener(struct sibling *w, unsigned i, const char *service, const char *address)
{
	struct listen_conf *conf = &w->listens[i];
	struct err err;

	assert_true(option_defaults(SECTION_listen, conf, &err));
	free(conf->service);
	conf->service = strdup(service);
	conf->address = (char *)address;
	w->listeners[i] = (struct listener){ .conf = conf, .row = i };
	w->listeners[i].bound.un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(w->listeners[i].bound.un.sun_path, sizeof(w->listeners[i].bound.un.sun_path),
		 "/test/%u", w->all->port + i);
	w->listeners[i].bound.len = sizeof(struct sockaddr_un);
}

static void set_options(struct listen_conf *conf, va_list pairs)
{
	const char *name;
	struct err err;

	while ((name = va_arg(pairs, const char *))) {
		const char *value = va_arg(pairs, const char *);

		assert_true(option_read(option_find(SECTION_listen, name), conf, &value, 1, &err));
	}
}

/* The lowest slot of the generation. */
static unsigned first_slot(const struct siblings *all, unsigned generation)
{
	unsigned slot = 0;

	while (all->board->infos[slot].generation != generation)
		slot++;
	return slot;
}

/* The newest generation is the current one. */
static void publish_slot(struct sibling *w, unsigned slot, unsigned generation)
{
	metric_cell *current = &w->all->board->server.generation;

	if (cell_get(current) < generation)
		cell_set(current, generation);
	w->slot = &w->all->board->slots[slot];
	w->info = &w->all->board->infos[slot];
	atomic_store(&w->info->generation, generation);
	atomic_store(&w->info->number, slot - first_slot(w->all, generation));
	atomic_store(&w->info->pid, (uint32_t)getpid());
	atomic_store(&w->info->is_taken, 1);
	atomic_store(&w->slot->generation, generation);
}

static void set_heritage(struct sibling *w, unsigned slot, unsigned generation)
{
	struct siblings *all = w->all;
	unsigned first = first_slot(all, generation);

	w->heritage = (struct heritage){
		.conf = &w->conf,
		.listeners = &w->set,
		.board = all->board,
		.number = slot - first,
		.peers = all->board->slots + first,
		.hints = &all->hints,
		.wires = all->wires + first,
		.peer_count = SIBLINGS_MOST - first,
		.arena = arena_new(&w->conf, NULL),
		.master_pid = getppid(),
		.epfd = -1,
		.is_kept = true,
	};
	assert_non_null(w->heritage.arena);
}

/* The slots of a generation follow those of the one before. */
static unsigned find_before(const struct scoreboard *board, unsigned slot)
{
	for (unsigned i = slot; i > 0; i--)
		if (board->infos[i - 1].generation != board->infos[slot].generation)
			return board->infos[i - 1].generation;
	return 0;
}

/* Each worker knows the doors of the generations before and after its own. */
static void link_generations(struct siblings *all)
{
	for (unsigned i = 0; i < SIBLINGS_MOST; i++) {
		struct heritage *h = &all->list[i].heritage;
		unsigned own = all->board->infos[i].generation, end = i;

		while (end < SIBLINGS_MOST && all->board->infos[end].generation == own)
			end++;
		all->board->infos[i].before = find_before(all->board, i);
		h->previous = (struct doors){ all->doorbells, i - h->number, own - 1 };
		h->next = (struct doors){ all->doorbells + end, SIBLINGS_MOST - end, 0 };
	}
}

static void to_connection(void *owner, uint64_t tag, uint32_t events)
{
	struct sibling *w = owner;

	dispatch_ready(&w->pool, tag, events);
}

static void to_moving(void *owner)
{
	moving_look(owner);
}

static void connect_parts(struct sibling *w)
{
	struct heritage *h = &w->heritage;

	w->loop.tagged = to_connection;
	w->loop.owner = w;
	w->pool = (struct pool){ .loop = &w->loop,
				 .arena = h->arena,
				 .slot = w->slot,
				 .number = h->number,
				 .listeners = &w->set };
	w->acceptors = (struct acceptors){ .loop = &w->loop, .pool = &w->pool, .is_closed = true };
	w->acceptors.balance = (struct balance){
		.slots = h->peers, .hints = h->hints, .wires = h->wires, .number = h->number
	};
	w->door = (struct door){ h, &w->pool, .woken = to_moving, .owner = &w->moving };
	w->moving = (struct moving){ .offer = { .door = &w->door },
				     .alarms = &w->alarms,
				     .done = leave_moved,
				     .owner = &w->leave };
	w->rebalance = (struct rebalance){ .moving = &w->moving, .alarms = &w->alarms };
	w->leave = (struct leave){ .heritage = h,
				   .pool = &w->pool,
				   .acceptors = &w->acceptors,
				   .door = &w->door,
				   .moving = &w->moving,
				   .alarms = &w->alarms };
}

/* As worker/worker.c does. */
static void begin_serving(struct sibling *w)
{
	connect_parts(w);
	assert_true(timer_heap_new(&w->alarms, ALARMS));
	assert_true(pool_start(&w->pool));
	assert_true(recovery_adopt(&w->recovery, &w->pool));
	leave_prepare(&w->leave);
	assert_true(door_start(&w->door));
	assert_true(moving_start(&w->moving));
	recovery_end(&w->recovery);
	w->is_up = true;
	if (w->recovery.was_leaving)
		leave_resume(&w->leave);
	else
		leave_set_state(&w->leave, SLOT_READY);
}

struct sibling *sibling_start(struct siblings *all, unsigned slot, unsigned generation,
			      const char *service, ...)
{
	struct sibling *w = &all->list[slot];
	va_list pairs;

	*w = (struct sibling){ .all = all };
	set_listener(w, 0, service, "first");
	set_listener(w, 1, "echo", "second");
	va_start(pairs, service);
	set_options(&w->listens[0], pairs);
	va_end(pairs);
	w->set = (struct listener_set){ w->listeners, SIBLING_LISTENERS };
	w->conf = (struct conf){ .worker_connections = all->places,
				 .move_connections = true,
				 .rebalance = true,
				 .shutdown_timeout = INT32_MAX,
				 .listeners = w->listens,
				 .listener_count = SIBLING_LISTENERS };
	publish_slot(w, slot, generation);
	set_heritage(w, slot, generation);
	link_generations(all);
	assert_true(loop_open(&w->loop));
	begin_serving(w);
	return w;
}

/* The loop's epoll outlives it, as everything in the table of descriptors. */
void sibling_die(struct sibling *w)
{
	w->heritage.epfd = w->loop.epfd;
	w->loop.epfd = -1;
	loop_close(&w->loop);
	w->pool.limit.total = 0; /* pool_stop would refuse it */
	pool_stop(&w->pool);
	timer_heap_free(&w->alarms);
	munmap(w->door.message, DOOR_MESSAGE_MOST);
	munmap(w->moving.stays, w->heritage.arena->record_most);
	free(w->door.keys);
	w->is_up = false;
}

static bool is_kept(const struct recovery *r, int fd)
{
	for (unsigned i = 0; i < r->fd_count; i++)
		if (r->fds[i] == fd)
			return true;
	return false;
}

/* As worker/fds.c does, among the descriptors of all workers. */
static void close_others(const struct sibling *w)
{
	for (int fd = 0; fd < SIBLINGS_FDS; fd++)
		if (!is_kept(&w->recovery, fd) && siblings_is_free(w->all, w, fd))
			close(fd);
}

uint64_t sibling_held(const struct sibling *w)
{
	return sibling_metric(w, METRIC_connections_accepted_total) +
	       sibling_metric(w, METRIC_connections_moved_in_total) -
	       sibling_metric(w, METRIC_connections_moved_out_total) -
	       sibling_metric(w, METRIC_connections_ended_total);
}

void sibling_recover(struct sibling *w)
{
	atomic_store(&w->slot->live, (uint32_t)sibling_held(w));
	atomic_store(&w->slot->state, SLOT_STARTING);
	w->heritage.resumes = true;
	assert_true(recovery_survey(&w->recovery, &w->heritage));
	close_others(w);
	assert_true(loop_adopt(&w->loop, w->heritage.epfd));
	loop_forget(&w->loop, w->heritage.wires[w->heritage.number].fds[WIRE_DOOR]);
	begin_serving(w);
	assert_null(w->recovery.emptied);
	recovery_passed(w->heritage.arena);
}

/* What has not moved ends, whether offered or not. */
void sibling_stop(struct sibling *w)
{
	int epfd = w->loop.epfd;

	if (w->is_up) {
		offer_end(&w->moving.offer);
		dispatch_end_all(&w->pool, CLOSE_stopped);
		door_close(&w->door);
		sibling_die(w);
	} else {
		epfd = w->heritage.epfd;
	}
	close(epfd);
	arena_free(w->heritage.arena);
	for (unsigned i = 0; i < SIBLING_LISTENERS; i++)
		option_free(SECTION_listen, &w->listens[i]);
}

int sibling_connect(struct sibling *w, uint32_t listener)
{
	struct addr remote = { .len = sizeof(sa_family_t), .sa.sa_family = AF_UNIX };
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
			 0);
	siblings_keep(w->all, ends[1]);
	cell_add(&w->slot->tally.listeners[listener].connections_accepted_total, 1);
	dispatch_accept(&w->pool, listener, ends[0], &remote);
	return ends[1];
}

void sibling_turn(struct sibling *w)
{
	assert_true(loop_turn(&w->loop, 0));
	dispatch_end_turn(&w->pool);
	atomic_fetch_add(&w->slot->turns, 1);
	rebalance_note(&w->rebalance, w->pool.limit.total);
	leave_step(&w->leave);
}

void sibling_alarm(struct sibling *w, int64_t ms)
{
	w->ahead_ms += ms;
	loop_read_clock(&w->loop);
	w->loop.now_ms += w->ahead_ms;
	w->loop.now_us += w->ahead_ms * 1000;
	alarms_expire(&w->alarms, w->loop.now_ms);
}

enum offer_state sibling_send(struct sibling *from, const struct sibling *to, unsigned count)
{
	struct offer *offer = &from->moving.offer;
	const struct heritage *h = &from->heritage;
	struct receiver receiver = { heritage_slot(&to->heritage), to->info->generation, -1 };

	receiver.doorbell = heritage_doorbell(h, to->info);
	assert_int_equal(offer->count, 0);
	for (uint32_t i = 0; offer->count < count; i++)
		if (record_is_client(sibling_record(from, i)))
			offer->list[offer->count++] = i;
	return offer_send(offer, &receiver, MOVE_rebalance);
}

enum offer_state sibling_offer(struct sibling *from, const struct sibling *to, unsigned count)
{
	enum offer_state state = sibling_send(from, to, count);

	if (state != OFFER_WAITS)
		return state;
	siblings_settle(from->all);
	state = offer_look(&from->moving.offer);
	siblings_settle(from->all);
	return state;
}

struct record *sibling_record(const struct sibling *w, uint32_t index)
{
	return arena_record(w->heritage.arena, index);
}

uint64_t sibling_metric(const struct sibling *w, enum metric metric)
{
	return metric_sum(&w->slot->tally, metric);
}

unsigned sibling_conns(const struct sibling *w)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < w->heritage.arena->head->record_high; i++)
		count += record_is_client(sibling_record(w, i));
	return count;
}
