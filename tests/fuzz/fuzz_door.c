/* SPDX-License-Identifier: MIT */
/*
 * A batch that comes in through a door. The input is a byte for the listener, one for the
 * connections and their descriptors, patches of each record (records.h) and of the head, a cut or
 * an addition at the end, and what the clients send. A batch is taken whole or not at all; one that
 * is taken is served until it ends.
 */
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "worker/door/arrival.h"

#include "fuzz/records.h"

enum { ECHO = 2, BATCH_CONNS = 4, BATCH_SIDES = 2 * BATCH_CONNS, BUFS = 2 * BATCH_SIDES };

struct batch {
	struct door_head head;
	size_t size;
	char bytes[BATCH_SIDES * 4096 + BUFS * ARENA_BUF_SIZE + 256];
};

static void add_bytes(struct batch *batch, const void *bytes, size_t size)
{
	if (size > sizeof(batch->bytes) - batch->size)
		return;
	if (bytes)
		memcpy(batch->bytes + batch->size, bytes, size);
	else
		memset(batch->bytes + batch->size, 'b', size);
	batch->size += size;
}

static void add_buf(struct batch *batch, const struct record_buf *b)
{
	if (b->number > 0 && b->end > b->start && b->end - b->start <= ARENA_BUF_SIZE)
		add_bytes(batch, NULL, b->end - b->start);
}

static void add_header(struct batch *batch, const struct record *r, struct input *input)
{
	struct proxy_header header;
	struct proxy_texts texts;

	records_fill_header(r, &header, &texts, input);
	add_bytes(batch, &header, sizeof(header));
	if (proxy_facts_have_texts(&header.facts))
		add_bytes(batch, &texts, sizeof(texts));
}

static void add_side(struct records *all, struct batch *batch, struct rights *rights,
		     enum record_side side, bool has_peer, struct input *input)
{
	union {
		struct record r;
		char room[4096];
	} sent = { 0 };
	struct record *r = &sent.r;

	records_fill(r, batch->head.sender, side, -1);
	r->peer = has_peer;
	records_patch(r, batch->head.state_size, input);
	add_bytes(batch, r, sizeof(*r) + batch->head.state_size);
	if (r->proxy != PROXY_NONE)
		add_header(batch, r, input);
	add_buf(batch, &r->in);
	add_buf(batch, &r->out);
	rights->fds[rights->count++] = records_connect(all);
	if (!record_has_file(r))
		return;
	if (r->is_piped) {
		records_open_pipe(rights->fds + rights->count);
		rights->count += 2;
	} else {
		rights->fds[rights->count++] = records_open_file();
	}
}

/*
 * Patches of 2 bytes and data: the offset, with its highest bit set for the end of them, the
 * length.
 */
static void patch_head(struct door_head *head, struct input *input)
{
	while (input->at < input->end) {
		size_t offset = input_byte(input), length;

		if (offset >= sizeof(*head))
			return;
		length = input_byte(input) % (sizeof(*head) - offset + 1);
		for (size_t i = 0; i < length; i++)
			((char *)head)[offset + i] = (char)input_byte(input);
	}
}

/* A number below 64 is of bytes that are missing at the end, up to 128 of bytes too many. */
static void change_end(struct batch *batch, uint8_t number)
{
	if (number < 64)
		batch->size -= number < batch->size ? number : batch->size;
	else
		add_bytes(batch, NULL, number % 64U);
}

static void drop_rights(struct rights *rights, unsigned most)
{
	while (rights->count > most)
		close(rights->fds[--rights->count]);
}

/* As worker/door/door.c does with a head that is sound. */
static unsigned take_batch(struct records *all, struct batch *batch, struct rights *rights,
			   const struct door_key *keys)
{
	char *exact = malloc(batch->size + 1); /* so that a sanitizer sees a read beyond it */
	struct arrival arrival = { .pool = &all->pool,
				   .keys = keys,
				   .head = &batch->head,
				   .at = exact,
				   .end = exact + batch->size,
				   .fds = rights->fds,
				   .fds_left = rights->count };
	unsigned result;

	memcpy(exact, batch->bytes, batch->size);
	result = arrival_record(&arrival, rights);
	free(exact);
	if (result == DOOR_TAKEN)
		arrival_serve(&arrival);
	else
		drop_rights(rights, 0);
	if (result != DOOR_TAKEN && all->pool.records.count != all->pool.records.high)
		abort();
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct door_key keys[RECORDS_LISTENERS];
	static struct records all;
	static struct batch batch;
	struct input input = { bytes, bytes + size };
	struct rights rights = { .count = 0 };
	unsigned listener = input_byte(&input) % RECORDS_LISTENERS, shape = input_byte(&input);
	unsigned conns = shape % BATCH_CONNS + 1, pairs = shape >> 2 & 0xf, missing = shape >> 6;

	if (!all.board) {
		records_start(&all);
		for (unsigned i = 0; i < RECORDS_LISTENERS; i++)
			keys[i] = (struct door_key){ i + 1, 1 };
	}
	if (!pool_start(&all.pool))
		abort();
	batch.size = 0;
	batch.head = (struct door_head){
		.sender = listener,
		.state_size = (uint32_t)all.pool.services[listener]->state_size,
		.key = keys[listener],
		.conns = conns,
	};
	for (unsigned i = 0; i < conns; i++) {
		add_side(&all, &batch, &rights, SIDE_CLIENT, pairs >> i & 1, &input);
		if (pairs >> i & 1)
			add_side(&all, &batch, &rights, SIDE_PEER, false, &input);
	}
	drop_rights(&rights, rights.count > missing ? rights.count - missing : 0);
	batch.head.fds = rights.count;
	patch_head(&batch.head, &input);
	batch.head.conns %= DOOR_CONNS_MOST + 1; /* what worker/door/door.c checks before */
	batch.head.cause %= MOVE_CAUSES;
	change_end(&batch, input_byte(&input));
	loop_read_clock(&all.loop); /* the records are not of the future */
	/* a sound batch is taken, or this target would find nothing */
	if (take_batch(&all, &batch, &rights, keys) != DOOR_TAKEN && size == 2 &&
	    listener == ECHO && shape == 0)
		abort();
	records_serve(&all, &input);
	return 0;
}
