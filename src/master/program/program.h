/* SPDX-License-Identifier: MIT */
/*
 * A program and its copies, as the master knows them: one section program of one generation. Data
 * only; copy.h starts and ends a copy, programs.h decides when. Master only.
 */
#ifndef MASTER_PROGRAM_PROGRAM_H
#define MASTER_PROGRAM_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/output_watch.h"
#include "config/command.h"
#include "config/conf_fields.h"
#include "master/member.h"
#include "master/program/notify_socket.h"
#include "stats/scoreboard.h"

struct copy;
struct program;

/* What a copy writes: its stdout or stderr. */
struct copy_stream {
	struct copy *copy;
	const char *name;
	struct output_watch output;
};

enum { COPY_LAST_LINE = 256, COPY_STREAMS = 2 };

struct copy {
	struct member member;
	struct program *program;
	struct watch report; /* of the execve; fd -1: it is over */
	struct watch notify; /* NOTIFY_SOCKET; fd -1: not open */
	char notify_name[NOTIFY_NAME];
	struct copy_stream streams[COPY_STREAMS]; /* stdout, stderr */
	struct err failure;                       /* why it could not be run; "": it could */
	const char *why; /* it was told to end: retired, max_age ...; NULL: it was not */
	bool was_ready;
	bool is_overdue;   /* it was killed at shutdown_timeout */
	bool has_stranger; /* another process has sent to its notify socket, and the log says so */
	int64_t beat_ms;   /* the last WATCHDOG=1, or when it got ready */
	char last_line[COPY_LAST_LINE]; /* of its stderr */
	unsigned row;                   /* in the scoreboard; SCOREBOARD_COPIES: none */
	uint64_t cpu_us;                /* at the last sample */
	uint64_t memory_bytes;
};

/* Room beyond `copies`: for TTIN and for replacements. */
enum { PROGRAM_SPARE = 16 };

struct program {
	const struct program_conf *conf; /* of the generation */
	struct loop *loop;
	struct scoreboard *board;
	unsigned generation;     /* its id */
	struct command *command; /* owned */
	int *fds;                /* owned: the listening sockets, which the generation owns */
	unsigned fd_count;
	char *fd_names;   /* owned: LISTEN_FDNAMES */
	const char *told; /* the word of its command that names a socket: it gets no LISTEN_FDS */
	unsigned wanted, capacity;
	struct copy *copies; /* owned */
	unsigned row;        /* in the scoreboard */
	int64_t begun_ms;    /* when its first copies were to start */
	bool has_started;    /* they were all ready */
	unsigned early;      /* copies that ended before */
	struct err failure;  /* why they will not be ready; "": they may */
	/* a replacement for age or memory */
	bool is_replacing, has_retired;
	unsigned old, fresh;
	const char *why;
	int64_t looked_ms;
	int64_t shutdown_ms; /* shutdown_timeout */
};

/* Returns a copy that is EMPTY; NULL: there is none. */
static inline struct copy *program_find_empty(const struct program *program)
{
	for (unsigned i = 0; i < program->capacity; i++)
		if (program->copies[i].member.state == MEMBER_EMPTY)
			return &program->copies[i];
	return NULL;
}

#endif
