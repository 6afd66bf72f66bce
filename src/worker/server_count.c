/* SPDX-License-Identifier: MIT */
/* Writes the slot's cells, which its workers alone write. */
#include "worker/server_count.h"
#include "stats/servers.h"

/* The cell in which the record counts; NULL: none. */
static _Atomic uint32_t *find_cell(const struct server_count *count, const struct record *r)
{
	struct server_shared *server;

	if (r->server == 0 || !count->servers)
		return NULL;
	server = &count->servers[r->server - 1];
	return r->side == SIDE_PEER ? &server->live[count->slot] : &server->waiting[count->slot];
}

/* The other workers see it before this one looks at theirs: a server may be full. */
static void change_cell(_Atomic uint32_t *cell, uint32_t change)
{
	if (cell)
		atomic_fetch_add(cell, change);
}

void server_count_in(const struct server_count *count, const struct record *r)
{
	change_cell(find_cell(count, r), 1);
}

void server_count_out(const struct server_count *count, const struct record *r)
{
	change_cell(find_cell(count, r), (uint32_t)-1);
}

uint32_t server_count_live(const struct server_count *count, unsigned row)
{
	return count->servers ? server_live(count->board, row) : 0;
}

void server_count_reset(const struct server_count *count)
{
	for (unsigned i = 0; count->servers && i < SCOREBOARD_SERVERS; i++) {
		atomic_store(&count->servers[i].live[count->slot], 0);
		atomic_store(&count->servers[i].waiting[count->slot], 0);
	}
}
