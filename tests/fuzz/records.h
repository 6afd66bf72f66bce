/* SPDX-License-Identifier: MIT */
/*
 * A worker's pool and arena, with a listener for each of several services, for the fuzz targets
 * that write records: from an input come fields of records, and what clients send afterwards.
 */
#ifndef FUZZ_RECORDS_H
#define FUZZ_RECORDS_H

#include <stdint.h>

#include "base/proxy_header.h"
#include "worker/heritage.h"
#include "worker/pool.h"

enum { RECORDS_LISTENERS = 16, RECORDS_CONNS = 8, RECORDS_SIDES = 2 * RECORDS_CONNS };

struct records {
	struct conf conf;
	struct listen_conf listens[RECORDS_LISTENERS];
	struct listener listeners[RECORDS_LISTENERS];
	struct listener_set set;
	struct scoreboard *board;
	struct wire wire;
	struct heritage heritage;
	struct loop loop;
	struct pool pool;
	int clients[RECORDS_SIDES]; /* the other ends of the sockets of this input */
	unsigned client_count;
};

/* The bytes of an input that are not used yet; beyond the end they are 0. */
struct input {
	const uint8_t *at, *end;
};
uint8_t input_byte(struct input *input);

/* Once: makes everything but the pool. */
void records_start(struct records *all);

/*
 * A new socket, whose other end is the next client; a regular file; a pipe with bytes. The caller
 * owns them.
 */
int records_connect(struct records *all);
int records_open_file(void);
void records_open_pipe(int *ends);

/* A sound record of a connection that is between messages, with all of its state 0. */
void records_fill(struct record *r, unsigned listener, enum record_side side, int fd);

/*
 * What is kept beside a record that has a PROXY header: one that is cut for PROXY_AWAITED, with
 * bytes changed by the input.
 */
void records_fill_header(const struct record *r, struct proxy_header *header,
			 struct proxy_texts *texts, struct input *input);

/*
 * Patches of the record, 3 bytes and data each: the field's row, its highest bit set for a number
 * that is subtracted; the offset within the field; the length. A row beyond all ends it.
 */
void records_patch(struct record *r, size_t state_size, struct input *input);

/*
 * The pool is started and has connections: serves them while their clients send the rest of the
 * input, ends them, stops the pool. Aborts when anything is left.
 */
void records_serve(struct records *all, struct input *input);

#endif
