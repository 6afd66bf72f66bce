/* SPDX-License-Identifier: MIT */
/*
 * Finds, writes and forgets words of a table. A word is empty (0), live (a count above 0), or dead
 * (a key without a count). Dead words keep the way to those behind them. A later key takes them
 * over, those at the end of a run become empty, and a copy of the table leaves them out.
 */
#include "stats/limit_counts.h"

#include <string.h>

#include "base/sys.h"

enum {
	WALK_MOST = 256, /* only a worker that writes garbage makes longer runs */
	READS_MOST = 8,  /* while the table changes */
};

uint32_t limit_counts_entries(uint32_t keys)
{
	uint32_t entries = 1024;

	while (entries / 2 < keys)
		entries *= 2;
	return entries;
}

static _Atomic uint64_t *table_of(const struct limit_counts *counts, uint32_t epoch)
{
	return counts->tables + (size_t)(epoch & 1) * counts->entries;
}

static _Atomic uint64_t *own_table(const struct limit_counts *counts)
{
	return table_of(counts, counts->epoch);
}

static uint64_t tag_in(uint64_t word)
{
	return word >> LIMIT_COUNTS_BITS << LIMIT_COUNTS_BITS;
}

static uint32_t count_in(uint64_t word)
{
	return (uint32_t)(word & LIMIT_COUNTS_MOST);
}

/* What a word has of the key; never 0. It also chooses the word's place. */
static uint64_t tag_of(uint64_t key)
{
	return tag_in(key) != 0 ? tag_in(key) : UINT64_C(1) << LIMIT_COUNTS_BITS;
}

/* The word at a distance from the place of the tag. */
static uint32_t place_of(const struct limit_counts *counts, uint64_t tag, uint32_t distance)
{
	return (uint32_t)((tag >> LIMIT_COUNTS_BITS) + distance) & (counts->entries - 1);
}

static uint32_t walk_most(const struct limit_counts *counts)
{
	return counts->entries < WALK_MOST ? counts->entries : WALK_MOST;
}

/* The word of the tag, or NULL; *unused is then the first word that may become its own. */
static _Atomic uint64_t *find_word(const struct limit_counts *counts, uint64_t tag,
				   _Atomic uint64_t **unused)
{
	_Atomic uint64_t *table = own_table(counts);

	*unused = NULL;
	for (uint32_t i = 0; i < walk_most(counts); i++) {
		_Atomic uint64_t *at = &table[place_of(counts, tag, i)];
		uint64_t word = atomic_load_explicit(at, memory_order_relaxed);

		if (tag_in(word) == tag)
			return at;
		if (count_in(word) == 0 && !*unused)
			*unused = at;
		if (word == 0)
			break;
	}
	return NULL;
}

/* Dead words at the end of a run lead nowhere. */
static void empty_run(struct limit_counts *counts, const _Atomic uint64_t *from)
{
	_Atomic uint64_t *table = own_table(counts);
	uint32_t at = (uint32_t)(from - table), mask = counts->entries - 1;

	if (atomic_load(&table[(at + 1) & mask]) != 0)
		return;
	for (; atomic_load(&table[at]) != 0 && count_in(atomic_load(&table[at])) == 0;
	     at = (at - 1) & mask) {
		atomic_store(&table[at], 0);
		counts->used--;
	}
}

/* The pages are given back where the system can (madvise(2)): most of them were never used. */
static void clear_own_table(struct limit_counts *counts)
{
	size_t size = counts->entries * sizeof(*counts->tables);

	if (sys_madvise((void *)own_table(counts), size, MADV_REMOVE) < 0)
		memset((void *)own_table(counts), 0, size);
	counts->used = 0;
}

/* No epoch is 0, and the next one has the other table. */
static void begin_epoch(struct limit_counts *counts, uint32_t last)
{
	counts->epoch = last + 1 != 0 ? last + 1 : 2;
	clear_own_table(counts);
}

/* Of the words that are not in use now, three eighths may come into use before the next copy. */
static void set_used_most(struct limit_counts *counts)
{
	counts->used_most = counts->used + (counts->entries - counts->used) / 8 * 3;
}

/* The count of a key that is known, or not yet; false: there is no room on its way. */
static bool put_count(struct limit_counts *counts, uint64_t tag, uint32_t count)
{
	_Atomic uint64_t *unused, *word = find_word(counts, tag, &unused);

	if (!word)
		word = unused;
	if (!word)
		return false;
	counts->used += atomic_load_explicit(word, memory_order_relaxed) == 0;
	atomic_store(word, tag | count);
	if (count == 0)
		empty_run(counts, word);
	return true;
}

/* Leaves the dead words behind. Readers see the one table or the other. */
static void copy_table(struct limit_counts *counts)
{
	const _Atomic uint64_t *from = own_table(counts);
	bool is_shown = atomic_load(&counts->head->epoch) == counts->epoch;

	begin_epoch(counts, counts->epoch);
	for (uint32_t i = 0; i < counts->entries; i++) {
		uint64_t word = atomic_load_explicit(&from[i], memory_order_relaxed);

		if (count_in(word) > 0)
			(void)put_count(counts, tag_in(word), count_in(word));
	}
	set_used_most(counts);
	if (is_shown)
		atomic_store(&counts->head->epoch, counts->epoch);
}

bool limit_counts_set(struct limit_counts *counts, uint64_t key, uint32_t count)
{
	if (count == 0 && limit_counts_own(counts, key) == 0)
		return true;
	if (counts->used >= counts->used_most)
		copy_table(counts);
	return put_count(counts, tag_of(key), count);
}

bool limit_counts_add(struct limit_counts *counts, uint64_t key)
{
	uint32_t count = limit_counts_own(counts, key);

	return count < LIMIT_COUNTS_MOST && limit_counts_set(counts, key, count + 1);
}

bool limit_counts_remove(struct limit_counts *counts, uint64_t key)
{
	uint32_t count = limit_counts_own(counts, key);

	return count > 0 && limit_counts_set(counts, key, count - 1);
}

/* Each word is read once: the writer may give it to another key meanwhile. */
static uint32_t read_count(const struct limit_counts *counts, uint32_t epoch, uint64_t key)
{
	const _Atomic uint64_t *table = table_of(counts, epoch);
	uint64_t tag = tag_of(key);

	for (uint32_t i = 0; i < walk_most(counts); i++) {
		uint64_t word = atomic_load(&table[place_of(counts, tag, i)]);

		if (word == 0)
			break;
		if (tag_in(word) == tag)
			return count_in(word);
	}
	return 0;
}

uint32_t limit_counts_own(const struct limit_counts *counts, uint64_t key)
{
	return read_count(counts, counts->epoch, key);
}

/* The table that is read is not cleared before another one has taken its place. */
uint32_t limit_counts_get(const struct limit_counts *counts, uint64_t key)
{
	uint32_t epoch = atomic_load(&counts->head->epoch), before, count = 0;

	for (unsigned i = 0; epoch != 0 && i < READS_MOST; i++) {
		before = epoch;
		count = read_count(counts, epoch, key);
		epoch = atomic_load(&counts->head->epoch);
		if (epoch == before)
			return count;
	}
	return epoch != 0 ? count : 0;
}

void limit_counts_begin(struct limit_counts *counts)
{
	begin_epoch(counts, atomic_load(&counts->head->epoch));
	set_used_most(counts);
	atomic_store(&counts->head->waiting, 0);
}

void limit_counts_publish(struct limit_counts *counts)
{
	atomic_store(&counts->head->epoch, counts->epoch);
}
