/* SPDX-License-Identifier: MIT */
/*
 * Writes the slot's cells. Only its workers should; what a worker that was taken over has written
 * there stays until the next change, or server_count_mend.
 */
#include "worker/server_count.h"

#include <string.h>

#include "stats/servers.h"

enum { MEND_MS = 1000 };

/* The other rows have no space in the file: to touch one could be a SIGBUS (mmap(2)). */
static unsigned count_rows(const struct server_count *count)
{
	return count->servers ? scoreboard_servers(count->board) : 0;
}

/*
 * The other workers see it before this one looks at theirs: a server may be full. A damaged record
 * may name any row.
 */
static void change_count(struct server_count *count, const struct record *r, uint32_t change)
{
	bool is_peer = r->side == SIDE_PEER;
	struct server_shared *server;
	unsigned row;
	uint32_t now;

	if (r->server == 0 || !count->servers)
		return;
	row = r->server - 1U;
	now = (is_peer ? count->own.live : count->own.waiting)[row] += change;
	if (row >= count_rows(count))
		return;
	server = &count->servers[row];
	atomic_store(&(is_peer ? server->live : server->waiting)[count->slot], now);
}

void server_sums_add(struct server_sums *sums, const struct record *r)
{
	if (r->server > 0)
		(r->side == SIDE_PEER ? sums->live : sums->waiting)[r->server - 1]++;
}

void server_count_in(struct server_count *count, const struct record *r)
{
	change_count(count, r, 1);
}

void server_count_out(struct server_count *count, const struct record *r)
{
	change_count(count, r, (uint32_t)-1);
}

uint32_t server_count_live(const struct server_count *count, unsigned row)
{
	return count->servers ? server_live(count->board, row) : 0;
}

void server_count_show_oldest(struct server_count *count, unsigned row, int64_t came_us)
{
	if (row >= count_rows(count))
		return;
	count->oldest_us[row] = came_us;
	atomic_store(&count->servers[row].oldest_us[count->slot], came_us);
}

bool server_count_has_older(const struct server_count *count, unsigned row, int64_t came_us)
{
	return count->servers && server_has_older(count->board, row, count->slot, came_us);
}

void server_count_set(struct server_count *count, const struct server_sums *sums)
{
	count->own = *sums;
	memset(count->oldest_us, 0, sizeof(count->oldest_us));
	for (unsigned i = 0; i < count_rows(count); i++) {
		atomic_store(&count->servers[i].live[count->slot], sums->live[i]);
		atomic_store(&count->servers[i].waiting[count->slot], sums->waiting[i]);
		atomic_store(&count->servers[i].oldest_us[count->slot], 0);
	}
}

static void mend_cell(_Atomic uint32_t *cell, uint32_t value)
{
	if (atomic_load_explicit(cell, memory_order_relaxed) != value)
		atomic_store(cell, value);
}

static void mend_time(_Atomic int64_t *cell, int64_t value)
{
	if (atomic_load_explicit(cell, memory_order_relaxed) != value)
		atomic_store(cell, value);
}

void server_count_mend(struct server_count *count, int64_t now_ms)
{
	if (!count->servers || now_ms - count->mended_ms < MEND_MS)
		return;
	count->mended_ms = now_ms;
	for (unsigned i = 0; i < count_rows(count); i++) {
		mend_cell(&count->servers[i].live[count->slot], count->own.live[i]);
		mend_cell(&count->servers[i].waiting[count->slot], count->own.waiting[i]);
		mend_time(&count->servers[i].oldest_us[count->slot], count->oldest_us[i]);
	}
}
