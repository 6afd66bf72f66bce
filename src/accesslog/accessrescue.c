/* SPDX-License-Identifier: MIT */
/* Writes out a dead worker's access log. It never blocks, and knows no connection. */
#include "accesslog/accessrescue.h"

#include <string.h>

#include "accesslog/accessbuf.h"
#include "accesslog/accesslog.h"
#include "base/clock.h"
#include "base/log.h"

static void write_waiting(struct accessrescue *r)
{
	struct accessbuf_flow flow;

	if (r->err.text[0] != '\0')
		return;
	flow = accessbuf_flush(&r->buf, &r->file->writer, &r->tally->access_log_lines_total,
			       &r->tally->access_log_lost_total);
	r->lost += flow.cut;
	if (flow.error != 0)
		err_set(&r->err, CODE_OSERR, "%s", strerror(flow.error));
}

/* After an error no process would write them later. */
static void drop_waiting(struct accessrescue *r)
{
	uint64_t lines = accessbuf_drop_all(&r->buf);

	r->lost += lines;
	cell_add(&r->tally->access_log_lost_total, lines);
}

bool accessrescue_open(struct accessrescue *r, struct accessbuf_memory memory,
		       const struct conf *conf, uid_t owner, unsigned number,
		       struct worker_tally *tally)
{
	*r = (struct accessrescue){ .file = accesslog_file(),
				    .other = ACCESSLOG_FILE_CLOSED,
				    .conf = conf,
				    .number = number,
				    .tally = tally,
				    .buf = accessbuf_of(memory) };
	if (strcmp(conf->log_access, "off") == 0)
		return false;
	/* the master's own file may already belong to another generation */
	if (strcmp(conf->log_access, r->file->target) != 0) {
		(void)accesslog_file_open(&r->other, conf->log_access, owner, &r->err);
		r->file = &r->other;
	}
	r->offset_us = clock_wall_offset_us();
	return true;
}

void accessrescue_add(struct accessrescue *r, struct access_entry *entry)
{
	struct strbuf line;

	if (!accessentry_has(entry, accesslog_format(r->conf)))
		return;
	if (!accessbuf_has_room(&r->buf, ACCESSLINE_MOST)) {
		write_waiting(r);
		drop_waiting(r);
	}
	entry->time = clock_us() + r->offset_us;
	line = accessbuf_room(&r->buf);
	if (accessline_write(&line, entry, accesslog_format(r->conf), &r->clock))
		accessbuf_add(&r->buf, line.used);
}

void accessrescue_close(struct accessrescue *r)
{
	write_waiting(r);
	drop_waiting(r);
	accesslog_file_close(&r->other);
	if (r->lost == 0)
		return;
	cell_add(&r->tally->access_log_failures_total, 1);
	LOG(EVENT_access_log_failed, LOG_NUM("worker", r->number), LOG_NUM("lost", r->lost),
	    LOG_STR("message", r->err.text));
}
