/* SPDX-License-Identifier: MIT */
/*
 * A batch of connections that comes in through a door (worker/door/door.h): the format of the
 * message, and how its connections are recorded, all of them or none. Worker only.
 */
#ifndef WORKER_DOOR_ARRIVAL_H
#define WORKER_DOOR_ARRIVAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/rights.h"
#include "worker/pool.h"

enum {
	DOOR_VERSION = 2,
	DOOR_CONNS_MOST = 120,          /* connections in a batch */
	DOOR_MESSAGE_MOST = 512 * 1024, /* bytes */
	DOOR_MAGIC = 0x726f6f64,
};

/* What the receiver's slot says of a batch, beside its number. */
enum door_result {
	DOOR_BEGUN,
	DOOR_DECIDING, /* all is recorded: it looks once more whether the batch was withdrawn */
	DOOR_TAKEN,
	DOOR_REFUSED, /* DOOR_REFUSED + enum stay_reason: why */
};

/* A listener, whatever its index: its address, and what the state of its connections means. */
struct door_key {
	uint64_t address, state; /* state 0: its connections cannot move */
};

/* The head of a message; the connections follow. */
struct door_head {
	uint32_t magic, version;
	uint32_t record_size, state_size; /* bytes of a record, and of the state behind it */
	uint32_t sender, receiver;        /* their slots */
	uint32_t generation;              /* of the receiver */
	uint32_t cause;                   /* enum move_cause */
	uint64_t batch;                   /* its number; rises with each batch of a slot */
	struct door_key key;
	uint32_t conns, fds;
};

/* The number of a batch and its result in one word. */
static inline uint64_t door_note(uint64_t batch, unsigned result)
{
	return batch << 8 | result;
}

static inline uint64_t door_note_batch(uint64_t note)
{
	return note >> 8;
}

static inline unsigned door_note_result(uint64_t note)
{
	return (unsigned)(note & 0xff);
}

/* True when the receiver has begun with the batch, and has not decided. */
static inline bool door_note_is_open(uint64_t note)
{
	return door_note_result(note) == DOOR_BEGUN || door_note_result(note) == DOOR_DECIDING;
}

/* True when the receiver has noted that it has the batch of the sender in that slot. */
static inline bool door_has_taken(const struct slot *receiver, unsigned sender, uint64_t batch)
{
	return atomic_load(&receiver->door_taken[sender]) == door_note(batch, DOOR_TAKEN);
}

/* A batch on its way in; the caller sets the first six fields, zeroes the others. */
struct arrival {
	struct pool *pool;
	const struct door_key *keys; /* of each listener */
	const struct door_head *head;
	const char *at, *end; /* the bytes that are not read yet */
	const int *fds;       /* the descriptors that no record has yet */
	unsigned fds_left;
	uint32_t listener;
	uint32_t taken[2 * DOOR_CONNS_MOST]; /* indexes of the new records */
	unsigned count;
	bool has_counted; /* the records count for the limits of their listener */
	bool is_stranger;  /* the service here does not take one of them */
	bool lacks_memory; /* a look at a descriptor failed, which says nothing about it */
};

/*
 * Records the batch as ARRIVING, or nothing. Returns DOOR_TAKEN, or why not; the descriptors are
 * the caller's then. Notes nothing in the slot.
 */
unsigned arrival_record(struct arrival *arrival, const struct rights *rights);

/* The batch is not taken after all: frees its records; the descriptors are the caller's. */
void arrival_undo(struct arrival *arrival);

/* The batch is noted as taken: counts its connections, and serves them from now on. */
void arrival_serve(const struct arrival *arrival);

#endif
