/* SPDX-License-Identifier: MIT */
/*
 * The log: one line an event, `time level event role= pid= name=value ...`, or the same as one JSON
 * object. A line is one write(2), so processes that share the file never mix within a line
 * (O_APPEND). Goes to stderr, a file, or syslog. In colour on a terminal, unless NO_COLOR is set.
 *
 * The log never waits: where nobody reads, or there is no room, whole lines are lost and counted,
 * and the number is told (log_lines_lost) by the process that lost them, once there is room again.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* In the order of the option log.level's words. */
enum log_level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_NOTICE, LEVEL_WARNING, LEVEL_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

/* tables/events.def: EVENT_server_started ... */
enum log_event {
#define EVENT(name, level, sentence) EVENT_##name,
#include "tables/events.def"
	EVENT_COUNT
};

struct log_row {
	const char *name;
	enum log_level level;
	const char *sentence;
};
extern const struct log_row log_rows[EVENT_COUNT];

/* A name and a value; text NULL means the value is the number. */
struct log_field {
	const char *name;
	const char *text;
	int64_t number;
};
#define LOG_STR(name, value) ((struct log_field){ (name), (value), 0 })
#define LOG_NUM(name, value) ((struct log_field){ (name), NULL, (int64_t)(value) })

/*
 * Opens the log at path ("stderr", "syslog" or a file, created with mode 0640 and given to owner
 * when that is not (uid_t)-1, so that workers may reopen it; what was there before is not given,
 * and a warning says so). On failure err, and the log stays as it was. Keeps the file's directory
 * open (O_PATH), so that log_reopen finds it whatever the working directory is. Master.
 */
bool log_open(const char *path, enum log_level level, enum log_format format, uid_t owner,
	      struct err *err);

/*
 * Opens the same file anew, as after a rotation; creates it when `create`. False with err: the old
 * one stays.
 */
bool log_reopen(bool create, struct err *err);

/*
 * Lets go of the file's directory, by which a process could leave a chroot; from then on log_reopen
 * of a file fails and says so. Worker.
 */
void log_forget_folder(void);

/*
 * In the child of a fork, before it drops privileges: gives it a description of the log of its own,
 * under the same number, so that nothing that it does to that one is felt by its parent. Forgets
 * the lines that its parent has lost; those of its own are counted nowhere until log_count_in.
 */
void log_own(void);

/*
 * The word that stands for this process in role=, and the number in worker= (-1: none). Call after
 * every fork: it learns the process's id as well, and forgets the lines that its parent has lost.
 */
void log_role(const char *role, int number);

/*
 * The descriptors that the log holds beside stderr: its file and the file's directory, its own way
 * to where stderr leads, or its own socket to syslogd (RFC 3164 datagrams to /dev/log; not
 * syslog(3), whose descriptor nobody knows). A worker that closes what it does not need keeps
 * these. Fills fds (room for LOG_FDS) and returns how many.
 */
enum { LOG_FDS = 2 };
unsigned log_fds(int *fds);

/* True when a line of this event would be written: asks before costly fields are made. */
bool log_wants(enum log_event event);

/* Lines that this process loses are counted there as well (NULL: nowhere), until its next fork. */
void log_count_in(_Atomic uint64_t *cell);

/*
 * While lines are lost: when log_settle is due, else otherwise_ms; it tells of them once there is
 * room.
 */
int64_t log_due_ms(int64_t otherwise_ms);
void log_settle(int64_t now_ms);

/*
 * Writes the line, cut to 8 KiB, or to 4 KiB for a pipe or terminal, which takes so much whole.
 * Before log_open: to stderr, from notice up, as text. Never fails and never waits; keeps errno.
 * Allocates nothing. SIGPIPE and SIGXFSZ must be ignored (config/signals does).
 */
#define LOG(event, ...)                                                                \
	log_write((event), (const struct log_field[]){ { "", "", 0 }, ##__VA_ARGS__ }, \
		  sizeof((const struct log_field[]){ { "", "", 0 }, ##__VA_ARGS__ }) / \
			  sizeof(struct log_field))
/* For LOG: fields[0] keeps the list from being empty and is not written. */
void log_write(enum log_event event, const struct log_field *fields, unsigned count);

#endif
