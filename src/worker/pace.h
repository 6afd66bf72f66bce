/* SPDX-License-Identifier: MIT */
/*
 * The pace of a connection whose listener has limit_rate: it sends in slices, and pauses between
 * them. The record has the moment at which all that was sent would have gone out at that rate, so
 * the pace goes on in another worker. Worker only.
 */
#ifndef WORKER_PACE_H
#define WORKER_PACE_H

#include "config/conf.h"
#include "worker/record.h"

/* The most bytes that it may send now; 0: it pauses; SIZE_MAX: there is no rate. */
size_t pace_allowed(const struct listen_conf *conf, const struct record *r, int64_t now_us);

/* It has sent so many of them. */
void pace_note_sent(const struct listen_conf *conf, struct record *r, size_t bytes, int64_t now_us);

/* When its last pause ends or has ended (clock_ms()); 0: there is no rate. */
int64_t pace_next_ms(const struct listen_conf *conf, const struct record *r);

/* True while it pauses, if there is anything to send. */
static inline bool pace_pauses(const struct listen_conf *conf, const struct record *r,
			       int64_t now_ms)
{
	return conf->limit_rate > 0 && pace_next_ms(conf, r) > now_ms;
}

#endif
