/* SPDX-License-Identifier: MIT */
/* Boards for tests of reports. It must not judge the reports. */
#include "unit/board.h"
#include "stats/servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOW_MS = 10000000, NOW_S = 1700000000 };

struct scoreboard *board_new(void)
{
	struct scoreboard *board = aligned_alloc(SCOREBOARD_PAGE, sizeof(*board));

	if (!board)
		abort();
	memset(board, 0, sizeof(*board));
	board->magic = SCOREBOARD_MAGIC;
	board->version = SCOREBOARD_VERSION;
	board->slot_count = SCOREBOARD_SLOTS;
	scoreboard_use(board, SCOREBOARD_SLOTS, SCOREBOARD_WORKERS);
	board->size = sizeof(*board);
	board->master_pid = 4711;
	board->started_ms = NOW_MS - 90500;
	snprintf(board->program, sizeof(board->program), "1.2.3");
	snprintf(board->origin, sizeof(board->origin), "/etc/prefork-srv.conf");
	return board;
}

struct slot *board_live(struct scoreboard *board, unsigned slot, unsigned number,
			enum slot_state state)
{
	struct slot *s = &board->slots[slot];

	board->infos[slot].number = number;
	board->infos[slot].pid = 5000 + slot;
	board->infos[slot].generation = 1;
	board->infos[slot].started_ms = NOW_MS - 60000;
	board->infos[slot].is_taken = 1;
	s->heartbeat_ms = NOW_MS - 5;
	s->state = state;
	return s;
}

static void note_conn(struct slot *slot, unsigned i, int64_t age_ms)
{
	struct conn_note *note = &slot->notes.list[i];

	note->remote = (struct net){ .family = AF_INET, .bits = 32, .bytes = { 192, 0, 2, 1 } };
	note->remote_port = (uint16_t)(40000 + i);
	note->state = CONN_OPEN;
	note->opened_ms = NOW_MS - age_ms;
	note->active_ms = NOW_MS - 250;
	note->bytes_in = 3;
	slot->notes.count = i + 1;
}

static void remember(struct scoreboard *board)
{
	board->crash_notes[0] = (struct crash_note){ .at_s = NOW_S - 60,
						     .worker = 1,
						     .pid = 4999,
						     .signal = 11,
						     .age_ms = 1500,
						     .listen = "127.0.0.1:80",
						     .service = "ack",
						     .remote = "192.0.2.9:1",
						     .state = "open",
						     .last_call = "recv" };
	board->crash_count = 1;
	board->past[1].exit_status = 11;
	board->past[1].exited_s = NOW_S - 60;
	board->past[1].tally.worker_crashes_total = 1;
	board->moments[0] = (struct moment){ NOW_S - 2, 1, 2, 3, 4 };
	board->moments[1] = (struct moment){ NOW_S - 1, 5, 6, 7, 8 };
	board->moment_count = 2;
	board->marks[0] = (struct mark){ NOW_S - 60, MARK_CRASH, 1 };
	board->mark_count = 1;
	board->bans.places[3].net =
		(struct net){ .family = AF_INET6, .bits = 64, .bytes = { 0x20, 1, 0xd, 0xb8 } };
	board->bans.places[3].crashes = 3;
	board->bans.places[3].first_ms = NOW_MS - 9000;
	board->bans.places[3].until_ms = NOW_MS + 90000;
}

/* One copy of two has ended. */
static void run_program(struct scoreboard *board)
{
	struct program_row *program = &board->programs[0];
	struct copy_row *copy = &board->copies[1];

	snprintf(program->title, sizeof(program->title), "app \"one\"");
	program->life = PROGRAM_IN_FORCE;
	cell_set(&program->tally.program_copies, 2);
	cell_set(&program->tally.program_crashes_total, 1);
	cell_set(&program->tally.program_cpu_seconds_total, 2500000);
	program->exit_status = 9;
	program->exited_s = NOW_S;
	copy->is_taken = 1;
	copy->number = 1;
	copy->pid = 4321;
	copy->starts = 3;
	copy->state = COPY_READY;
	copy->memory_bytes = 4096;
	snprintf(copy->status, sizeof(copy->status), "all \"well\"");
}

