/* SPDX-License-Identifier: MIT */
/*
 * The last lines of an access log: the lines left by a worker without a successor, and a line for
 * each connection that is lost with it. Master only.
 */
#ifndef ACCESSLOG_ACCESSRESCUE_H
#define ACCESSLOG_ACCESSRESCUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "accesslog/accessbuf.h"
#include "accesslog/accessline.h"
#include "accesslog/accesslog.h"
#include "base/err.h"
#include "config/conf.h"
#include "stats/metric.h"

struct accessrescue {
	const struct accesslog_file *file; /* this process's own, or `other` */
	struct accesslog_file other;
	const struct conf *conf;
	unsigned number; /* of the worker */
	struct worker_tally *tally;
	struct accessbuf buf;
	struct access_clock clock;
	int64_t offset_us; /* wall clock minus clock_us() */
	struct err err;    /* the error that stopped writing; "" for none */
	uint64_t lost;
};

/*
 * Starts with the waiting lines in the memory of the worker of that number. They go
 * to conf's target and are counted in tally. owner as in accesslog_open. The memory may hold any
 * bytes. Returns false when conf has no access log; otherwise the caller must call
 * accessrescue_close. conf and tally are borrowed until then.
 */
bool accessrescue_open(struct accessrescue *rescue, struct accessbuf_memory memory,
		       const struct conf *conf, uid_t owner, unsigned number,
		       struct worker_tally *tally);

/* Adds a line. Fills in the entry's time. */
void accessrescue_add(struct accessrescue *rescue, struct access_entry *entry);

/* Writes all waiting lines. A line that is not accepted at once is lost and counted. */
void accessrescue_close(struct accessrescue *rescue);

#endif
