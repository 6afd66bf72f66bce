/* SPDX-License-Identifier: MIT */
/*
 * A dead worker's arena with anything in it. The input is patches of the arena's head, a byte for
 * the number of connections, and for each side of each a byte for its listener, patches of its
 * record (records.h), and what it has of a PROXY header. What the master says of the dead worker,
 * and a recovery with the service of what is kept, must come to an end whatever the arena holds.
 */
#include <stdlib.h>
#include <string.h>

#include "accesslog/accessline.h"
#include "base/clock.h"
#include "base/sys.h"
#include "worker/door/arrival.h"
#include "worker/recovery/record_check.h"
#include "worker/recovery/recovery.h"

#include "fuzz/records.h"

enum { FIRST_FD = 3, FDS_MOST = 64, PAIRED = 0x10 };

#define FIELD(name)                                                                          \
	{                                                                                    \
		offsetof(struct arena_head, name), sizeof(((struct arena_head *)NULL)->name) \
	}

/* Append only: the corpus holds indexes of this table, which no change of the layout moves. */
static const struct field {
	size_t at, size;
} fields[] = {
	FIELD(magic),          FIELD(record_high),    FIELD(empty_handed),  FIELD(leaving),
	FIELD(give_up_ms),     FIELD(in_hand),        FIELD(last_call),     FIELD(conn_number),
	FIELD(offered.number), FIELD(offered.slot),   FIELD(offered.cause), FIELD(arriving.number),
	FIELD(arriving.slot),  FIELD(arriving.cause),
};
enum { FIELDS = sizeof(fields) / sizeof(*fields) };

static void patch_head(struct arena_head *head, struct input *input)
{
	while (input->at < input->end) {
		uint8_t row = input_byte(input);

		if (row >= FIELDS)
			return;
		for (size_t i = 0; i < fields[row].size; i++)
			((char *)head)[fields[row].at + i] = (char)input_byte(input);
	}
}

/* In the place of what a patch has put there, unless it is one alone. */
static void open_pipe(struct record *r)
{
	int ends[2];

	records_open_pipe(ends);
	if (r->file != 0)
		r->file = ends[0];
	if (r->pipe_end != 0)
		r->pipe_end = ends[1];
}

/* The connections of an arena that is sound, but for the patches. */
static void fill_arena(struct records *all, struct arena *arena, struct input *input)
{
	uint32_t sides = input_byte(input) % (RECORDS_SIDES + 1);
	uint32_t buf = 0;

	arena->head->record_high = sides;
	for (uint32_t i = 0; i < sides; i++) {
		struct record *r = arena_record(arena, i);
		uint8_t which = input_byte(input);
		bool has_peer = which & PAIRED && i + 1 < sides && i % 2 == 0;
		bool is_peer = i % 2 == 1 && arena_record(arena, i - 1)->peer == i + 1;

		records_fill(r, which % RECORDS_LISTENERS, is_peer ? SIDE_PEER : SIDE_CLIENT,
			     records_connect(all));
		r->magic = RECORD_MAGIC;
		r->index = i;
		r->peer = has_peer ? i + 2 : 0;
		if (is_peer) {
			r->listener = arena_record(arena, i - 1)->listener;
			r->peer = i;
		}
		if (which & 0x20)
			r->in = (struct record_buf){ ++buf, 0, 10 };
		if (which & 0x40)
			r->out = (struct record_buf){ ++buf, 0, 10 };
		if (which & 0x80) {
			r->file = records_open_file();
			r->file_left = 10;
		}
		*record_guard(r, arena->record_stride) = RECORD_GUARD;
		records_patch(r, arena->record_stride - sizeof(*r), input);
		if (r->is_piped && r->file_left > 0)
			open_pipe(r);
		if (r->proxy != PROXY_NONE)
			records_fill_header(r, &arena->proxies[i], &arena->proxy_texts[i], input);
	}
}

/* What the master reads of it: the report of the crash, and the last lines of the access log. */
static void report_death(const struct records *all, const struct arena *arena)
{
	struct recovery_in_hand hand;
	struct record_loss loss = { arena, &all->conf, NULL, CLOSE_worker_lost, clock_us(), 1, 0 };
	struct access_clock clock = { 0 };
	uint32_t index = 0;

	recovery_in_hand(arena, all->pool.slot, &all->conf, clock_ms(), &hand);
	if (hand.state > CONN_LINGERING || strlen(hand.last_call) == 0)
		abort();
	do {
		static char line[ACCESSLINE_MOST];
		struct strbuf to = strbuf_on(line, sizeof(line));
		struct access_entry entry;
		char state[3];

		loss.r = record_check_next(arena, &index);
		record_check_tell(&loss, &entry, state);
		if (!accessline_write(&to, &entry, index % 2 ? ACCESS_LOGFMT : ACCESS_JSON, &clock))
			abort();
	} while (loss.r);
}

static void close_from(int first)
{
	for (int fd = first; fd < FDS_MOST; fd++)
		close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct records all;
	static int first_free;
	struct input input = { bytes, bytes + size };
	struct arena *arena = all.heritage.arena;
	struct recovery recovery;
	struct slot *slot;

	if (!all.board) {
		records_start(&all);
		close(records_open_file());
		first_free = dup(0);
		close(first_free);
		arena = all.heritage.arena;
	}
	slot = all.pool.slot;
	memset(arena->head, 0, sizeof(*arena->head));
	memset(arena->records, 0, (size_t)arena->record_most * arena->record_stride);
	arena->head->magic = ARENA_MAGIC;
	atomic_store(&slot->door_taken[1], door_note(7, input_byte(&input) % 4));
	atomic_store(&slot->live, input_byte(&input));
	fill_arena(&all, arena, &input);
	patch_head(arena->head, &input);
	report_death(&all, arena);
	all.heritage.resumes = true;
	if (!recovery_survey(&recovery, &all.heritage) || !pool_start(&all.pool) ||
	    !recovery_adopt(&recovery, &all.pool))
		abort();
	recovery_end(&recovery);
	records_serve(&all, &input);
	close_from(first_free);
	return 0;
}
