/* SPDX-License-Identifier: MIT */
/*
 * The access log: a line for each ended connection and for each request that a service reports, as
 * far as its format has one. The master opens its file. Each worker gathers lines in its arena and
 * writes them when there are many, after a second, and when it exits. It writes between two pieces
 * of work where it can, so that a slow disk is not blamed on the connection in hand. The log never
 * blocks: lines that the reader does not accept are kept while there is room, then lost and
 * counted.
 */
#ifndef ACCESSLOG_ACCESSLOG_H
#define ACCESSLOG_ACCESSLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "accesslog/accessbuf.h"
#include "accesslog/accessline.h"
#include "base/err.h"
#include "base/logfile.h"
#include "base/loop.h"
#include "base/timer.h"
#include "base/writer.h"
#include "config/conf.h"
#include "stats/metric.h"

struct accesslog_file {
	char target[4096];    /* off, stderr or a path, as in the configuration */
	struct writer writer; /* for the file, or for stderr */
	struct logfile file;
};
#define ACCESSLOG_FILE_CLOSED                                      \
	{                                                          \
		"off", WRITER_CLOSED, LOGFILE_CLOSED("access log") \
	}

/*
 * Opens target in place of the current one. A file is created and given to owner as the log is.
 * Returns false with err, and nothing changes.
 */
bool accesslog_file_open(struct accesslog_file *file, const char *target, uid_t owner,
			 struct err *err);
void accesslog_file_close(struct accesslog_file *file);

/*
 * Reopens a file; does nothing for other targets. Returns false with err, and the old file stays.
 * *is_other is set when later lines go to another file.
 */
bool accesslog_file_reopen(struct accesslog_file *file, bool create, bool *is_other,
			   struct err *err);

/* The format that conf's access log has; never ACCESS_AUTO. */
enum access_format accesslog_format(const struct conf *conf);

/*
 * Opens conf's target, for the workers' user ((uid_t)-1: the process's user), in place of the
 * current one. Returns false with err, and nothing changes. For the master, and the child
 * that becomes a worker of a generation whose log the master does not have open yet.
 */
bool accesslog_open(const struct conf *conf, uid_t owner, struct err *err);

/*
 * As log_reopen, log_forget_folder, log_own and log_fds (base/log.h). Waiting lines are first
 * written to the old file, unless it has no name any more.
 */
bool accesslog_reopen(bool create, struct err *err);
void accesslog_forget_folder(void);
void accesslog_own(void);
enum { ACCESSLOG_FDS = LOGFILE_FDS };
unsigned accesslog_fds(int *fds);

/* The file of this process. */
const struct accesslog_file *accesslog_file(void);

/* True when the access log is on. Callers check it before they gather a line's fields. */
extern bool accesslog_is_on; /* written by accesslog_start */

/*
 * Makes this process a worker that counts in tally, with loop as its clock. Continues with the
 * lines that an earlier worker left in the memory.
 */
void accesslog_start(struct accessbuf_memory memory, struct worker_tally *tally,
		     const struct loop *loop);

/* From now on lines are also written after a second. Uses one alarm of the heap. */
void accesslog_watch(struct timer_heap *alarms);

/*
 * Adds a line; fills in the entry's time, worker and generation. Only when accesslog_is_on. When
 * there is no room it writes first: a worker that dies in that write has not added the line yet.
 */
void accesslog_add(struct access_entry *entry);

/* clock_us() as last read by the worker's loop. */
int64_t accesslog_now_us(void);

/* Writes the waiting lines, as far as they are accepted now. */
void accesslog_flush(void);

/*
 * With no connection in hand: flushes when more than `bytes` bytes wait and the last write was not
 * refused.
 */
enum { ACCESSLOG_MANY = 48 * 1024, ACCESSLOG_FULL = ACCESSBUF_SIZE - ACCESSLINE_MOST };
void accesslog_relieve(size_t bytes);

#endif
