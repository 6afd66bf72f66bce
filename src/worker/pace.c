/* SPDX-License-Identifier: MIT */
/*
 * A slice is long enough that the timers of many connections cost little, and short enough that a
 * client sees a steady flow.
 */
#include "worker/pace.h"

enum {
	SECOND_US = 1000000,
	SLICE_US = 100 * 1000,
	CREDIT_US = 150 * 1000 /* of silence; beyond a slice it makes up for a late timer */
};

static int64_t begin_of(const struct record *r, int64_t now_us)
{
	return r->paced_us > now_us - CREDIT_US ? r->paced_us : now_us - CREDIT_US;
}

size_t pace_allowed(const struct listen_conf *conf, const struct record *r, int64_t now_us)
{
	int64_t past_us = now_us - begin_of(r, now_us);

	if (conf->limit_rate == 0)
		return SIZE_MAX;
	return past_us < SLICE_US ? 0 : (size_t)(past_us * conf->limit_rate / SECOND_US);
}

void pace_note_sent(const struct listen_conf *conf, struct record *r, size_t bytes, int64_t now_us)
{
	int64_t rate = conf->limit_rate, until_us;

	if (rate == 0)
		return;
	until_us = begin_of(r, now_us) + ((int64_t)bytes * SECOND_US + rate - 1) / rate;
	r->paced_us = until_us < now_us ? until_us : now_us;
}

int64_t pace_next_ms(const struct listen_conf *conf, const struct record *r)
{
	return conf->limit_rate == 0 ? 0 : (r->paced_us + SLICE_US + 999) / 1000;
}
