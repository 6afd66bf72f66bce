/* SPDX-License-Identifier: MIT */
/*
 * Passes standard input on, as it comes (raw) or each line as a message. What ends it:
 *
 *   raw            the peer's end; or, without -N, silence after the end of the input
 *   line, length   as many answers as there were lines
 *
 * Where nothing was sent, line and length end as raw does: the peer speaks without being asked.
 */
#include "client/stream.h"

#include "base/clock.h"
#include "base/sys.h"
#include "client/complain.h"

/* The answers are counted. */
static bool is_counted(const struct exchange *x)
{
	return x->wish->framing != FRAMING_RAW && x->feed.messages > 0 && !x->wish->no_answers;
}

static bool is_all_sent(const struct exchange *x)
{
	return x->feed.is_ended && feed_left(&x->feed) == 0 && !x->is_mute;
}

/* When the silence is long enough, if it ends anything; else INT64_MAX. */
static int64_t silence_us(const struct exchange *x, int64_t ended_us)
{
	int64_t last_us = x->heard_us > ended_us ? x->heard_us : ended_us;

	if (!is_all_sent(x) || x->wish->half_close || is_counted(x) || x->heard == 0)
		return INT64_MAX;
	return last_us + (int64_t)x->wish->quiet_ms * 1000;
}

/* When the peer is late, if it has to do anything; else INT64_MAX. */
static int64_t timeout_us(const struct exchange *x)
{
	bool is_asked = is_counted(x) && x->hear.answers < x->feed.messages;

	if (feed_left(&x->feed) > 0 || x->feed.is_ended || x->is_mute || is_asked)
		return x->moved_us + (int64_t)x->wish->timeout_ms * 1000;
	return INT64_MAX;
}

/* When a dump shows what its last row waits for. */
static int64_t pause_us(const struct exchange *x)
{
	const struct show *show = &x->hear.show;

	if (show->row_used == 0 && show->plain.count == 0)
		return INT64_MAX;
	return x->heard_us + (int64_t)x->wish->quiet_ms * 1000;
}

static bool is_done(const struct exchange *x, int64_t now_us, int64_t ended_us)
{
	if (!is_all_sent(x) || x->wish->half_close)
		return false;
	if (is_counted(x))
		return x->hear.answers >= x->feed.messages;
	return x->wish->no_answers || now_us >= silence_us(x, ended_us);
}

/* True when input is there that nobody will get any more. */
static bool has_more_input(struct exchange *x)
{
	struct pollfd poll = { .fd = STDIN_FILENO, .events = POLLIN };
	char byte;

	return !x->feed.is_ended && sys_poll(&poll, 1, 0) > 0 &&
	       sys_read(STDIN_FILENO, &byte, 1) > 0;
}

static bool conclude(struct exchange *x, struct err *err)
{
	bool is_raw = !is_counted(x), is_good = x->broken == 0 && feed_left(&x->feed) == 0;

	if (is_raw && !x->wish->no_answers && x->sent > 0 && x->heard == 0)
		is_good = false;
	if (!is_raw && (x->hear.answers < x->feed.messages))
		is_good = false;
	if (!is_good)
		return complain_ended(x, "", err);
	if (!is_raw && (x->hear.answers > x->feed.messages || x->hear.part > 0))
		return complain_glued(x, err);
	if (x->link->peer_ended && has_more_input(x))
		return err_set(err, CODE_FAILED,
			       "%s: the peer has closed its side before the end of the input",
			       x->name);
	return hear_end(&x->hear, err);
}

static bool too_late(struct exchange *x, struct err *err)
{
	if (feed_left(&x->feed) == 0 && x->link->is_shut && x->broken == 0 &&
	    !(is_counted(x) && x->hear.answers < x->feed.messages))
		return complain_unended(x, err);
	/* nothing was asked, nothing came */
	if (x->sent == 0 && x->broken == 0 && feed_left(&x->feed) == 0)
		return true;
	return complain_late(x, "", err);
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

bool stream_run(struct exchange *x, struct err *err)
{
	int64_t ended_us = 0;

	for (;;) {
		int64_t now_us = clock_us(), pause = pause_us(x), until_us;

		if (x->feed.is_ended && ended_us == 0)
			ended_us = now_us;
		if (is_all_sent(x) && x->wish->half_close && !x->link->is_shut)
			exchange_shut(x);
		if (x->link->peer_ended || is_done(x, now_us, ended_us))
			return conclude(x, err);
		until_us = silence_us(x, ended_us);
		if (until_us == INT64_MAX && now_us >= timeout_us(x))
			return too_late(x, err);
		if (now_us >= pause && !show_pause(&x->hear.show, err))
			return false;
		if (until_us == INT64_MAX)
			until_us = timeout_us(x);
		if (!exchange_turn(x, earliest(until_us, pause_us(x)), true, err))
			return false;
	}
}
