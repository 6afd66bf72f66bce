/* SPDX-License-Identifier: MIT */
/*
 * fault: crashes its worker in the way that a line names, and returns every other line. It
 * overwrites memory that no service may write, on purpose, by the layout of worker/arena.h. Only in
 * a build made with --enable-faults, for tests of the cost of a crash.
 *
 *   null       writes to address 0
 *   abort      calls abort(3)
 *   loop       never returns
 *   self       rubbish over its own connection's record, then abort
 *   neighbour  rubbish over the state and the guard of the record beside it, then abort
 *   head       rubbish over the arena's head, then abort
 */
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "services/services.h"
#include "worker/arena.h"
#include "worker/conn_record.h"

/* More than any other service keeps, so that it determines the size of a record. */
enum { STATE_SIZE = 1024, RUBBISH = 0xa5 };

static void crash_null(struct conn *c)
{
	int *volatile nowhere = NULL;

	(void)c;
	*(volatile int *)nowhere = 1;
}

static void crash_abort(struct conn *c)
{
	(void)c;
	abort();
}

static void crash_loop(struct conn *c)
{
	volatile bool forever = true;

	(void)c;
	while (forever)
		;
}

static void crash_self(struct conn *c)
{
	memset(c->record, RUBBISH, record_size(STATE_SIZE));
	abort();
}

static void crash_neighbour(struct conn *c)
{
	size_t stride = record_size(STATE_SIZE);
	char *own = (char *)c->record;
	struct record *other =
		(struct record *)(c->record->index > 0 ? own - stride : own + stride);

	memset(other->state_bytes, RUBBISH, stride - offsetof(struct record, state_bytes));
	abort();
}

/* The head holds the worker's last system call. */
static void crash_head(struct conn *c)
{
	(void)c;
	memset((char *)sys_last_call - offsetof(struct arena_head, last_call), RUBBISH,
	       sizeof(struct arena_head));
	abort();
}

static const struct command {
	const char *word;
	void (*crash)(struct conn *c);
} commands[] = {
	{ "null", crash_null }, { "abort", crash_abort },         { "loop", crash_loop },
	{ "self", crash_self }, { "neighbour", crash_neighbour }, { "head", crash_head },
};

static void run_line(struct conn *c, const char *line, size_t len)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strlen(commands[i].word) == len && memcmp(commands[i].word, line, len) == 0)
			commands[i].crash(c);
}

/* Takes one line with its LF: false when it is incomplete, or its answer has no room. */
static bool take_line(struct conn *c)
{
	const char *line = buf_head(&c->in);
	const char *lf = memchr(line, '\n', buf_used(&c->in));
	size_t n = lf ? (size_t)(lf - line) + 1 : 0;

	if (n == 0 || buf_room(&c->out) < n)
		return false;
	run_line(c, line, n - 1);
	buf_put(&c->out, line, n);
	buf_drop(&c->in, n);
	conn_count_message(c);
	return true;
}

static enum verdict read_lines(struct conn *c)
{
	while (take_line(c))
		;
	if (buf_used(&c->in) == ARENA_BUF_SIZE)
		return conn_finish(c, CLOSE_message_too_long);
	return conn_in_ended(c) && buf_used(&c->out) == 0 ? FINISH : MORE;
}

const struct service service_fault = {
	.name = "fault",
	.state_version = 1,
	.state_size = STATE_SIZE,
	.input = read_lines,
};
