/* SPDX-License-Identifier: MIT */
/*
 * chargen: sends lines of 72 characters, each line one character further in the alphabet of the 95
 * printable ones, until the client leaves (RFC 864). Input is not read while output is pending,
 * which it always is.
 */
#include "services/services.h"
#include "worker/conn_record.h"

enum { FIRST = ' ', CHARACTERS = 95, WIDTH = 72, LINE = WIDTH + 2 };

struct chargen {
	uint32_t line; /* number of the next line */
};

static void write_line(uint32_t number, char *line)
{
	for (unsigned i = 0; i < WIDTH; i++)
		line[i] = (char)(FIRST + (number + i) % CHARACTERS);
	line[WIDTH] = '\r';
	line[WIDTH + 1] = '\n';
}

static enum verdict fill_output(struct conn *c)
{
	struct chargen *state = conn_state(c);
	char line[LINE];

	while (buf_room(&c->out) >= LINE) {
		write_line(state->line, line);
		state->line = (state->line + 1) % CHARACTERS;
		buf_put(&c->out, line, LINE);
	}
	return MORE;
}

static enum verdict ignore_input(struct conn *c)
{
	buf_drop(&c->in, buf_used(&c->in));
	return MORE;
}

/* The connection may end after any line. */
static bool is_idle(const struct conn *c)
{
	(void)c;
	return true;
}

static bool is_sound(const struct conn *c)
{
	const struct chargen *state = conn_state_const(c);

	return state->line < CHARACTERS;
}

const struct service service_chargen = {
	.name = "chargen",
	.state_version = 1,
	.state_size = sizeof(struct chargen),
	.open = fill_output,
	.input = ignore_input,
	.drained = fill_output,
	.idle = is_idle,
	.is_sound = is_sound,
};