/* A server that has failed, with two connections that are left, and one client that waits. */
static void run_server(struct scoreboard *board)
{
	int row = server_enlist(board, "db \"one\"", "10.0.0.1:5432");
	struct server_shared *shared = &board->servers[row];

	board->server_rows[row].life = SERVER_IN_FORCE;
	board->server_rows[row].weight = 3;
	shared->verdict = server_verdict_word(
		(struct server_verdict){ SERVER_FAILED, CLOSE_upstream_refused, NOW_MS - 5000 });
	shared->last_failure = CLOSE_upstream_refused;
	shared->live[0] = 2;
	shared->waiting[0] = 1;
	cell_set(&shared->tally.upstream_failures_total, 3);
	histogram_add(&shared->tally.upstream_connect_seconds, 3, 5);
}

struct scoreboard *board_typical(void)
{
	char names[2][METRIC_COUNTER_NAME] = { "hits", "misses" };
	struct scoreboard *board = board_new();
	struct slot *slot;

	scoreboard_enlist(board, "127.0.0.1:80", "ack");
	scoreboard_enlist(board, "unix:/run/\"x\\y\".sock", "echo");
	(void)scoreboard_name_counters(board, 1, names, 2);
	board->listeners[1].queue.accept_queue_length = 9;
	for (unsigned i = 0; i < 3; i++) {
		slot = board_live(board, i, i, i < 2 ? SLOT_READY : SLOT_DRAINING);
		slot->live = i;
		slot->tally.listeners[i % 2].messages_total = 10 + i;
		slot->tally.accept_paused_seconds_total = 1500000;
		slot->tally.listeners[1].module_counts_total[1] = 20 + i;
	}
	histogram_add(&board->slots[0].tally.message_seconds, 3, 5);
	histogram_add(&board->slots[1].tally.message_seconds, 100000000, 1);
	slot->tally.connections_ended_total[CLOSE_drained] = 4;
	slot->tally.connections_moved_out_total[MOVE_reload] = 7;
	slot->tally.connections_not_moved_total[STAY_too_large] = 2;
	board->slots[1].tally.connections_moved_in_total[MOVE_reload] = 7;
	note_conn(slot, 0, 1000);
	note_conn(slot, 1, 2000);
	run_program(board);
	run_server(board);
	remember(board);
	return board;
}

static void fill_cells(void *cells, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(metric_cell); i++)
		cell_set((metric_cell *)cells + i, UINT64_MAX / 1000 - i);
}

static void fill_text(char *text, size_t size)
{
	memset(text, '"', size);
	text[size - 1] = '\0';
}

static void fill_rings(struct scoreboard *board)
{
	board->crash_count = board->moment_count = board->mark_count = UINT32_MAX;
	memset(board->moments, 0xff, sizeof(board->moments));
	memset(board->marks, 0xff, sizeof(board->marks));
	for (unsigned i = 0; i < SCOREBOARD_CRASHES; i++) {
		struct crash_note *note = &board->crash_notes[i];

		memset(note, 0xff, sizeof(*note));
		note->age_ms = INT64_MAX / 1000;
		fill_text(note->listen, sizeof(note->listen));
		fill_text(note->remote, sizeof(note->remote));
	}
}

static void fill_slot(struct scoreboard *board, unsigned i)
{
	struct slot *slot = board_live(board, i, i % SCOREBOARD_WORKERS, SLOT_DRAINING);

	slot->live = UINT32_MAX;
	board->infos[i].generation = board->infos[i].pid = UINT32_MAX;
	fill_cells(&slot->tally, sizeof(slot->tally));
	for (unsigned k = 0; k < SLOT_NOTES; k++) {
		note_conn(slot, k, k);
		slot->notes.list[k].remote.family = AF_INET6;
		memset(slot->notes.list[k].remote.bytes, 0xee, 16);
		slot->notes.list[k].opened_ms = slot->notes.list[k].active_ms = 1;
		slot->notes.list[k].bytes_in = slot->notes.list[k].bytes_out = UINT64_MAX;
	}
}

