/* SPDX-License-Identifier: MIT */
/*
 * How the connections are spread over the workers: reads a server's scoreboard and prints one line
 * for each worker that is ready, `number pid live accepted`. Must not write to the file. Called by
 * crowds.py.
 *
 *   spread SCOREBOARD
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/scoreboard.h"

static void print_slot(const struct slot *slot)
{
	if (atomic_load_explicit(&slot->state, memory_order_acquire) != SLOT_READY)
		return;
	printf("%" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64 "\n", slot->number, slot->pid,
	       slot->live, metric_sum(&slot->tally, METRIC_connections_accepted_total));
}

int main(int argc, char **argv)
{
	const struct scoreboard *board;
	struct err err = { 0 };

	if (argc != 2) {
		fprintf(stderr, "usage: spread SCOREBOARD\n");
		return CODE_USAGE;
	}
	board = scoreboard_view(argv[1], &err);
	if (!board) {
		fprintf(stderr, "spread: %s\n", err.text);
		return err.code;
	}
	for (uint32_t i = 0; i < board->slot_count && i < SCOREBOARD_SLOTS; i++)
		print_slot(&board->slots[i]);
	scoreboard_unview(board);
	return CODE_OK;
}
