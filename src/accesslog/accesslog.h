/* SPDX-License-Identifier: MIT */
/*
 * The access log: a line for each connection that has ended and for each request that a service
 * reports. The master opens its file; each worker gathers lines in its arena and writes them when
 * there are many, after a second, and when it leaves. It writes between two pieces of work wherever
 * it can, so that a slow disk is not blamed on the connection in hand. It never waits: lines that
 * no reader takes are kept as long as there is room, then lost and counted.
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
#include "stats/scoreboard.h"

struct accesslog_file {
	char target[4096];    /* off, stderr or a path, as in the configuration */
	struct writer outlet; /* of the file, or of stderr */
	struct logfile file;
};
#define ACCESSLOG_FILE_CLOSED                                      \
	{                                                          \
		"off", WRITER_CLOSED, LOGFILE_CLOSED("access log") \
	}

/*
 * Opens target instead of what was open; a file is made and given to owner as the log is. False
 * with err, and all stays as it was.
 */
bool accesslog_file_open(struct accesslog_file *file, const char *target, uid_t owner,
			 struct err *err);
void accesslog_file_close(struct accesslog_file *file);

/*
 * Opens a file anew; others need not be. False with err: the old one stays. *is_other says that
 * what is written from now on goes to another file.
 */
bool accesslog_file_reopen(struct accesslog_file *file, bool create, bool *is_other,
			   struct err *err);

/* Its descriptors beside stderr. Fills fds (room for ACCESSLOG_FILE_FDS) and returns how many. */
enum { ACCESSLOG_FILE_FDS = LOGFILE_FDS };
unsigned accesslog_file_fds(const struct accesslog_file *file, int *fds);

/*
 * Opens what conf names, for the workers' user (-1: whoever runs), instead of what was open. False
 * with err, and all stays as it was. Master; and the child that becomes a worker of a generation
 * whose log the master does not have open yet.
 */
bool accesslog_open(const struct conf *conf, uid_t owner, struct err *err);

/*
 * As log_reopen, log_forget_folder, log_own and log_fds (base/log.h). What waits is written to the
 * old file first, unless nobody can read that any more.
 */
bool accesslog_reopen(bool create, struct err *err);
void accesslog_forget_folder(void);
void accesslog_own(void);
enum { ACCESSLOG_FDS = ACCESSLOG_FILE_FDS };
unsigned accesslog_fds(int *fds);

/* The process's own. */
const struct accesslog_file *accesslog_file(void);

/* True when lines are wanted: asked before what goes into them is gathered. */
extern bool accesslog_is_on; /* written by accesslog_start */

/*
 * From here on this process is the worker of that number, whose loop tells the time. Goes on with
 * what an earlier one left in the memory.
 */
void accesslog_start(struct accessbuf_memory memory, struct slot *slot, const struct loop *loop,
		     unsigned number);

/* Lines are written after a second from now on, too; one alarm of the heap is used. */
void accesslog_watch(struct timer_heap *alarms);

/*
 * Adds a line; fills in the entry's time, worker and generation. Only when accesslog_is_on. Where
 * there is no room it writes first: a worker that dies of it dies before the line is there.
 */
void accesslog_add(struct access_entry *entry);

/* clock_us() as the worker's loop has it. */
int64_t accesslog_now_us(void);

/* Writes what waits, as far as it is taken now. */
void accesslog_flush(void);

/* With nothing in hand: flushes when more than so many bytes wait and none was refused just now. */
enum { ACCESSLOG_MANY = 48 * 1024, ACCESSLOG_FULL = ACCESSBUF_SIZE - ACCESSLINE_MOST };
void accesslog_relieve(size_t bytes);

#endif
