/* SPDX-License-Identifier: MIT */
/*
 * Reads the workers from a scoreboard: the living ones, the last exit of each number, and the
 * connections that a draining one waits for, with the reasons. Workers write there, even while they
 * crash: every text must be bounded and every number checked.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "stats/report.h"
#include "stats/scoreboard.h"

enum { NOTES_TRIES = 100 };

static uint32_t load_u32(const _Atomic uint32_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

const char *report_state_name(uint32_t state)
{
	static const char *const names[] = {
		[SLOT_EMPTY] = "empty",   [SLOT_STARTING] = "starting", [SLOT_READY] = "ready",
		[SLOT_MOVING] = "moving", [SLOT_DRAINING] = "draining", [SLOT_LEAVING] = "leaving"
	};

	return state < sizeof(names) / sizeof(*names) ? names[state] : "unknown";
}

static int format_status(char *text, size_t size, int status)
{
	const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;

	if (WIFSIGNALED(status) && name)
		return snprintf(text, size, "signal %d (%s)", WTERMSIG(status), name);
	if (WIFSIGNALED(status))
		return snprintf(text, size, "signal %d", WTERMSIG(status));
	return snprintf(text, size, "exit code %d", WEXITSTATUS(status));
}

static void format_ago(char *text, size_t size, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	while (i < 3 && seconds < units[i].seconds)
		i++;
	snprintf(text, size, ", %lld%c ago", (long long)(seconds / units[i].seconds),
		 units[i].unit);
}

const char *report_exit(const struct report *report, uint32_t status, int64_t exited_s, char *text)
{
	int length;

	text[0] = '\0';
	if (exited_s <= 0)
		return text;
	length = format_status(text, REPORT_EXIT, (int)(status & 0xffff));
	format_ago(text + length, REPORT_EXIT - (size_t)length,
		   report_since(report->now_s, exited_s));
	return text;
}

static void set_last_exit(const struct report *report, struct report_worker *out)
{
	const struct past *past;

	out->exited_s = 0;
	out->last_exit[0] = '\0';
	if (out->number >= SCOREBOARD_WORKERS)
		return;
	past = &report->board->past[out->number];
	out->exited_s = atomic_load_explicit(&past->exited_s, memory_order_acquire);
	if (out->exited_s < 0)
		out->exited_s = 0;
	report_exit(report, load_u32(&past->exit_status), out->exited_s, out->last_exit);
}

/* Compares the generations of the living workers of one number. */
static bool is_former(const struct report *report, const struct tally *tally,
		      const struct report_worker *worker)
{
	if (worker->number >= SCOREBOARD_WORKERS)
		return false;
	for (unsigned i = tally->first[worker->number]; i > 0; i = tally->next[i - 1]) {
		const struct slot_info *other = &report->board->infos[i - 1];

		if (load_u32(&other->number) == worker->number &&
		    load_u32(&other->generation) > worker->generation)
			return true;
	}
	return false;
}

/* A slot with a wrong number, in a file of another program, has only its own counts. */
static void set_tally(const struct report *report, const struct tally *tally,
		      struct report_worker *out)
{
	if (out->number < SCOREBOARD_WORKERS) {
		tally_worker(tally, report->board, out->number, &out->tally);
		return;
	}
	memset(&out->tally, 0, sizeof(out->tally));
	metric_add_tally(&out->tally, &report->board->slots[out->slot].tally);
}

bool report_worker(const struct report *report, unsigned slot, struct report_worker *out)
{
	const struct slot *from = &report->board->slots[slot];
	const struct slot_info *info = &report->board->infos[slot];
	const struct tally *tally;
	struct tally here;
	uint32_t state;

	if (slot >= scoreboard_slots(report->board))
		return false;
	state = scoreboard_state(report->board, slot);
	if (state == SLOT_EMPTY)
		return false;
	tally = report_tally(report, &here);
	out->slot = slot;
	out->state = (enum slot_state)state;
	out->number = load_u32(&info->number);
	out->generation = load_u32(&info->generation);
	out->pid = load_u32(&info->pid);
	out->live = load_u32(&from->live);
	out->age_s = report_since(report->now_ms,
				  atomic_load_explicit(&info->started_ms, memory_order_relaxed)) /
		     1000;
	out->silent_ms = report_since(report->now_ms, atomic_load_explicit(&from->heartbeat_ms,
									   memory_order_relaxed));
	set_tally(report, tally, out);
	set_last_exit(report, out);
	out->is_former = is_former(report, tally, out);
	return true;
}

/* False when the worker is writing the notes, or died while it wrote them. */
static bool copy_notes(const struct conn_notes *notes, struct conn_note *list, unsigned *count)
{
	uint32_t before = atomic_load_explicit(&notes->seq, memory_order_acquire);

	*count = load_u32(&notes->count);
	memcpy(list, notes->list, sizeof(notes->list));
	atomic_thread_fence(memory_order_acquire);
	return before % 2 == 0 && before == load_u32(&notes->seq) && *count <= SLOT_NOTES;
}

static unsigned read_notes(const struct report *report, unsigned slot, struct conn_note *list)
{
	unsigned count;

	for (unsigned i = 0; i < NOTES_TRIES; i++)
		if (copy_notes(&report->board->slots[slot].notes, list, &count))
			return count;
	return 0;
}

/* Insertion sort, the oldest first: there are at most SLOT_NOTES of them. */
static void sort_by_age(struct conn_note *list, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		struct conn_note note = list[i];
		unsigned k = i;

		for (; k > 0 && list[k - 1].opened_ms > note.opened_ms; k--)
			list[k] = list[k - 1];
		list[k] = note;
	}
}

static void set_conn(const struct report *report, const struct conn_note *note,
		     struct report_conn *out)
{
	net_write(&note->remote, note->remote_port, out->remote);
	report_listener_name(report, note->listener, out->listen, out->service);
	out->state = scoreboard_conn_state_name(note->state);
	out->age_ms = report_since(report->now_ms, note->opened_ms);
	out->idle_ms = report_since(report->now_ms, note->active_ms);
	out->bytes_in = note->bytes_in;
	out->bytes_out = note->bytes_out;
}

unsigned report_conns(const struct report *report, unsigned slot, struct report_conn *out,
		      unsigned most)
{
	struct conn_note list[SLOT_NOTES];
	unsigned count = read_notes(report, slot, list);

	sort_by_age(list, count);
	if (count > most)
		count = most;
	for (unsigned i = 0; i < count; i++)
		set_conn(report, &list[i], &out[i]);
	return count;
}

uint64_t report_stays(const struct report *report, unsigned slot, enum stay_reason reason)
{
	const struct worker_tally *own = &report->board->slots[slot].tally;
	uint64_t value = cell_get(&own->connections_not_moved_total[reason]);

	return value <= METRIC_MOST ? value : 0;
}

const char *report_stay_list(const struct report *report, unsigned slot, char *text)
{
	struct strbuf list = strbuf_on(text, REPORT_STAYS - 1);

	for (unsigned i = 0; i < STAY_REASONS; i++) {
		uint64_t count = report_stays(report, slot, i);

		if (count == 0)
			continue;
		if (list.used > 0)
			strbuf_raw(&list, ", ");
		strbuf_grouped(&list, count);
		strbuf_raw(&list, " ");
		strbuf_raw(&list, stay_reason_name(i));
	}
	text[list.used] = '\0';
	return text;
}
