/* SPDX-License-Identifier: MIT */
/*
 * Finds, writes and forgets words of a table. A word is empty (0), live (a count above 0), or dead
 * (a key without a count). Dead words keep the way to those behind them; a later key takes them
 * over, and those at the end of a run become empty.
 */
#include "stats/limit_counts.h"

#include <string.h>

#include "base/sys.h"

/*
 * The longest walk. Runs of a table that is half full are shorter; only a worker that writes
 * garbage makes longer ones.
 */
enum { WALK_MOST = 256 };

uint32_t limit_counts_entries(uint32_t keys)
{
	uint32_t entries = 1024;

	while (entries / 2 < keys && entries < UINT32_C(1) << LIMIT_COUNTS_BITS)
		entries *= 2;
	return entries;
}

static _Atomic uint64_t *table_of(const struct limit_counts *counts, unsigned which)
{
	return counts->tables + (size_t)which * counts->entries;
}

/* The low bits of the key choose the place, the others are kept. No tag is 0. */
static uint64_t tag_of(uint64_t key)
{
	uint64_t tag = key >> LIMIT_COUNTS_BITS << LIMIT_COUNTS_BITS;

	return tag != 0 ? tag : UINT64_C(1) << LIMIT_COUNTS_BITS;
}

static uint64_t tag_in(uint64_t word)
{
	return word >> LIMIT_COUNTS_BITS << LIMIT_COUNTS_BITS;
}

static uint32_t count_in(uint64_t word)
{
	return (uint32_t)(word & LIMIT_COUNTS_MOST);
}

/* The word of the key, or NULL; *unused is then the first word that may become its own. */
static _Atomic uint64_t *find_word(_Atomic uint64_t *table, uint32_t entries, uint64_t key,
				   _Atomic uint64_t **unused)
{
	uint64_t tag = tag_of(key);
	unsigned most = entries < WALK_MOST ? entries : WALK_MOST;

	*unused = NULL;
	for (unsigned i = 0; i < most; i++) {
		_Atomic uint64_t *at = &table[(key + i) & (entries - 1)];
		uint64_t word = atomic_load(at);

		if (word != 0 && tag_in(word) == tag)
			return at;
		if (count_in(word) == 0 && !*unused)
			*unused = at;
		if (word == 0)
			break;
	}
	return NULL;
}

/* Dead words at the end of a run lead nowhere. */
static void empty_run(_Atomic uint64_t *table, uint32_t entries, const _Atomic uint64_t *from)
{
	uint32_t at = (uint32_t)(from - table), mask = entries - 1;

	if (atomic_load(&table[(at + 1) & mask]) != 0)
		return;
	for (; atomic_load(&table[at]) != 0 && count_in(atomic_load(&table[at])) == 0;
	     at = (at - 1) & mask)
		atomic_store(&table[at], 0);
}

/*
 * A dead word of a key stays its own: the walk has found no other. A new key takes the first dead
 * word of its way, or the empty one at the end.
 */
static bool set_count(struct limit_counts *counts, uint64_t key, _Atomic uint64_t *word,
		      _Atomic uint64_t *unused, uint32_t count)
{
	_Atomic uint64_t *at = word ? word : unused;

	if (!at)
		return false;
	atomic_store(at, tag_of(key) | count);
	if (count == 0)
		empty_run(table_of(counts, counts->own), counts->entries, at);
	return true;
}

bool limit_counts_set(struct limit_counts *counts, uint64_t key, uint32_t count)
{
	_Atomic uint64_t *unused;
	_Atomic uint64_t *word =
		find_word(table_of(counts, counts->own), counts->entries, key, &unused);

	if (count == 0 && !word)
		return true;
	return set_count(counts, key, word, unused, count);
}

static bool change_count(struct limit_counts *counts, uint64_t key, uint32_t refused, int by)
{
	_Atomic uint64_t *unused;
	_Atomic uint64_t *word =
		find_word(table_of(counts, counts->own), counts->entries, key, &unused);
	uint32_t count = word ? count_in(atomic_load(word)) : 0;

	return count != refused &&
	       set_count(counts, key, word, unused, (uint32_t)((int64_t)count + by));
}

bool limit_counts_add(struct limit_counts *counts, uint64_t key)
{
	return change_count(counts, key, LIMIT_COUNTS_MOST, 1);
}

bool limit_counts_remove(struct limit_counts *counts, uint64_t key)
{
	return change_count(counts, key, 0, -1);
}

/* Each word is read once: the writer may give it to another key meanwhile. */
static uint32_t read_count(const struct limit_counts *counts, unsigned which, uint64_t key)
{
	const _Atomic uint64_t *table = table_of(counts, which);
	uint64_t tag = tag_of(key);
	unsigned most = counts->entries < WALK_MOST ? counts->entries : WALK_MOST;

	for (unsigned i = 0; i < most; i++) {
		uint64_t word = atomic_load(&table[(key + i) & (counts->entries - 1)]);

		if (word == 0)
			break;
		if (tag_in(word) == tag)
			return count_in(word);
	}
	return 0;
}

uint32_t limit_counts_own(const struct limit_counts *counts, uint64_t key)
{
	return read_count(counts, counts->own, key);
}

uint32_t limit_counts_get(const struct limit_counts *counts, uint64_t key)
{
	uint32_t current = atomic_load(&counts->head->current);

	return current == 1 || current == 2 ? read_count(counts, current - 1, key) : 0;
}

/* The pages are given back where the system can (madvise(2)): most of the table was never used. */
void limit_counts_begin(struct limit_counts *counts)
{
	size_t size = counts->entries * sizeof(*counts->tables);

	counts->own = atomic_load(&counts->head->current) == 1;
	if (sys_madvise((void *)table_of(counts, counts->own), size, MADV_REMOVE) < 0)
		memset((void *)table_of(counts, counts->own), 0, size);
	atomic_store(&counts->head->waiting, 0);
}

void limit_counts_publish(struct limit_counts *counts)
{
	atomic_store(&counts->head->current, counts->own + 1);
}
