/* SPDX-License-Identifier: MIT */
/*
 * The attacks of the service `evil` that pass messages through the doors of other workers, those of
 * the next generation as well. A message that went out counts as a success.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/brief.h"
#include "base/clock.h"
#include "base/rights.h"
#include "services/evil.h"
#include "services/services.h"
#include "worker/door/door.h"

enum { SIZE_MOST = 4096, NESTS_MOST = 16, NEST_DEPTH = 3, PATCH_MOST = 4 };

struct message {
	struct door_head head;
	char bytes[SIZE_MOST];
};

static struct message sent;
static int fds[RIGHTS_MOST];
static unsigned fd_count;

/* The door of the worker in that slot, or -1. */
static int find_door(unsigned slot)
{
	const struct heritage *h = evil_heritage;
	const struct slot_info *info = &h->board->infos[slot];

	if (slot == heritage_slot(h) || atomic_load(&info->is_taken) == 0)
		return -1;
	return heritage_doorbell(h, info);
}

static void pass_message(struct attempt *attempt, int door, size_t size)
{
	const struct iovec part = { &sent, size };

	attempt->tried++;
	attempt->succeeded += rights_send(door, &part, 1, fds, fd_count, MSG_DONTWAIT) >= 0;
}

static void each_door(struct attempt *attempt,
		      void (*attack)(struct attempt *attempt, unsigned slot, int door))
{
	for (unsigned slot = 0; slot < SCOREBOARD_SLOTS; slot++) {
		int door = find_door(slot);

		if (door >= 0)
			attack(attempt, slot, door);
	}
}

static void fill_randomly(void *to, size_t size)
{
	for (size_t at = 0; at + sizeof(uint64_t) <= size; at += sizeof(uint64_t)) {
		uint64_t number = evil_random() >> evil_random() % 64;

		memcpy((char *)to + at, &number, sizeof(number));
	}
}

/* A connection that its other end has left, and a file: both are kept for all messages. */
static int open_ended(void)
{
	static int ended = -1;
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int listener, other;

	if (ended >= 0)
		return ended;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ended = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&at, len) == 0 && listen(listener, 1) == 0 &&
	    getsockname(listener, (struct sockaddr *)&at, &len) == 0 &&
	    connect(ended, (struct sockaddr *)&at, len) == 0) {
		other = accept(listener, NULL, NULL);
		close(other);
	}
	close(listener);
	return ended;
}

static const struct listener *find_listener(void)
{
	const struct listener_set *set = evil_heritage->listeners;

	for (unsigned i = 0; i < set->count; i++)
		if (strcmp(set->list[i].conf->service, "echo") == 0)
			return &set->list[i];
	return &set->list[0];
}

/* A message in which all is right: one connection. */
static size_t write_message(unsigned slot)
{
	const struct heritage *h = evil_heritage;
	const struct listener *listener = find_listener();
	struct record r = { .state = CONN_OPEN, .opened_us = clock_us(), .active_ms = clock_ms() };

	sent.head = (struct door_head){
		.magic = DOOR_MAGIC,
		.version = DOOR_VERSION,
		.record_size = sizeof(struct record),
		.sender = heritage_slot(h),
		.receiver = slot,
		.generation = atomic_load(&h->board->infos[slot].generation),
		.cause = MOVE_rebalance,
		.batch = (uint64_t)clock_us(),
		.key = door_key_of(listener, service_find(listener->conf->service)),
		.conns = 1,
		.fds = 1,
	};
	memcpy(sent.bytes, &r, sizeof(r));
	fds[0] = open_ended();
	fd_count = 1;
	return sizeof(sent.head) + sizeof(r);
}

static void pass_garbage(struct attempt *attempt, unsigned slot, int door)
{
	(void)slot;
	fill_randomly(&sent, sizeof(sent));
	if (evil_random() % 2)
		sent.head.magic = DOOR_MAGIC;
	fds[0] = STDERR_FILENO;
	fd_count = evil_random() % 2;
	pass_message(attempt, door, evil_random() % sizeof(sent));
}

void evil_door_garbage(struct attempt *attempt)
{
	each_door(attempt, pass_garbage);
}

static void patch_record(size_t size)
{
	size_t patches = evil_random() % PATCH_MOST;

	for (size_t i = 0; i < patches; i++) {
		size_t at = evil_random() % (size - sizeof(sent.head) - sizeof(uint32_t));
		uint32_t number = (uint32_t)(evil_random() >> evil_random() % 64);

		memcpy(sent.bytes + at, &number, sizeof(number));
	}
}

