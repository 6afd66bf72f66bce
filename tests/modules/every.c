/* SPDX-License-Identifier: MIT */
/*
 * A module that calls every function of the header. A line is a command; its answer is a line.
 * VERSION is its state version, and WORD stands before each answer: two builds differ in them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <prefork-srv/service.h>

#ifndef VERSION
#define VERSION 1
#endif
#ifndef WORD
#define WORD "one"
#endif

struct every {
	uint64_t commands;
	uint64_t mark; /* always MARK: a check of is_sound */
};
#define MARK UINT64_C(0x5eed5eed5eed5eed)

static const char *const counters[] = { "commands", "bytes_sent", NULL };
static int kept = -1; /* of the file argument; opened by begin, before there are workers */

static bool check(const struct prefork_listener *listener)
{
	size_t size = 0;

	if (!prefork_argument_size(listener, "size", &size))
		return prefork_refuse("size=%s is no size",
				      prefork_argument_value(listener, "size"));
	return true;
}

static size_t shared_size(const struct prefork_listener *listener)
{
	size_t size = 4096;

	(void)prefork_argument_size(listener, "size", &size);
	return size;
}

static bool begin(const struct prefork_listener *listener)
{
	const char *path = prefork_argument_value(listener, "file");

	if (!path)
		return true;
	kept = open(path, O_RDONLY | O_CLOEXEC);
	return kept >= 0 || prefork_refuse("%s cannot be opened", path);
}

static enum prefork_verdict greet(struct prefork_conn *c)
{
	struct every *state = prefork_state(c);

	state->mark = MARK;
	prefork_printf(c, WORD " hello\n");
	return PREFORK_MORE;
}

static void say_addresses(struct prefork_conn *c)
{
	char remote[PREFORK_ADDRESS_SIZE], local[PREFORK_ADDRESS_SIZE];

	prefork_printf(c, WORD " remote %s local %s listen %s worker %u\n",
		       prefork_remote(c, remote), prefork_local(c, local),
		       prefork_listener_address(prefork_listener_of(c)), prefork_worker(c));
}

static void say_arguments(struct prefork_conn *c)
{
	const struct prefork_listener *listener = prefork_listener_of(c);

	prefork_printf(c, WORD " %zu", prefork_arguments(listener));
	for (size_t i = 0; i < prefork_arguments(listener); i++)
		prefork_printf(c, " %s", prefork_argument(listener, i));
	prefork_printf(c, "\n");
}

static void add_shared(struct prefork_conn *c)
{
	size_t size;
	_Atomic uint64_t *shared = prefork_shared(prefork_listener_of(c), &size);

	prefork_printf(c, WORD " %llu of %zu\n", (unsigned long long)++*shared, size);
}

/* The output's own room instead of a copy. */
static void fill_room(struct prefork_conn *c)
{
	size_t size;
	char *room = prefork_output(c, &size);

	memcpy(room, "filled\n", 7);
	prefork_produce(c, 7);
}

/* A text of all the room, and not one that is a byte longer. */
static void print_room(struct prefork_conn *c)
{
	size_t room = prefork_room(c);

	if (prefork_printf(c, "%*s", (int)room + 1, "last\n") || prefork_room(c) != room)
		prefork_log(c, "a text beyond the room is written");
	if (!prefork_printf(c, "%*s", (int)room, "last\n") || prefork_room(c) != 0)
		prefork_log(c, "a text of all the room is refused");
}

static void send_kept(struct prefork_conn *c)
{
	int fd = fcntl(kept, F_DUPFD_CLOEXEC, 3);

	if (!prefork_send_file(c, fd, 2, 4))
		prefork_write(c, "no file\n", 8);
	else if (prefork_room(c) != 0 || prefork_write(c, "x", 1) || prefork_send_file(c, fd, 0, 1))
		prefork_log(c, "a range leaves room");
}

static enum prefork_verdict run_line(struct prefork_conn *c, const char *line)
{
	struct every *state = prefork_state(c);

	state->commands++;
	prefork_count(c, 0, 1);
	prefork_count(c, 7, 1); /* there is none */
	prefork_count_message(c);
	if (strcmp(line, "addresses") == 0)
		say_addresses(c);
	else if (strcmp(line, "arguments") == 0)
		say_arguments(c);
	else if (strcmp(line, "shared") == 0)
		add_shared(c);
	else if (strcmp(line, "fill") == 0)
		fill_room(c);
	else if (strcmp(line, "print") == 0)
		print_room(c);
	else if (strcmp(line, "file") == 0)
		send_kept(c);
	else if (strcmp(line, "log") == 0)
		prefork_log(c, "said by a module");
	else if (strcmp(line, "wait") == 0)
		prefork_set_deadline(c, 50);
	else if (strcmp(line, "finish") == 0)
		return prefork_finish(c, "was told to");
	else if (strcmp(line, "abort") == 0)
		return prefork_abort(c, "a reason that is longer than the room of a reason");
	else if (strcmp(line, "odd") == 0)
		return (enum prefork_verdict)77;
	else
		prefork_printf(c, WORD " %llu %s\n", (unsigned long long)state->commands, line);
	return PREFORK_MORE;
}

static enum prefork_verdict read_lines(struct prefork_conn *c)
{
	enum prefork_verdict verdict = PREFORK_MORE;
	char line[256];

	while (verdict == PREFORK_MORE && prefork_room(c) > 1024) {
		size_t size;
		const char *input = prefork_input(c, &size), *end = memchr(input, '\n', size);

		if (!end)
			return prefork_input_ended(c) ? PREFORK_FINISH : PREFORK_MORE;
		snprintf(line, sizeof(line), "%.*s", (int)(end - input), input);
		prefork_consume(c, (size_t)(end - input) + 1);
		verdict = run_line(c, line);
	}
	return verdict;
}

static enum prefork_verdict be_late(struct prefork_conn *c)
{
	prefork_write(c, "late\n", 5);
	return PREFORK_MORE;
}

static bool is_idle(const struct prefork_conn *c)
{
	size_t size;

	(void)prefork_input(c, &size);
	return size == 0;
}

static bool is_sound(const struct prefork_conn *c)
{
	const struct every *state = prefork_state(c);

	return state->mark == MARK;
}

static void say_end(struct prefork_conn *c)
{
	char text[64];

	snprintf(text, sizeof(text), "closed: %s", prefork_ending(c));
	prefork_log(c, text);
}

const struct prefork_service prefork_service = {
	PREFORK_SERVICE,
	.name = "every",
	.state_size = sizeof(struct every),
	.state_version = VERSION,
	.counters = counters,
	.check = check,
	.shared_size = shared_size,
	.init = begin,
	.open = greet,
	.input = read_lines,
	.drained = read_lines,
	.expired = be_late,
	.idle = is_idle,
	.is_sound = is_sound,
	.close = say_end,
};
