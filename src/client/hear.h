/* SPDX-License-Identifier: MIT */
/* Tells the answers apart in what is received, counts them, and has them shown. One process. */
#ifndef CLIENT_HEAR_H
#define CLIENT_HEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "client/framing.h"
#include "client/output.h"

struct hear {
	struct frame frame;
	bool is_deaf;     /* what comes is thrown away */
	uint64_t most;    /* answers that may come; UINT64_MAX: nobody knows */
	uint64_t answers; /* whole ones */
	uint64_t part;    /* bytes of the one that has begun, those of the framing included */
	uint64_t size;    /* of the last whole one */
	uint64_t excess;  /* bytes behind the last one that may come */
	struct show show;
};

void receive_init(struct hear *receive, enum framing framing, uint64_t most);

/*
 * Takes what was received. False with err: CODE_FAILED for what cannot be an answer, CODE_OSERR
 * when stdout does not take it.
 */
bool output_receive(struct hear *receive, const char *bytes, size_t n, struct err *err);

/* The answer that has begun is whole: of raw, where only silence or the peer's end says so. */
bool output_end_response(struct hear *receive, struct err *err);

/* Nothing more will come: what was shown of an answer ends its line. */
bool output_end(struct hear *receive, struct err *err);

#endif
