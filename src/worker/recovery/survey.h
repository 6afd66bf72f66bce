/* SPDX-License-Identifier: MIT */
/*
 * The survey of an arena that a dead worker left: which of its records can be trusted. It takes no
 * index and no link for granted: everything is checked against facts of this process, and no
 * descriptor and no buffer may be claimed twice. It changes no connection and makes no call on a
 * descriptor.
 */
#ifndef WORKER_SURVEY_H
#define WORKER_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/claims.h"
#include "worker/heritage.h"
#include "worker/record.h"

struct survey {
	const struct heritage *heritage;
	const struct arena *arena;
	struct claims fds;
	uint8_t *buf_claims; /* how many records claim the buffer: 0, 1, or more */
	uint8_t *named_by;   /* for each record: bits of the sides that name it as their peer */
	int64_t now_us;
};

/*
 * Makes room for the claims of every record, and reserves the heritage's descriptors. The arena's
 * head must be sound. Returns false with errno set (memory). Worker only. Allocates; survey_free
 * frees, also after a failure.
 */
bool survey_new(struct survey *survey, const struct heritage *heritage, int64_t now_us);
void survey_free(struct survey *survey);

/* Counts what every record claims; before the first record is judged. */
void survey_count(struct survey *survey);

/* True when a record of that side, sound or not, names the record at index as its peer. */
bool survey_is_named(const struct survey *survey, uint32_t index, enum record_side side);

/*
 * True when the client's record at index is sound, with its peer if it has one and with the state
 * of its service. Corrects the number of its listener's options.
 */
bool survey_is_sound(const struct survey *survey, struct record *client, uint32_t index);

#endif
