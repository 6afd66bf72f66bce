/* SPDX-License-Identifier: MIT */
/*
 * Fields of a scoreboard, overwritten. An input is a byte that selects the written part of the
 * reports, and patches of 1 byte of field, 2 of offset within it, 1 of length and that many bytes.
 * The reports on that board must keep their grammar.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "unit/board.h"
#include "unit/grammar_of.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { HEAD = 4, CHUNK = 8192, PARTS_MOST = 64 };

#define FIELD(name)                                                                          \
	{                                                                                    \
		offsetof(struct scoreboard, name), sizeof(((struct scoreboard *)NULL)->name) \
	}

/* Append only: the corpus holds indexes of this table, which no change of the layout moves. */
static const struct field {
	size_t at, size;
} fields[] = {
	FIELD(started_ms),
	FIELD(program),
	FIELD(origin),
	FIELD(slots_used),
	FIELD(workers_used),
	FIELD(has_ended),
	FIELD(stop_due_ms),
	FIELD(reload.done),
	FIELD(reload.outcomes),
	FIELD(server),
	FIELD(past[0]),
	FIELD(listeners[0].life),
	FIELD(listeners[0].address),
	FIELD(listeners[1].service),
	FIELD(listeners[1].queue),
	FIELD(crash_count),
	FIELD(crash_notes),
	FIELD(bans),
	FIELD(bans.places[3].net),
	FIELD(moment_count),
	FIELD(moments),
	FIELD(mark_count),
	FIELD(marks),
	FIELD(slots[0]),
	FIELD(slots[0].state),
	FIELD(infos[0].number),
	FIELD(slots[0].tally),
	FIELD(slots[0].tally.message_seconds),
	FIELD(slots[2].state),
	FIELD(slots[2].notes.seq),
	FIELD(slots[2].notes.count),
	FIELD(slots[2].notes.list[0].remote.family),
	FIELD(slots[2].notes.list[0].listener),
	FIELD(slots[2].notes.list),
	FIELD(infos[2]),
	FIELD(slots[2].tally.connections_not_moved_total),
	FIELD(slots[2].tally.connections_moved_out_total),
	FIELD(lame_duck_until_ms),
};
enum { FIELDS = sizeof(fields) / sizeof(*fields) };

static size_t cut(size_t length, size_t most)
{
	return length < most ? length : most;
}

/* Applies each patch; with `from`, restores the bytes of that board in its place. */
static void patch(struct scoreboard *board, const struct scoreboard *from, const uint8_t *bytes,
		  size_t size)
{
	while (size > HEAD) {
		const struct field *field = &fields[bytes[0] % FIELDS];
		size_t taken = cut(bytes[3], size - HEAD), length = cut(taken, field->size);
		size_t at = field->at + (bytes[1] + bytes[2] * 256U) % (field->size - length + 1);

		memcpy((char *)board + at,
		       from ? (const char *)from + at : (const char *)bytes + HEAD, length);
		bytes += HEAD + taken;
		size -= HEAD + taken;
	}
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

/* A part with more than one piece is a list. */
static unsigned count_lists(void)
{
	unsigned lists = 0;

	for (unsigned i = 0; i < report_json_count; i++)
		lists += report_json[i].most > 1;
	return lists;
}

/* Writes everything outside the lists, and one of the lists. */
static void check_list(const struct report *report, unsigned which)
{
	struct piece parts[PARTS_MOST];
	unsigned lists = 0;

	if (report_json_count > PARTS_MOST)
		abort();
	for (unsigned i = 0; i < report_json_count; i++) {
		parts[i] = report_json[i];
		if (parts[i].most > 1 && lists++ != which)
			parts[i].most = 0;
	}
	must_hold(report, parts, report_json_count, grammar_of_json);
}

/* Writes one part, since the whole takes a hundred times as long. */
static void check_part(const struct report *report, unsigned which)
{
	unsigned lists = count_lists();

	if (which < lists)
		check_list(report, which);
	else
		must_hold(report, &report_metrics[(which - lists) % report_metrics_count], 1,
			  grammar_of_metrics);
}

/* A board has 12 MiB: it is made once, and an input's patches are undone. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct scoreboard *board, *whole; /* identical between two inputs */
	struct report report;

	if (size == 0)
		return 0;
	if (!board) {
		board = board_typical();
		whole = board_typical();
	}
	report = board_report(board);
	patch(board, NULL, bytes + 1, size - 1);
	check_part(&report, bytes[0]);
	patch(board, whole, bytes + 1, size - 1);
	return 0;
}
