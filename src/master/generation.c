/* SPDX-License-Identifier: MIT */
/*
 * Makes, counts and frees generations. Must not start, signal or reap a process: member.c and
 * workers.c do.
 */
#include "master/generation.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/sys.h"
#include "config/conf_program.h"
#include "config/fdlimit.h"
#include "config/signals.h"
#include "master/program/programs.h"
#include "master/reload_times.h"
#include "net/listen_socket.h"
#include "net/packets.h"
#include "tls/context.h"

enum { EVEN = 1000000 };

/*
 * The kernel doubles it. It holds one message of any size; more would only let the messages of
 * a worker that was taken over delay those of others.
 */
enum { DOOR_SNDBUF = 256 * 1024 };

static void close_fd(int *fd)
{
	if (*fd >= 0)
		sys_close(*fd);
	*fd = -1;
}

void generation_close_doors(struct generation *generation)
{
	for (unsigned i = 0; generation->wires && i < generation->capacity; i++) {
		close_fd(&generation->wires[i].fds[WIRE_DOOR]);
		close_fd(&generation->wires[i].fds[WIRE_DOORBELL]);
	}
	for (unsigned i = 0; i < generation->next_count; i++) {
		close_fd(&generation->next_doors[i]);
		close_fd(&generation->next_doorbells[i]);
	}
	generation->next_count = 0;
	helper_set_close_links(&generation->helpers);
}

static void close_wires(struct generation *generation)
{
	generation_close_doors(generation);
	for (unsigned i = 0; generation->wires && i < generation->capacity; i++)
		for (unsigned k = 0; k < WIRE_FDS; k++)
			close_fd(&generation->wires[i].fds[k]);
	free(generation->wires);
	free(generation->doorbells);
	free(generation->next_doors);
	free(generation->next_doorbells);
	generation->wires = NULL;
}

/*
 * The kernel names the sender of each message (unix(7)); a message holds full buffers (socket(7)).
 */
