/* SPDX-License-Identifier: MIT */
/*
 * The log: one line per event, `time level event role= pid= name=value ...`, or the same as a JSON
 * object. A line is one write(2) with O_APPEND, so that processes which share the file never mix
 * within a line. The log goes to stderr, a file, or syslog. It is coloured on a terminal, unless
 * NO_COLOR is set.
 *
 * The log never blocks. Without a reader or without room, whole lines are lost and counted. The
 * process that lost them logs their number (log_lines_lost) once there is room again.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* In the order of the words of option log.level. */
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

/* A name and a value. With text NULL the value is the number. */
struct log_field {
	const char *name;
	const char *text;
	int64_t number;
};
#define LOG_STR(name, value) ((struct log_field){ (name), (value), 0 })
#define LOG_NUM(name, value) ((struct log_field){ (name), NULL, (int64_t)(value) })

/*
 * Opens the log at path: "stderr", "syslog" or a file. A new file has mode 0640 and is given to
 * owner (unless (uid_t)-1), so that workers can reopen it; an existing file keeps its owner, and a
 * warning is logged. Returns false with err, and the log is unchanged. Keeps the file's directory
 * open (O_PATH), so that log_reopen finds the file in any working directory. Master only.
 */
bool log_open(const char *path, enum log_level level, enum log_format format, uid_t owner,
	      struct err *err);

/*
 * Opens the same path again, as after a rotation; creates the file when `create`. Returns false
 * with err, and the old file stays in use.
 */
bool log_reopen(bool create, struct err *err);

/*
 * Closes the file's directory, through which a process could leave a chroot. A later log_reopen of
 * a file fails with a message. Worker only.
 */
void log_forget_folder(void);

/*
 * In the child of a fork, before it drops privileges: replaces the log's description by one of the
 * child's own, under the same descriptor number, so that the child cannot change the parent's
 * flags. Forgets the lines that the parent lost. The child's own lost lines have no shared counter
 * until log_count_in.
 */
void log_own(void);

/*
 * Sets role= and the number in worker= (-1: none) of this process. Call it after every fork: it
 * also reads the process id and forgets the lines that the parent lost.
 */
void log_role(const char *role, int number);

/*
 * Fills fds (LOG_FDS entries) with the descriptors that the log holds beside stderr, and returns
 * their number: its file and the file's directory, its own description of stderr's target, or its
 * own socket to syslogd. A worker that closes unneeded descriptors keeps these. The socket sends
 * RFC 3164 datagrams to /dev/log; syslog(3) is not used because it hides its descriptor.
 */
enum { LOG_FDS = 2 };
unsigned log_fds(int *fds);

/* True when an event of this level is logged. Callers check it before they make costly fields. */
bool log_wants(enum log_event event);

/* Also counts the lines that this process loses in *cell (NULL: nowhere), until its next fork. */
void log_count_in(_Atomic uint64_t *cell);

/*
 * log_due_ms returns when log_settle is due while output is pending, else otherwise_ms. log_settle
 * then writes the pending output, as far as there is room.
 */
int64_t log_due_ms(int64_t otherwise_ms);
void log_settle(int64_t now_ms);

/*
 * Writes a line, cut to 8 KiB, or to 4 KiB for a pipe or terminal, the most that is written whole.
 * Before log_open lines go to stderr, as text, from level notice up. Never fails and never blocks;
 * keeps errno. Does not allocate. SIGPIPE and SIGXFSZ must be ignored (config/signals does this).
 */
#define LOG(event, ...)                                                                \
	log_write((event), (const struct log_field[]){ { "", "", 0 }, ##__VA_ARGS__ }, \
		  sizeof((const struct log_field[]){ { "", "", 0 }, ##__VA_ARGS__ }) / \
			  sizeof(struct log_field))
/* Only for LOG: fields[0] keeps the array from being empty and is not written. */
void log_write(enum log_event event, const struct log_field *fields, unsigned count);

#endif
