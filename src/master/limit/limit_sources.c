/* SPDX-License-Identifier: MIT */
/* Reads notes and counts, which workers write: a key that is in no table counts nothing. */
#include "master/limit/limit_sources.h"

#include <string.h>

/* Of a worker's notes all, and of all workers' so many in one sample. */
enum { NOTES_MOST = 256 };

struct found {
	uint64_t keys[NOTES_MOST]; /* that were looked up */
	unsigned key_count;
	struct full_source list[SCOREBOARD_SOURCES];
	unsigned count;
};

static bool has_counts(const struct scoreboard *board, unsigned slot)
{
	return atomic_load(&board->infos[slot].is_taken) != 0 &&
	       atomic_load(&board->infos[slot].has_limits) != 0;
}

static uint64_t sum_of(const struct scoreboard *board, const struct limit_memory *memory,
		       uint64_t key)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < scoreboard_slots(board); i++) {
		struct limit_counts counts = limit_memory_counts(memory, i);

		if (has_counts(board, i))
			sum += limit_counts_get(&counts, key);
	}
	return sum;
}

static bool is_new(struct found *found, uint64_t key)
{
	for (unsigned i = 0; i < found->key_count; i++)
		if (found->keys[i] == key)
			return false;
	found->keys[found->key_count++] = key;
	return true;
}

/* The fullest first. */
static void add_source(struct found *found, const struct full_source *source)
{
	unsigned at = found->count;

	if (at == SCOREBOARD_SOURCES && source->count <= found->list[at - 1].count)
		return;
	if (at < SCOREBOARD_SOURCES)
		found->count++;
	else
		at--;
	for (; at > 0 && found->list[at - 1].count < source->count; at--)
		found->list[at] = found->list[at - 1];
	found->list[at] = *source;
}

/* False while the worker writes the note, or when it is none. */
static bool copy_note(const struct source_note *note, uint64_t *key, struct full_source *source)
{
	*key = atomic_load_explicit(&note->key, memory_order_acquire);
	memcpy(&source->source, &note->source, sizeof(source->source));
	source->listener = note->listener;
	atomic_thread_fence(memory_order_acquire);
	return *key != 0 && *key == atomic_load_explicit(&note->key, memory_order_relaxed) &&
	       source->listener < METRIC_LISTENERS;
}

static void look_at_note(const struct scoreboard *board, const struct limit_memory *memory,
			 const struct source_note *note, struct found *found)
{
	struct full_source source;
	uint64_t key, most, sum;

	if (!copy_note(note, &key, &source))
		return;
	most = atomic_load(&board->listeners[source.listener].limits.values[LIMIT_max_per_source]);
	if (most == 0 || !is_new(found, key))
		return;
	sum = sum_of(board, memory, key);
	source.count = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
	if (sum >= most)
		add_source(found, &source);
}

void limit_sources_sample(struct scoreboard *board, const struct limit_memory *memory)
{
	static unsigned turn; /* written by the master alone: another worker is first each time */
	unsigned slots = scoreboard_slots(board);
	struct found found = { .count = 0 };

	for (unsigned i = 0; i < slots; i++) {
		unsigned slot = (turn + i) % slots;

		for (unsigned k = 0; has_counts(board, slot) && k < SLOT_SOURCES; k++)
			if (found.key_count < NOTES_MOST)
				look_at_note(board, memory, &board->slots[slot].sources[k], &found);
	}
	turn++;
	if (found.count > 0 || atomic_load(&board->sources.count) > 0)
		scoreboard_set_sources(board, found.list, found.count);
}
