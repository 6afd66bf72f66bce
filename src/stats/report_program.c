/* SPDX-License-Identifier: MIT */
/* Reads programs and their copies from a scoreboard. Must not trust any value in it. */
#include <string.h>

#include "stats/report.h"

static void copy_text(char *to, const char *from, size_t size)
{
	memcpy(to, from, size);
	to[size - 1] = '\0';
}

bool report_program(const struct report *report, unsigned row, struct report_program *out)
{
	const struct program_row *from = &report->board->programs[row];
	uint32_t life = atomic_load_explicit(&from->life, memory_order_acquire);

	if (life == PROGRAM_NEVER)
		return false;
	copy_text(out->title, from->title, sizeof(out->title));
	out->is_gone = life != PROGRAM_IN_FORCE;
	for (size_t i = 0; i < sizeof(out->tally) / sizeof(metric_cell); i++)
		cell_set((metric_cell *)&out->tally + i,
			 cell_get((const metric_cell *)&from->tally + i));
	report_exit(report, atomic_load_explicit(&from->exit_status, memory_order_relaxed),
		    atomic_load_explicit(&from->exited_s, memory_order_acquire), out->last_exit);
	return true;
}

static const char *name_state(uint32_t state)
{
	static const char *const names[] = { [COPY_WAITING] = "waiting",
					     [COPY_STARTING] = "starting",
					     [COPY_READY] = "ready",
					     [COPY_HUNG] = "hung",
					     [COPY_STOPPING] = "stopping" };

	return state < sizeof(names) / sizeof(*names) ? names[state] : "unknown";
}

bool report_copy(const struct report *report, unsigned row, struct report_copy *out)
{
	const struct copy_row *from = &report->board->copies[row];
	uint32_t taken = atomic_load_explicit(&from->is_taken, memory_order_acquire);
	uint32_t starts = atomic_load_explicit(&from->starts, memory_order_relaxed);

	if (taken == 0 || taken > SCOREBOARD_PROGRAMS)
		return false;
	copy_text(out->program, report->board->programs[taken - 1].title, sizeof(out->program));
	copy_text(out->status, from->status, sizeof(out->status));
	out->number = atomic_load_explicit(&from->number, memory_order_relaxed);
	out->pid = atomic_load_explicit(&from->pid, memory_order_relaxed);
	out->generation = atomic_load_explicit(&from->generation, memory_order_relaxed);
	out->restarts = starts > 0 ? starts - 1 : 0;
	out->state = name_state(atomic_load_explicit(&from->state, memory_order_relaxed));
	out->age_s = report_since(report->now_ms,
				  atomic_load_explicit(&from->started_ms, memory_order_relaxed)) /
		     1000;
	out->cpu_us = atomic_load_explicit(&from->cpu_us, memory_order_relaxed);
	out->memory_bytes = atomic_load_explicit(&from->memory_bytes, memory_order_relaxed);
	report_exit(report, atomic_load_explicit(&from->exit_status, memory_order_relaxed),
		    atomic_load_explicit(&from->exited_s, memory_order_acquire), out->last_exit);
	return true;
}
