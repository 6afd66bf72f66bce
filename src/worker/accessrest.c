/* SPDX-License-Identifier: MIT */
/*
 * Empties a dead worker's access log. Must not wait, and must not follow a pointer that a worker
 * could have written.
 */
#include "worker/accessrest.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/accessbuf.h"
#include "worker/accesslog.h"
#include "worker/record_check.h"

struct rest {
	const struct accessfile *file;
	const struct conf *conf;
	unsigned generation, number;
	struct worker_tally *tally;
	struct accessbuf buf;
	struct access_clock clock;
	int64_t offset_us; /* of the wall's clock */
	struct err err;    /* why no more is written; "" it is */
	uint64_t lost;
};

static void drain(struct rest *r)
{
	struct accessbuf_flow flow;

	if (r->err.text[0] != '\0')
		return;
	flow = accessbuf_flush(&r->buf, &r->file->outlet, &r->tally->access_log_lines_total,
			       &r->tally->access_log_lost_total);
	r->lost += flow.cut;
	if (flow.error != 0)
		err_set(&r->err, CODE_OSERR, "%s", strerror(flow.error));
}

/* After an error nobody will come back for them. */
static void drop(struct rest *r)
{
	uint64_t lines = accessbuf_drop_all(&r->buf);

	r->lost += lines;
	cell_add(&r->tally->access_log_lost_total, lines);
}

static void tell(struct rest *r, struct conn *c)
{
	int64_t now_us = clock_us();
	struct access_entry entry;
	struct strbuf line;
	char state[3];

	if (!accessbuf_has_room(&r->buf, ACCESSLINE_MOST)) {
		drain(r);
		drop(r);
	}
	record_check_tell(&entry, r->buf.arena, r->conf, c, CLOSE_worker_lost, now_us, state);
	entry.time = now_us + r->offset_us;
	entry.generation = r->generation;
	entry.worker = r->number;
	line = accessbuf_room(&r->buf);
	if (accessline_write(&line, &entry, r->conf->log_format == LOG_JSON, &r->clock))
		accessbuf_add(&r->buf, line.used);
}

/* Whose they were the records may say; nothing is known of those without one. */
static void tell_connections(struct rest *r, uint32_t count)
{
	uint32_t index = 0;

	for (uint32_t i = 0; i < count; i++)
		tell(r, record_check_next(r->buf.arena, &index));
}

static void empty(struct rest *r, uint32_t connections)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	r->offset_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - clock_us();
	tell_connections(r, connections);
	drain(r);
	drop(r);
	if (r->lost == 0)
		return;
	cell_add(&r->tally->access_log_failures_total, 1);
	LOG(EVENT_access_log_failed, LOG_NUM("worker", r->number), LOG_NUM("lost", r->lost),
	    LOG_STR("message", r->err.text));
}

/* The master's own may be another generation's already. */
void accessrest_write(struct arena *arena, const struct conf *conf, uid_t owner,
		      unsigned generation, unsigned number, uint32_t connections,
		      struct worker_tally *tally)
{
	struct rest r = { .file = accesslog_file(),
			  .conf = conf,
			  .generation = generation,
			  .number = number,
			  .tally = tally,
			  .buf = accessbuf_of(arena) };
	struct accessfile other = ACCESSFILE_CLOSED;

	if (strcmp(conf->log_access, "off") == 0)
		return;
	if (strcmp(conf->log_access, r.file->target) != 0) {
		(void)accessfile_open(&other, conf->log_access, owner, &r.err);
		r.file = &other;
	}
	empty(&r, connections);
	accessfile_close(&other);
}
