/* SPDX-License-Identifier: MIT */
/*
 * Parts of a scoreboard, overwritten: an input is patches of 4 bytes of place, 1 of length and so
 * many bytes. What is written of the board must keep its grammar.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "unit/board.h"
#include "unit/grammar_of.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { HEAD = 5, CHUNK = 8192 };

/* Most places are in slots that nobody lives in: half of the patches go to the parts before them. */
static size_t place_of(const uint8_t *head, size_t length)
{
	uint32_t place;
	size_t most = sizeof(struct scoreboard);

	memcpy(&place, head, sizeof(place));
	if (place % 2 == 0)
		most = offsetof(struct scoreboard, slots) + 4 * sizeof(struct slot);
	return place / 2 % (most - length);
}

static void patch(struct scoreboard *board, const uint8_t *bytes, size_t size)
{
	while (size > HEAD) {
		size_t length = bytes[4];

		if (length > size - HEAD)
			length = size - HEAD;
		memcpy((char *)board + place_of(bytes, length), bytes + HEAD, length);
		bytes += HEAD + length;
		size -= HEAD + length;
	}
	atomic_fetch_and(&board->folds, ~1U); /* an odd one is waited for */
}

static void must_hold(const struct report *report, const struct piece *parts, unsigned count,
		      bool (*is_right)(const char *text, const char **at))
{
	char *text = board_write(report, parts, count, CHUNK);
	const char *at;

	if (!is_right(text, &at))
		abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct scoreboard *board = board_typical();
	struct report report = board_report(board);

	patch(board, bytes, size);
	must_hold(&report, report_json, report_json_count, grammar_of_json);
	must_hold(&report, report_metrics, report_metrics_count, grammar_of_metrics);
	free(board);
	return 0;
}
