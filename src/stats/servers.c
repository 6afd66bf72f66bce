/* SPDX-License-Identifier: MIT */
/* Other processes may have written anything to what is shared. */
#include "stats/servers.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/sys.h"

_Static_assert((int)SERVER_SLOTS == (int)SCOREBOARD_SLOTS, "a cell for each slot");
_Static_assert((int)CLOSE_COUNT < 256, "an ending fits into a byte of a verdict");

#define LOAD(field)         atomic_load_explicit(&(field), memory_order_relaxed)
#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

static bool is_row(const struct server_row *row, const char *upstream, const char *address)
{
	return LOAD(row->life) != SERVER_NEVER &&
	       strncmp(row->upstream, upstream, sizeof(row->upstream)) == 0 &&
	       strncmp(row->address, address, sizeof(row->address)) == 0;
}

int server_find(const struct scoreboard *board, const char *upstream, const char *address)
{
	for (unsigned i = 0; i < scoreboard_servers(board); i++)
		if (is_row(&board->server_rows[i], upstream, address))
			return (int)i;
	return -1;
}

static bool is_free(const struct scoreboard *board, unsigned row)
{
	return LOAD(board->server_rows[row].life) == SERVER_GONE &&
	       board->server_rows[row].users == 0 && server_live(board, row) == 0;
}

/* Its addresses and its counts are of another server. */
static void clear_row(struct scoreboard *board, unsigned row)
{
	STORE(board->server_rows[row].life, SERVER_NEVER);
	STORE(board->server_rows[row].is_drained, 0);
	memset(&board->server_names[row], 0, sizeof(board->server_names[row]));
	memset(&board->servers[row], 0, sizeof(board->servers[row]));
}

static int find_place(struct scoreboard *board)
{
	unsigned used = scoreboard_servers(board);

	if (used < SCOREBOARD_SERVERS)
		return scoreboard_use_servers(board, used + 1) ? (int)used : -1;
	for (unsigned i = 0; i < used; i++)
		if (is_free(board, i)) {
			clear_row(board, i);
			return (int)i;
		}
	errno = ENOSPC;
	return -1;
}

int server_enlist(struct scoreboard *board, const char *upstream, const char *address)
{
	int row = server_find(board, upstream, address);
	struct server_row *own;

	if (row < 0)
		row = find_place(board);
	if (row < 0)
		return -1;
	own = &board->server_rows[row];
	if (LOAD(own->life) == SERVER_NEVER) {
		snprintf(own->upstream, sizeof(own->upstream), "%s", upstream);
		snprintf(own->address, sizeof(own->address), "%s", address);
		atomic_store_explicit(&own->life, SERVER_GONE, memory_order_release);
	}
	own->users++;
	return row;
}

void server_leave(struct scoreboard *board, unsigned row)
{
	board->server_rows[row].users--;
}

/* Workers may have written any numbers, also to cells of slots that no worker has. */
static uint32_t sum_cells(const struct scoreboard *board, const _Atomic uint32_t *cells)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < scoreboard_slots(board); i++)
		if (LOAD(board->infos[i].is_taken) != 0)
			sum += atomic_load(&cells[i]);
	return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

uint32_t server_live(const struct scoreboard *board, unsigned row)
{
	return sum_cells(board, board->servers[row].live);
}

uint32_t server_waiting(const struct scoreboard *board, unsigned row)
{
	return sum_cells(board, board->servers[row].waiting);
}

bool server_has_older(const struct scoreboard *board, unsigned row, unsigned slot, int64_t came_us)
{
	const struct server_shared *server = &board->servers[row];

	for (unsigned i = 0; i < scoreboard_slots(board); i++) {
		int64_t oldest_us = LOAD(server->oldest_us[i]);

		if (i != slot && LOAD(board->infos[i].is_taken) != 0 && oldest_us > 0 &&
		    oldest_us < came_us)
			return true;
	}
	return false;
}

void server_forget_slot(struct scoreboard *board, unsigned slot)
{
	for (unsigned i = 0; i < scoreboard_servers(board); i++) {
		STORE(board->servers[i].live[slot], 0);
		STORE(board->servers[i].waiting[slot], 0);
		STORE(board->servers[i].oldest_us[slot], 0);
	}
}

/* The address of a name is an internet address. */
static socklen_t length_of(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return sizeof(struct sockaddr_in);
	return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : 0;
}

static unsigned copy_names(const struct server_names *names, struct addr *list)
{
	uint32_t count = LOAD(names->count);
	unsigned copied = 0;

	for (unsigned i = 0; i < count && i < SERVER_ADDRESSES; i++) {
		struct addr *to = &list[copied];

		to->len = length_of(&names->list[i]);
		memcpy(&to->sa, &names->list[i], to->len);
		copied += to->len > 0;
	}
	return copied;
}

/* A writer that died within has left the number odd: then the last try counts. */
unsigned server_read_names(const struct server_names *names, struct addr *list)
{
	enum { TRIES = 100 };
	unsigned count = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		uint32_t seq = atomic_load_explicit(&names->seq, memory_order_acquire);

		count = copy_names(names, list);
		atomic_thread_fence(memory_order_acquire);
		if (seq % 2 == 0 && seq == LOAD(names->seq))
			break;
	}
	return count;
}

/*
 * Two generations may look names up at the same time. One that has died while it wrote is waited
 * for once.
 */
static uint32_t begin_names(struct server_names *names)
{
	enum { TRIES = 1000 };
	uint32_t seq = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		seq = LOAD(names->seq);
		if (seq % 2 == 0 && atomic_compare_exchange_strong(&names->seq, &seq, seq + 1))
			return seq + 1;
		sched_yield();
	}
	STORE(names->seq, seq | 1);
	return seq | 1;
}

void server_write_names(struct server_names *names, const struct addr *list, unsigned count)
{
	uint32_t odd = begin_names(names);

	atomic_thread_fence(memory_order_release);
	for (unsigned i = 0; i < count && i < SERVER_ADDRESSES; i++)
		memcpy(&names->list[i], &list[i].sa, list[i].len);
	STORE(names->count, count < SERVER_ADDRESSES ? count : SERVER_ADDRESSES);
	atomic_store_explicit(&names->seq, odd + 1, memory_order_release);
}

/* An order is a bit, the row, and a part of the hash of the server's name. */
enum { ORDER_ROW_BITS = 7, ORDER_HASH_MASK = 0x3fffff };
_Static_assert(SCOREBOARD_SERVERS <= 1 << ORDER_ROW_BITS, "a row fits into an order");

static uint32_t hash_row(const struct server_row *row)
{
	uint64_t upstream =
		hash_bytes(row->upstream, strnlen(row->upstream, sizeof(row->upstream)));
	uint64_t address = hash_bytes(row->address, strnlen(row->address, sizeof(row->address)));

	return (uint32_t)((upstream * 31 ^ address) & ORDER_HASH_MASK);
}

int server_order(const struct scoreboard *board, unsigned row, bool is_drain)
{
	uint32_t hash = hash_row(&board->server_rows[row]);

	return (int)(hash << (ORDER_ROW_BITS + 1) | row << 1 | is_drain);
}

int server_ordered(const struct scoreboard *board, int order, bool *is_drain)
{
	unsigned row = (unsigned)order >> 1 & ((1U << ORDER_ROW_BITS) - 1);

	*is_drain = (order & 1) != 0;
	if (row >= scoreboard_servers(board) || server_order(board, row, *is_drain) != order ||
	    LOAD(board->server_rows[row].life) != SERVER_IN_FORCE)
		return -1;
	return (int)row;
}
