/* SPDX-License-Identifier: MIT */
/*
 * Message, answer, message, answer:
 *
 *   interval -> sending (and receiving) -> all sent -> answer whole -> the next one
 *
 * then, with -N, the peer's end.
 */
#include "client/session_run.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "client/complain.h"

/* One message under way. */
struct round {
	uint64_t number, of; /* from 1 */
	char which[64];
	int64_t start_us;
};

static int64_t latest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t timeout_us(const struct exchange *x)
{
	return x->moved_us + (int64_t)x->wish->timeout_ms * 1000;
}

/* Of the last answer in raw, with -N, the peer's end tells the end, not silence. */
static bool ends_in_silence(const struct exchange *x, const struct round *round)
{
	return x->wish->framing == FRAMING_RAW && x->hear.part > 0 &&
	       !(x->wish->half_close && round->number == round->of);
}

static int64_t silence_us(const struct exchange *x)
{
	return latest(x->heard_us, x->sent_us) + (int64_t)x->wish->quiet_ms * 1000;
}

static bool is_answered(const struct exchange *x, const struct round *round, int64_t now_us)
{
	if (x->wish->no_answers)
		return true;
	if (x->wish->framing != FRAMING_RAW)
		return x->hear.answers >= round->number;
	if (x->link->peer_ended)
		return x->hear.part > 0;
	return ends_in_silence(x, round) && now_us >= silence_us(x);
}

/* Everything is out: with the last message, and -N, the peer is told so. */
static void shut_after_last(struct exchange *x, const struct round *round)
{
	bool is_out = feed_left(&x->feed) == 0 && !x->is_mute;

	if (x->wish->half_close && round->number == round->of && is_out && !x->link->is_shut)
		exchange_shut(x);
}

/* Goes on until the message is sent and its answer is there. */
static bool await(struct exchange *x, const struct round *round, struct err *err)
{
	for (;;) {
		int64_t now_us = clock_us(), until_us = timeout_us(x);
		bool is_sent = feed_left(&x->feed) == 0 && !x->is_mute;
		bool is_there = is_answered(x, round, now_us);

		shut_after_last(x, round);
		if (is_sent && is_there)
			return true;
		if (x->link->peer_ended && (x->is_mute || !is_there))
			return complain_ended(x, round->which, err);
		if (is_sent && ends_in_silence(x, round))
			until_us = silence_us(x);
		else if (now_us >= until_us)
			return complain_late(x, round->which, err);
		if (!exchange_turn(x, until_us, false, err))
			return false;
	}
}

static bool keep_interval(struct exchange *x, struct err *err)
{
	int64_t until_us = clock_us() + (int64_t)x->wish->interval_ms * 1000;

	while (clock_us() < until_us)
		if (!exchange_turn(x, until_us, false, err))
			return false;
	return true;
}

static void tell_answer(const struct exchange *x, const struct round *round)
{
	bool is_raw = x->wish->framing == FRAMING_RAW;

	if (x->wish->no_answers || x->hear.answers != round->number)
		return;
	story_tell(x->story,
		   "answer %" PRIu64 " of %" PRIu64 ": %" PRIu64 " byte%s after %lld us%s",
		   round->number, round->of, x->hear.size, x->hear.size == 1 ? "" : "s",
		   (long long)(x->heard_us - round->start_us),
		   !is_raw             ? "" :
		   x->link->peer_ended ? ", ended by the peer" :
					 ", then silence");
}

static bool say(struct exchange *x, const struct round *round, const char *message, struct err *err)
{
	if (!feed_message(&x->feed, message, err))
		return false;
	x->moved_us = clock_us();
	if (!await(x, round, err))
		return false;
	if (x->hear.part > 0 && x->wish->framing == FRAMING_RAW && !hear_finish(&x->hear, err))
		return false;
	tell_answer(x, round);
	return true;
}

/* With -N until the peer has ended too, else only a look. */
static bool await_end(struct exchange *x, struct err *err)
{
	int64_t until_us = 0;

	x->moved_us = clock_us();
	do {
		if (x->link->peer_ended)
			break;
		if (x->wish->half_close)
			until_us = timeout_us(x);
		if (!exchange_turn(x, until_us, false, err))
			return false;
		if (x->wish->half_close && !x->link->peer_ended && clock_us() >= timeout_us(x))
			return complain_unended(x, err);
	} while (x->wish->half_close);
	if (x->hear.excess > 0)
		return complain_glued(x, err);
	return x->broken == 0 || complain_ended(x, "", err);
}

bool rounds_run(struct exchange *x, struct err *err)
{
	int count = x->wish->message_count;
	struct round round = { .of = UINT64_MAX };

	if (__builtin_mul_overflow((uint64_t)count, (uint64_t)x->wish->rounds, &round.of))
		round.of = UINT64_MAX;
	x->hear.most = round.of;
	for (uint64_t i = 0; i < round.of; i++) {
		if (i > 0 && x->wish->interval_ms > 0 && !keep_interval(x, err))
			return false;
		round.number = i + 1;
		round.start_us = clock_us();
		if (round.of > 1)
			snprintf(round.which, sizeof(round.which),
				 "message %" PRIu64 " of %" PRIu64 ": ", round.number, round.of);
		if (!say(x, &round, x->wish->messages[i % (uint64_t)count], err))
			return false;
	}
	return await_end(x, err);
}