struct scoreboard *board_full(void)
{
	struct scoreboard *board = board_new();

	for (unsigned i = 0; i < METRIC_LISTENERS; i++) {
		struct listener_row *row = &board->listeners[i];

		fill_text(row->address, sizeof(row->address));
		row->address[0] = (char)('A' + i);
		fill_text(row->service, sizeof(row->service));
		fill_cells(&row->queue, sizeof(row->queue));
		row->life = LISTENER_OPEN;
	}
	for (unsigned i = 0; i < METRIC_NAMED; i++) {
		char *name = board->listeners[0].counters[i];

		fill_text(name, METRIC_COUNTER_NAME);
		name[0] = (char)('a' + i);
	}
	for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++)
		fill_slot(board, i);
	fill_cells(&board->server, sizeof(board->server));
	fill_text(board->origin, sizeof(board->origin));
	fill_text(board->program, sizeof(board->program));
	board->reload.done = board->reload.begun = 1;
	board->reload.outcomes[1].failed = 1;
	fill_text(board->reload.outcomes[1].message, SCOREBOARD_MESSAGE);
	fill_rings(board);
	return board;
}

static uint64_t next_number(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

void board_spoil(struct scoreboard *board, uint64_t seed)
{
	unsigned char *bytes = (unsigned char *)board;
	uint64_t state = seed * 2654435761U + 1;

	for (size_t i = 0; i + 8 <= sizeof(*board); i += 8) {
		uint64_t number = next_number(&state);

		memcpy(bytes + i, &number, 8);
	}
	atomic_fetch_and(&board->folds, ~1U); /* readers wait while it is odd */
	for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++) {
		struct slot *slot = &board->slots[i];

		if (next_number(&state) % 4 > 0)
			board->infos[i].number %= SCOREBOARD_WORKERS + 2;
		if (next_number(&state) % 4 > 0)
			slot->state %= SLOT_LEAVING + 2;
		slot->notes.count %= SLOT_NOTES + 2;
		slot->notes.seq &= next_number(&state) % 4 ? ~1U : ~0U;
		slot->notes.list[0].remote.family = i % 2 ? AF_INET : AF_INET6;
	}
	for (unsigned i = 0; i < METRIC_LISTENERS; i++)
		board->listeners[i].life %= LISTENER_GONE + 2;
}

struct report board_report(const struct scoreboard *board)
{
	return (struct report){
		.board = board, .now_ms = NOW_MS, .now_s = NOW_S, .is_alive = true
	};
}

char *board_write(const struct report *report, const struct piece *parts, unsigned count,
		  size_t chunk)
{
	struct piece_cursor at = { 0 };
	char *whole = NULL, *room = malloc(chunk);
	bool is_done = false;
	size_t used = 0;
	FILE *out = open_memstream(&whole, &used);

	if (!room || !out)
		abort();
	while (!is_done) {
		struct strbuf text = strbuf_on(room, chunk);

		is_done = report_pieces(report, parts, count, &at, &text);
		fwrite(text.base, 1, text.used, out);
	}
	free(room);
	fclose(out);
	return whole;
}

size_t board_longest(const struct report *report, const struct piece *parts, unsigned count)
{
	char *room = malloc(1 << 17);
	struct report known = *report;
	struct tally tally;
	size_t longest = 0;

	tally_look(&tally, report->board);
	known.tally = &tally;
	for (unsigned p = 0; room && p < count; p++) {
		for (unsigned i = 0; i < parts[p].most; i++) {
			struct strbuf text = strbuf_on(room, 1 << 17);

			parts[p].write(&known, i, true, &text);
			longest = text.used > longest ? text.used : longest;
		}
	}
	free(room);
	return longest;
}
