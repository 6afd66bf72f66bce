/* SPDX-License-Identifier: MIT */
/*
 * The pipes through which a worker passes bulk on without copying it (splice(2)). A few that are
 * empty are kept for the next use; the next worker of the slot closes them. Worker only.
 */
#ifndef WORKER_PAIR_PIPES_H
#define WORKER_PAIR_PIPES_H

#include <stdbool.h>
#include <stdint.h>

struct pipe_ends {
	int read, write;
};

enum { PIPES_KEPT = 8 };

struct pipes {
	struct pipe_ends kept[PIPES_KEPT];
	unsigned count;
	int64_t refused_ms; /* when the system last refused one; 0: never */
};

/*
 * Takes an empty pipe, which the caller owns; *is_new: it was made, so its descriptors have been
 * opened. Returns false when the system refuses one (pipe(7): a user's pages are limited); then
 * none is asked for within the next second.
 */
bool pipes_take(struct pipes *pipes, struct pipe_ends *ends, bool *is_new, int64_t now_ms);

/* Gives an empty pipe back; or closes one that may hold bytes. */
void pipes_give(struct pipes *pipes, struct pipe_ends ends);
void pipes_close(struct pipe_ends ends);

/* Closes those that are kept. */
void pipes_stop(struct pipes *pipes);

#endif