static bool open_door(int *door, int *doorbell)
{
	int one = 1, size = DOOR_SNDBUF;

	if (!packets_open(doorbell, door))
		return false;
	if (sys_setsockopt(*doorbell, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)sys_setsockopt(*doorbell, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return sys_setsockopt(*door, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) == 0;
}

/*
 * The door that the generation before has made for this number, or a new one: then the workers of
 * that generation cannot reach this one, but its peers can.
 */
static bool take_door(const struct generation *before, unsigned i, int *fds)
{
	if (!before || i >= before->next_count || packets_are_shut(before->next_doors[i]))
		return open_door(&fds[WIRE_DOOR], &fds[WIRE_DOORBELL]);
	fds[WIRE_DOOR] = sys_fcntl_int(before->next_doors[i], F_DUPFD_CLOEXEC, 0);
	fds[WIRE_DOORBELL] = sys_fcntl_int(before->next_doorbells[i], F_DUPFD_CLOEXEC, 0);
	return fds[WIRE_DOOR] >= 0 && fds[WIRE_DOORBELL] >= 0;
}

static bool open_wire(struct wire *wire)
{
	int pair[2];

	wire->fds[WIRE_BELL] = sys_eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (wire->fds[WIRE_BELL] < 0 ||
	    sys_socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	listen_socket_refuse_descriptors(pair[0]);
	listen_socket_refuse_descriptors(pair[1]);
	wire->fds[WIRE_KICKED] = pair[0];
	wire->fds[WIRE_KICK] = pair[1];
	return true;
}

/* As many as a worker has places for, since the next generation may have more workers. */
static bool open_next_doors(struct generation *generation, unsigned workers)
{
	generation->next_doors = malloc(workers * sizeof(int));
	generation->next_doorbells = malloc(workers * sizeof(int));
	if (!generation->next_doors || !generation->next_doorbells)
		return false;
	for (unsigned i = 0; i < workers; i++) {
		generation->next_doors[i] = generation->next_doorbells[i] = -1;
		generation->next_count = i + 1;
		if (!open_door(&generation->next_doors[i], &generation->next_doorbells[i]))
			return false;
	}
	return true;
}

static bool open_wires(struct generation *generation, const struct generation *before)
{
	generation->wires = malloc(generation->capacity * sizeof(*generation->wires));
	generation->doorbells = malloc(generation->capacity * sizeof(int));
	if (!generation->wires || !generation->doorbells)
		return false;
	for (unsigned i = 0; i < generation->capacity; i++)
		generation->wires[i] = (struct wire){ { -1, -1, -1, -1, -1 } };
	for (unsigned i = 0; i < generation->capacity; i++) {
		if (!open_wire(&generation->wires[i]) ||
		    !take_door(before, i, generation->wires[i].fds))
			return false;
		generation->doorbells[i] = generation->wires[i].fds[WIRE_DOORBELL];
	}
	return open_next_doors(generation, generation->capacity);
}

void generation_find_served(struct generation *generation)
{
	const struct listener_set *all = generation->listeners;
	struct listener_set *served = &generation->served;

	served->count = 0;
	for (unsigned i = 0; all && i < all->count; i++)
		if (!conf_program_owns(all->list[i].conf))
			served->list[served->count++] = all->list[i];
}

struct generation *generation_new(struct conf *conf, const struct identity *identity,
				  struct listener_set *listeners, unsigned workers,
				  const struct generation *before, struct err *err)
{
	struct generation *generation = calloc(1, sizeof(*generation));

	if (!generation) {
		err_errno(err, CODE_OSERR, "cannot keep book of %u workers", workers);
		return NULL;
	}
	generation->wanted = workers;
	generation->before = before ? before->id : 0;
	generation->capacity = workers + GENERATION_SPARE;
	generation->members = calloc(generation->capacity, sizeof(*generation->members));
	generation->served.list =
		calloc(listeners ? listeners->count + 1 : 1, sizeof(*generation->served.list));
	if (!generation->members || !generation->served.list ||
	    !hints_new(&generation->hints, generation->capacity)) {
		err_errno(err, CODE_OSERR, "cannot keep book of %u workers", workers);
		generation_free(generation);
		return NULL;
	}
	for (unsigned i = 0; i < generation->capacity; i++)
		generation->members[i].number = i;
	if (!open_wires(generation, before) ||
	    !helper_set_new(&generation->helpers, conf, generation->capacity)) {
		err_errno(err, CODE_OSERR,
			  "cannot make the %u descriptors by which %u workers are woken",
			  WIRE_FDS * generation->capacity +
				  helper_files(conf, generation->capacity),
			  generation->capacity);
		fdlimit_explain(errno, err);
		generation_free(generation);
		return NULL;
	}
	generation->conf = conf;
	generation->identity = *identity;
	generation->listeners = listeners;
	generation_find_served(generation);
	return generation;
}

void generation_free(struct generation *generation)
{
	BUG_ON(generation->listeners);
	close_wires(generation);
	helper_set_free(&generation->helpers);
	hints_free(&generation->hints);
	for (unsigned i = 0; generation->members && i < generation->capacity; i++) {
		BUG_ON(generation->members[i].pid || generation->members[i].keeper);
		if (generation->members[i].arena)
			arena_free(generation->members[i].arena);
	}
	free(generation->members);
	modules_free(&generation->modules);
	free(generation->served.list);
	programs_free(generation->programs);
	tls_sites_free(generation->tls);
	if (generation->conf)
		conf_free(generation->conf);
	free(generation);
}

unsigned generation_count(const struct generation *generation,
			  bool (*is)(const struct member *member))
{
	unsigned count = 0;

	for (unsigned i = 0; i < generation->capacity; i++)
		count += is(&generation->members[i]);
	return count;
}

int64_t generation_ready_ms(const struct generation *generation)
{
	return programs_timeout_ms(generation->programs, RELOAD_READY_MS);
}

bool generation_has_started(const struct generation *generation, const char *what, int64_t now_ms,
			    int64_t late_ms, struct err *err)
{
	unsigned ready = generation_count(generation, member_is_ready);
	unsigned helpers = generation->helpers.count;

	if (generation->failure.text[0] != '\0')
		*err = generation->failure;
	else if (!programs_have_started(generation->programs, what, now_ms, err))
		return false;
	else if (ready == generation->wanted &&
		 helper_set_in(&generation->helpers, HELPER_READY) == helpers)
		return true;
	else if (now_ms >= late_ms && ready == generation->wanted)
		err_set(err, CODE_OSERR, "%u of %u %shelpers were ready within %lld s",
			helper_set_in(&generation->helpers, HELPER_READY), helpers, what,
			(long long)generation_ready_ms(generation) / 1000);
	else if (now_ms >= late_ms)
		err_set(err, CODE_OSERR, "%u of %u %sworkers were ready within %lld s", ready,
			generation->wanted, what,
			(long long)generation_ready_ms(generation) / 1000);
	return false;
}

int generation_vacancy(const struct generation *generation)
{
	for (unsigned i = 0; i < generation->capacity; i++)
		if (generation->members[i].state == MEMBER_EMPTY)
			return (int)i;
	return -1;
}

unsigned generation_seated(const struct generation *generation, unsigned seat)
{
	unsigned count = 0;

	for (unsigned i = 0; i < generation->capacity; i++) {
		const struct member *member = &generation->members[i];

		count += member->seat == seat && member_is_staying(member);
	}
	return count;
}

unsigned generation_seat(const struct generation *generation)
{
	unsigned seat = 0;

	while (generation_seated(generation, seat) > 0)
		seat++;
	return seat;
}

int generation_retire_signal(const struct conf *conf)
{
	return conf->move_connections ? SIGNAL_WORKER_MOVE : SIGQUIT;
}

int64_t generation_deadline_ms(const struct generation *generation, int64_t now_ms)
{
	return now_ms + generation->conf->shutdown_timeout + RELOAD_LEAVE_MARGIN_MS;
}

void generation_close(struct generation *generation, const struct listener_set *kept,
		      bool unlink_paths)
{
	if (!generation->listeners)
		return;
	listener_close_all(generation->listeners, kept, unlink_paths);
	generation->listeners = NULL;
}

static void add_slot(struct generation_load *load, const struct slot *slot, const struct conf *conf,
		     int64_t since_ms)
{
	uint64_t live = atomic_load_explicit(&slot->live, memory_order_relaxed);

	load->workers++;
	load->live += live;
	if (live > load->fullest)
		load->fullest = live;
	if (live >= (uint64_t)conf->worker_connections)
		load->full++;
	else if (atomic_load_explicit(&slot->heartbeat_ms, memory_order_relaxed) <= since_ms)
		load->silent++;
}

struct generation_load generation_load(const struct generation *generation, unsigned socket,
				       unsigned sockets, int64_t since_ms)
{
	struct generation_load load = { 0 };

	for (unsigned i = 0; i < generation->capacity; i++) {
		const struct member *member = &generation->members[i];

		if (member_is_ready(member) && (sockets <= 1 || member->seat % sockets == socket))
			add_slot(&load, &generation->slots[i], generation->conf, since_ms);
	}
	return load;
}

uint64_t generation_balance_ratio(const struct generation_load *load)
{
	if (load->live == 0)
		return EVEN;
	return load->fullest * load->workers * EVEN / load->live;
}
