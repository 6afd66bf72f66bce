/* SPDX-License-Identifier: MIT */
/*
 * Shows how the connections are spread over the workers: reads a server's scoreboard and prints one
 * line for each worker that is ready, `number pid live messages`. Must not write to the file.
 *
 *   spread SCOREBOARD
 */
#include <inttypes.h>
#include <stdio.h>

#include "stats/scoreboard.h"

static void print_slot(const struct scoreboard *board, unsigned i)
{
	const struct slot *slot = &board->slots[i];
	const struct slot_info *info = &board->infos[i];

	if (scoreboard_state(board, i) != SLOT_READY)
		return;
	printf("%" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64 "\n", info->number, info->pid,
	       slot->live, metric_sum(&slot->tally, METRIC_messages_total));
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
	for (unsigned i = 0; i < scoreboard_slots(board); i++)
		print_slot(board, i);
	scoreboard_unview(board);
	return CODE_OK;
}