static void pass_forged(struct attempt *attempt, unsigned slot, int door)
{
	size_t size = write_message(slot);

	patch_record(size);
	if (evil_random() % 8 == 0)
		fds[0] = (int)(evil_random() % 16);
	pass_message(attempt, door, size);
}

void evil_door_forged(struct attempt *attempt)
{
	each_door(attempt, pass_forged);
}

/* More is announced than comes, or something else. */
static void spoil_head(size_t *size)
{
	switch (evil_random() % 10) {
	case 0:
		sent.head.conns = 1 + (uint32_t)(evil_random() % DOOR_CONNS_MOST);
		break;
	case 1:
		sent.head.fds = (uint32_t)(evil_random() % RIGHTS_MOST);
		break;
	case 2:
		fd_count = 0;
		break;
	case 3:
		sent.head.version = (uint32_t)(evil_random() % 4);
		break;
	case 4:
		sent.head.record_size += 8;
		break;
	case 5:
		sent.head.batch = evil_random() >> evil_random() % 64;
		break;
	case 6:
		sent.head.sender = (uint32_t)(evil_random() % SCOREBOARD_SLOTS);
		break;
	case 7:
		sent.head.receiver = (uint32_t)(evil_random() % SCOREBOARD_SLOTS);
		break;
	case 8:
		sent.head.generation = (uint32_t)(evil_random() % 4);
		break;
	default:
		*size = sizeof(sent.head) + evil_random() % (*size - sizeof(sent.head));
		break;
	}
}

static void pass_half(struct attempt *attempt, unsigned slot, int door)
{
	size_t size = write_message(slot);

	spoil_head(&size);
	pass_message(attempt, door, size);
}

void evil_door_halves(struct attempt *attempt)
{
	each_door(attempt, pass_half);
}

/* Each holds the one before in its queue, and the innermost a socket that lingers. */
static int make_nest(int type)
{
	const struct iovec byte = { .iov_base = &(char){ 0 }, .iov_len = 1 };
	int held = evil_lingering(), ends[2];

	for (unsigned i = 0; i < NEST_DEPTH && held >= 0; i++) {
		if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0)
			break;
		(void)rights_send(ends[1], &byte, 1, &held, 1, MSG_DONTWAIT);
		close(ends[1]);
		close(held);
		held = ends[0];
	}
	return held;
}

static void pass_nest(struct attempt *attempt, unsigned slot, int door)
{
	size_t size = write_message(slot);
	struct brief brief;

	fds[0] = make_nest(attempt->tried % 2 ? SOCK_STREAM : SOCK_SEQPACKET);
	if (fds[0] < 0)
		return;
	if (attempt->tried % 3 == 0)
		sent.head.version = 0;
	pass_message(attempt, door, attempt->tried % 4 == 0 ? 1 : size);
	brief_begin(&brief); /* the receiver may have closed its copy before */
	close(fds[0]);
	brief_end(&brief);
}

/* As many as a message holds: its own door, which then holds itself, pipes, what it shares. */
static void pass_many(struct attempt *attempt, unsigned slot, int door)
{
	size_t size = write_message(slot);
	int ends[2];

	if (pipe(ends) < 0)
		return;
	for (fd_count = 0; fd_count < RIGHTS_MOST; fd_count++)
		fds[fd_count] = fd_count % 3 == 0 ? door : ends[fd_count % 2];
	sent.head.fds = fd_count;
	pass_message(attempt, door, size);
	close(ends[0]);
	close(ends[1]);
}

void evil_door_rights(struct attempt *attempt)
{
	each_door(attempt, attempt->tried < NESTS_MOST ? pass_nest : pass_many);
}

static void shut(struct attempt *attempt, int door)
{
	if (door < 0)
		return;
	attempt->tried++;
	attempt->succeeded += shutdown(door, SHUT_RDWR) == 0;
}

static void shut_all(struct attempt *attempt, const struct doors *doors)
{
	for (unsigned i = 0; i < doors->count; i++)
		shut(attempt, doors->fds[i]);
}

/* Its own, those of its peers, of the next generation and the last one: for all their holders. */
void evil_door_shut(struct attempt *attempt)
{
	const struct heritage *h = evil_heritage;

	for (unsigned i = 0; i < h->peer_count; i++)
		shut(attempt, h->wires[i].fds[i == h->number ? WIRE_DOOR : WIRE_DOORBELL]);
	shut_all(attempt, &h->next);
	shut_all(attempt, &h->previous);
}
