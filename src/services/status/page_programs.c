/* SPDX-License-Identifier: MIT */
/* The tables of programs and their copies on the status page. */
#include "services/status/page_table.h"

#define OF_PROGRAM(name) cell_get(&p.tally.name)

#define PROGRAMS(COLUMN)                                                                        \
	COLUMN("program", "Program", word, p.title)                                             \
	COLUMN("life", "State", state, p.is_gone ? "removed" : "running")                       \
	COLUMN("program_copies_ready program_copies", "Copies ready", share,                    \
	       ((struct html_share){ OF_PROGRAM(program_copies_ready),                          \
				     OF_PROGRAM(program_copies) }))                             \
	COLUMN("program_starts_total", "Starts", count, OF_PROGRAM(program_starts_total))       \
	COLUMN("program_crashes_total", "Ended or killed", count,                               \
	       OF_PROGRAM(program_crashes_total))                                               \
	COLUMN("program_recycled_total", "Replaced", count, OF_PROGRAM(program_recycled_total)) \
	COLUMN("program_output_lost_total", "Lost lines", count,                                \
	       OF_PROGRAM(program_output_lost_total))                                           \
	COLUMN("program_cpu_seconds_total", "CPU time", latency,                                \
	       (int64_t)OF_PROGRAM(program_cpu_seconds_total))                                  \
	COLUMN("last_exit", "Last exit", word, p.last_exit)

static void row_programs(const struct report *report, unsigned index, struct strbuf *text)
{
	struct report_program p;

	if (report_program(report, index, &p))
		HTML_ROW(PROGRAMS);
}

PAGE_TABLE(programs, "Programs", PROGRAMS)

/* COPIES_PROCESS: what a copy that waits for its next start does not have. */
#define COPIES(COLUMN) COPIES_NAME(COLUMN) COPIES_PROCESS(COLUMN) COPIES_REST(COLUMN)
#define COPIES_NAME(COLUMN)                           \
	COLUMN("program", "Program", word, c.program) \
	COLUMN("copy", "Copy", id, c.number)          \
	COLUMN("state", "State", state, c.state)
#define COPIES_PROCESS(COLUMN)                                        \
	COLUMN("pid", "Process", id, c.pid)                           \
	COLUMN("age_seconds", "Age", seconds, c.age_s)                \
	COLUMN("cpu_seconds", "CPU time", latency, (int64_t)c.cpu_us) \
	COLUMN("memory_bytes", "Memory", bytes, c.memory_bytes)
#define COPIES_REST(COLUMN)                                     \
	COLUMN("restarts", "Restarts", count, c.restarts)       \
	COLUMN("last_exit", "Last exit", word, c.last_exit)     \
	COLUMN("generation", "Generation", count, c.generation) \
	COLUMN("status", "Status", word, c.status)

#define WAITING_COPIES(COLUMN) COPIES_NAME(COLUMN) COPIES_PROCESS(HTML_NO_VALUE) COPIES_REST(COLUMN)

static void row_copies(const struct report *report, unsigned index, struct strbuf *text)
{
	struct report_copy c;

	if (!report_copy(report, index, &c))
		return;
	if (c.pid == 0)
		HTML_ROW(WAITING_COPIES);
	else
		HTML_ROW(COPIES);
}

PAGE_TABLE(copies, "Copies of programs", COPIES)
