/* SPDX-License-Identifier: MIT */
/*
 * A module that returns lines, and that does with its worker what a line says: null (writes to
 * address 0), abort, loop (for ever), heap (overruns a block of the heap). Lines are numbered by a
 * count in the state, so that a test sees that none is lost: "N LINE".
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <prefork-srv/service.h>

struct faulty {
	uint64_t lines;
};

enum { BLOCK = 64, BEYOND = 1024 * 1024 };

/* The heap of a worker is smaller than that; where it is not, nobody else may look at it. */
static void overrun_heap(void)
{
	volatile char *block = malloc(BLOCK);

	for (size_t i = 0; i < BLOCK + BEYOND; i++)
		block[i] = 0x5a;
	abort();
}

static void obey_line(const char *line, size_t length)
{
	volatile bool forever = true;

	if (length == 4 && memcmp(line, "null", 4) == 0)
		*(int *volatile)NULL = 1;
	if (length == 5 && memcmp(line, "abort", 5) == 0)
		abort();
	if (length == 4 && memcmp(line, "heap", 4) == 0)
		overrun_heap();
	while (length == 4 && memcmp(line, "loop", 4) == 0 && forever)
		;
}

static enum prefork_verdict read_lines(struct prefork_conn *c)
{
	struct faulty *state = prefork_state(c);

	for (;;) {
		size_t size;
		const char *line = prefork_input(c, &size), *end = memchr(line, '\n', size);

		if (!end)
			return prefork_input_ended(c) ? PREFORK_FINISH : PREFORK_MORE;
		obey_line(line, (size_t)(end - line));
		if (!prefork_printf(c, "%llu %.*s\n", (unsigned long long)state->lines + 1,
				    (int)(end - line), line))
			return PREFORK_MORE;
		state->lines++;
		prefork_count_message(c);
		prefork_consume(c, (size_t)(end - line) + 1);
	}
}

const struct prefork_service prefork_service = {
	PREFORK_SERVICE,    .name = "faulty",    .state_size = sizeof(struct faulty),
	.state_version = 1, .input = read_lines,
};
