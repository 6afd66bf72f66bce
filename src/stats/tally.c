/* SPDX-License-Identifier: MIT */
/*
 * Finds and sums the counts of workers. It changes nothing in the board and trusts no number in it.
 */
#include "stats/tally.h"

#include <string.h>
#include <time.h>

/*
 * A fold is short, unless the master waits for a CPU, or was killed within one and left its mark
 * for ever.
 */
enum { SUM_TRIES = 1000, SUM_TRIES_AT_ONCE = 100 };
static const struct timespec sum_pause = { .tv_nsec = 100000 };

/*
 * The mark of a fold that did not end: the process waits for it only once. Written by
 * between_folds.
 */
static uint32_t given_up_on;

static uint32_t load32(const _Atomic uint32_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

/* Most numbers were never used. Cells are only compared: a torn value is still not zero. */
static bool is_zero(const struct worker_tally *tally)
{
	const char *bytes = (const char *)tally;

	return cell_get((const metric_cell *)tally) == 0 &&
	       memcmp(bytes, bytes + sizeof(metric_cell), sizeof(*tally) - sizeof(metric_cell)) ==
		       0;
}

static void note_life(struct tally *taken, unsigned number)
{
	taken->has_lived[number] = true;
	if (number >= taken->numbers)
		taken->numbers = (uint16_t)(number + 1);
}

static void add_slot(struct tally *taken, const struct scoreboard *board, unsigned index)
{
	uint32_t number = load32(&board->infos[index].number);

	taken->slots[taken->count++] = (uint16_t)index;
	taken->next[index] = 0;
	if (number >= SCOREBOARD_WORKERS)
		return;
	taken->next[index] = taken->first[number];
	taken->first[number] = (uint16_t)(index + 1);
	note_life(taken, number);
}

void tally_look(struct tally *taken, const struct scoreboard *board)
{
	taken->count = taken->numbers = 0;
	memset(taken->first, 0, sizeof(taken->first));
	memset(taken->has_lived, 0, sizeof(taken->has_lived));
	for (unsigned i = 0; i < scoreboard_workers(board); i++) {
		const struct past *past = &board->past[i];

		if (atomic_load_explicit(&past->exited_s, memory_order_relaxed) != 0 ||
		    !is_zero(&past->tally))
			note_life(taken, i);
	}
	for (unsigned i = 0; i < scoreboard_slots(board); i++)
		if (scoreboard_state(board, i) != SLOT_EMPTY)
			add_slot(taken, board, i);
}

struct sum {
	const struct tally *taken;
	const struct scoreboard *board;
	unsigned which;
	struct worker_tally *tally;
	struct listener_tally *listener;
};

static void sum_worker(const struct sum *sum)
{
	const struct scoreboard *board = sum->board;

	memset(sum->tally, 0, sizeof(*sum->tally));
	metric_add_tally(sum->tally, &board->past[sum->which].tally);
	for (unsigned i = sum->taken->first[sum->which]; i > 0; i = sum->taken->next[i - 1])
		if (load32(&board->infos[i - 1].number) == sum->which)
			metric_add_tally(sum->tally, &board->slots[i - 1].tally);
}

static void sum_all(const struct sum *sum)
{
	const struct scoreboard *board = sum->board;

	memset(sum->tally, 0, sizeof(*sum->tally));
	for (unsigned i = 0; i < scoreboard_workers(board); i++)
		if (!is_zero(&board->past[i].tally))
			metric_add_tally(sum->tally, &board->past[i].tally);
	for (unsigned i = 0; i < sum->taken->count; i++)
		metric_add_tally(sum->tally, &board->slots[sum->taken->slots[i]].tally);
}

static void sum_listener(const struct sum *sum)
{
	const struct scoreboard *board = sum->board;

	memset(sum->listener, 0, sizeof(*sum->listener));
	for (unsigned i = 0; i < scoreboard_workers(board); i++)
		metric_add_listener(sum->listener, &board->past[i].tally.listeners[sum->which]);
	for (unsigned i = 0; i < sum->taken->count; i++)
		metric_add_listener(
			sum->listener,
			&board->slots[sum->taken->slots[i]].tally.listeners[sum->which]);
}

/* True when no fold ran during the sum. */
static bool is_whole(const struct sum *sum, void (*add_up)(const struct sum *sum), uint32_t before)
{
	add_up(sum);
	atomic_thread_fence(memory_order_acquire);
	return before % 2 == 0 &&
	       before == atomic_load_explicit(&sum->board->folds, memory_order_acquire);
}

static void between_folds(const struct sum *sum, void (*add_up)(const struct sum *sum))
{
	for (unsigned i = 0; i < SUM_TRIES; i++) {
		uint32_t before = atomic_load_explicit(&sum->board->folds, memory_order_acquire);

		if (is_whole(sum, add_up, before))
			return;
		if (before % 2 == 1 && before == given_up_on)
			return;
		if (i == SUM_TRIES - 1)
			given_up_on = before;
		else if (i >= SUM_TRIES_AT_ONCE)
			nanosleep(&sum_pause, NULL);
	}
}

void tally_worker(const struct tally *taken, const struct scoreboard *board, unsigned number,
		  struct worker_tally *out)
{
	between_folds(&(struct sum){ taken, board, number, out, NULL }, sum_worker);
}

void tally_all(const struct tally *taken, const struct scoreboard *board, struct worker_tally *out)
{
	between_folds(&(struct sum){ taken, board, 0, out, NULL }, sum_all);
}

void tally_listener(const struct tally *taken, const struct scoreboard *board, unsigned row,
		    struct listener_tally *out)
{
	between_folds(&(struct sum){ taken, board, row, NULL, out }, sum_listener);
}

void tally_total(const struct scoreboard *board, struct worker_tally *out)
{
	struct tally tally;

	tally_look(&tally, board);
	tally_all(&tally, board, out);
}

uint64_t tally_sum(const struct scoreboard *board, enum metric metric)
{
	struct worker_tally all;

	tally_total(board, &all);
	return metric_sum(&all, metric);
}
