/* SPDX-License-Identifier: MIT */
/*
 * What a scoreboard remembers: crashes, refused addresses, the last minutes and what happened in
 * them. The lists are rings: the place that is written next may be half written, so nothing is read
 * there.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "stats/report.h"

enum { CAUSE_TEXT = 16 };

/* The place of the entry that is `back` ago in a ring of `room` places; -1: there is none. */
static int place_of(const _Atomic uint32_t *written, unsigned room, unsigned back)
{
	uint32_t count = atomic_load_explicit(written, memory_order_acquire);

	if (back >= room - 1 || back >= count)
		return -1;
	return (int)((count - 1 - back) % room);
}

/* False when the ring has gone round since the place was found. */
static bool is_still_there(const _Atomic uint32_t *written, unsigned room, int place)
{
	atomic_thread_fence(memory_order_acquire);
	return (int)(atomic_load_explicit(written, memory_order_relaxed) % room) != place;
}

static void end_texts(struct crash_note *note)
{
	note->listen[sizeof(note->listen) - 1] = '\0';
	note->service[sizeof(note->service) - 1] = '\0';
	note->remote[sizeof(note->remote) - 1] = '\0';
	note->state[sizeof(note->state) - 1] = '\0';
	note->last_call[sizeof(note->last_call) - 1] = '\0';
}

bool report_crash(const struct report *report, unsigned back, struct crash_note *out)
{
	const struct scoreboard *board = report->board;
	int place = place_of(&board->crash_count, SCOREBOARD_CRASHES, back);

	if (place < 0)
		return false;
	memcpy(out, &board->crash_notes[place], sizeof(*out));
	end_texts(out);
	return is_still_there(&board->crash_count, SCOREBOARD_CRASHES, place);
}

const char *report_cause(const struct crash_note *note, char *text)
{
	const char *name = note->signal < NSIG ? sigabbrev_np((int)note->signal) : NULL;

	if (note->hung != 0)
		snprintf(text, CAUSE_TEXT, "hang");
	else if (note->signal == 0)
		snprintf(text, CAUSE_TEXT, "exit");
	else if (name != NULL)
		snprintf(text, CAUSE_TEXT, "SIG%s", name);
	else
		snprintf(text, CAUSE_TEXT, "signal %u", note->signal % 1000);
	return text;
}

bool report_moment(const struct report *report, unsigned back, struct moment *out)
{
	const struct scoreboard *board = report->board;
	int place = place_of(&board->moment_count, SCOREBOARD_MOMENTS, back);

	if (place < 0)
		return false;
	memcpy(out, &board->moments[place], sizeof(*out));
	return is_still_there(&board->moment_count, SCOREBOARD_MOMENTS, place);
}

bool report_mark(const struct report *report, unsigned back, struct mark *out)
{
	const struct scoreboard *board = report->board;
	int place = place_of(&board->mark_count, SCOREBOARD_MARKS, back);

	if (place < 0)
		return false;
	memcpy(out, &board->marks[place], sizeof(*out));
	return is_still_there(&board->mark_count, SCOREBOARD_MARKS, place);
}

const char *report_mark_name(uint32_t kind)
{
	static const char *const names[] = { [MARK_START] = "start",
					     [MARK_CRASH] = "crash",
					     [MARK_HANG] = "hang",
					     [MARK_RELOAD] = "reload",
					     [MARK_RELOAD_FAILED] = "reload_failed" };

	return kind < sizeof(names) / sizeof(*names) ? names[kind] : "unknown";
}

/* An address, or the block that stands for an IPv6 client. False when it is neither. */
static bool write_net(const struct net *net, char *text)
{
	bool is_four = net->family == AF_INET;
	char host[INET6_ADDRSTRLEN];

	if ((!is_four && net->family != AF_INET6) || net->bits > (is_four ? 32 : 128))
		return false;
	inet_ntop(net->family, net->bytes, host, sizeof(host));
	if (net->bits == (is_four ? 32 : 128))
		snprintf(text, ADDR_TEXT, "%s", host);
	else
		snprintf(text, ADDR_TEXT, "%s/%u", host, net->bits);
	return true;
}

bool report_penalty(const struct report *report, unsigned place, struct report_penalty *out)
{
	const struct ban *from = &report->board->bans.places[place];
	int64_t until_ms = atomic_load_explicit(&from->until_ms, memory_order_acquire);
	struct net net;

	memcpy(&net, &from->net, sizeof(net));
	if (from->first_ms == 0 || until_ms <= report->now_ms || !write_net(&net, out->net))
		return false;
	out->crashes = from->crashes;
	out->left_ms = report_since(until_ms, report->now_ms);
	return true;
}
