/* SPDX-License-Identifier: MIT */
/* Tests of base/output_lines: lines however they arrive, long ones, floods, the end of a pipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/output_lines.h"
#include "base/sys.h"

struct source {
	struct output_lines lines;
	int fds[2];
	char seen[8192]; /* every line and its end; "+" stands for a cut one's rest */
	unsigned count;
};

static void note_line(void *owner, const char *text, bool is_cut)
{
	struct source *source = owner;
	size_t used = strlen(source->seen);

	source->count++;
	snprintf(source->seen + used, sizeof(source->seen) - used, "%s%s|", text,
		 is_cut ? "+" : "");
}

static int open_source(void **state)
{
	struct source *source = calloc(1, sizeof(*source));

	assert_non_null(source);
	assert_int_equal(sys_pipe2(source->fds, O_NONBLOCK | O_CLOEXEC), 0);
	source->lines.fd = source->fds[0];
	source->lines.line = note_line;
	source->lines.owner = source;
	*state = source;
	return 0;
}

static int close_source(void **state)
{
	struct source *source = *state;

	close(source->fds[0]);
	if (source->fds[1] >= 0)
		close(source->fds[1]);
	free(source);
	return 0;
}

static void end_writing(struct source *source)
{
	close(source->fds[1]);
	source->fds[1] = -1;
}

static void put(const struct source *source, const char *text, size_t n)
{
	assert_int_equal(sys_write(source->fds[1], text, n), n);
}

static void line__without_its_end__is_given_on_when_asked_for(void **state)
{
	struct source *source = *state;

	output_lines_end(&source->lines, 0);
	put(source, "one\ntw\0o\r", 9);
	assert_true(output_lines_read(&source->lines, 0));
	assert_string_equal(source->seen, "one|");
	output_lines_end(&source->lines, 0);
	output_lines_end(&source->lines, 0);
	assert_string_equal(source->seen, "one|tw?o|");
}

static void lines__in_pieces__arrive_whole(void **state)
{
	struct source *source = *state;

	put(source, "on", 2);
	assert_true(output_lines_read(&source->lines, 0));
	assert_string_equal(source->seen, "");
	put(source, "e\ntwo\r\n\nth", 10);
	assert_true(output_lines_read(&source->lines, 0));
	assert_string_equal(source->seen, "one|two||");
	put(source, "ree\n", 4);
	assert_true(output_lines_read(&source->lines, 0));
	assert_string_equal(source->seen, "one|two||three|");
}

static void line__without_its_end__arrives_at_the_end_of_the_pipe(void **state)
{
	struct source *source = *state;

	put(source, "a\0b\nlast", 8);
	assert_true(output_lines_read(&source->lines, 0));
	assert_true(output_lines_read(&source->lines, 0));
	end_writing(source);
	assert_false(output_lines_read(&source->lines, 0));
	assert_string_equal(source->seen, "a?b|last|");
	assert_false(output_lines_read(&source->lines, 0));
	assert_int_equal(source->count, 2);
}

static void line__too_long__is_cut_and_the_next_one_is_whole(void **state)
{
	struct source *source = *state;
	static char bytes[3 * OUTPUT_LINES_LONGEST];

	memset(bytes, 'x', sizeof(bytes));
	put(source, bytes, OUTPUT_LINES_LONGEST);
	put(source, "\n", 1);
	put(source, bytes, sizeof(bytes));
	put(source, "\nshort\n", 7);
	while (source->count < 3)
		assert_true(output_lines_read(&source->lines, 0));
	assert_int_equal(strcspn(source->seen, "|"), OUTPUT_LINES_LONGEST);
	assert_string_equal(source->seen + 2 * OUTPUT_LINES_LONGEST + 1, "+|short|");
}

static void read__of_much__is_bounded(void **state)
{
	struct source *source = *state;
	static char bytes[2 * OUTPUT_LINES_AT_ONCE];

	memset(bytes, 'x', sizeof(bytes));
	for (size_t i = 1023; i < sizeof(bytes); i += 1024)
		bytes[i] = '\n';
	put(source, bytes, sizeof(bytes));
	assert_true(output_lines_read(&source->lines, 0));
	assert_int_equal(source->count, OUTPUT_LINES_AT_ONCE / 1024);
	assert_true(output_lines_read(&source->lines, 0));
	assert_int_equal(source->count, 2 * OUTPUT_LINES_AT_ONCE / 1024);
}

static void flood__loses_lines_which_are_told_after_that_second(void **state)
{
	enum { TOO_MANY = 5, NOW_MS = 7000 };
	struct source *source = *state;

	source->lines.second_ms = NOW_MS;
	for (unsigned i = 0; i < OUTPUT_LINES_A_SECOND + TOO_MANY; i++) {
		put(source, "x\n", 2);
		assert_true(output_lines_read(&source->lines, NOW_MS + i % 1000));
	}
	assert_int_equal(source->count, OUTPUT_LINES_A_SECOND);
	assert_int_equal(output_lines_take_lost(&source->lines, false, NOW_MS + 999), 0);
	assert_int_equal(output_lines_due_ms(&source->lines, INT64_MAX), NOW_MS + 1000);
	assert_int_equal(output_lines_take_lost(&source->lines, false, NOW_MS + 1000), TOO_MANY);
	assert_int_equal(output_lines_due_ms(&source->lines, INT64_MAX), INT64_MAX);
	put(source, "y\n", 2);
	assert_true(output_lines_read(&source->lines, NOW_MS + 1000));
	assert_int_equal(source->count, OUTPUT_LINES_A_SECOND + 1);
}

/* A line that never ends, and lines that are lost: both are read no faster. */
static void bytes__beyond_the_limit__wait_for_the_next_second(void **state)
{
	enum { NOW_MS = 7000 };
	struct source *source = *state;
	static char bytes[OUTPUT_LINES_AT_ONCE];
	unsigned reads = 0;

	memset(bytes, '\n', sizeof(bytes) / 2);
	memset(bytes + sizeof(bytes) / 2, 'x', sizeof(bytes) / 2);
	assert_false(output_lines_resume(&source->lines, NOW_MS));
	for (; !source->lines.is_spent; reads++) {
		put(source, bytes, sizeof(bytes));
		assert_true(output_lines_read(&source->lines, NOW_MS + reads));
	}
	assert_int_equal(reads, OUTPUT_LINES_BYTES_A_SECOND / OUTPUT_LINES_AT_ONCE);
	assert_int_equal(output_lines_due_ms(&source->lines, INT64_MAX), NOW_MS + 1000);
	assert_false(output_lines_resume(&source->lines, NOW_MS + 999));
	assert_false(output_lines_resume(&source->lines, NOW_MS + 1000));
	assert_int_equal(output_lines_take_lost(&source->lines, false, NOW_MS + 1000),
			 reads * sizeof(bytes) / 2 - OUTPUT_LINES_A_SECOND);
	assert_true(output_lines_resume(&source->lines, NOW_MS + 1000));
	assert_int_equal(output_lines_due_ms(&source->lines, INT64_MAX), INT64_MAX);
	put(source, "y\n", 2);
	assert_true(output_lines_read(&source->lines, NOW_MS + 1001));
	assert_false(source->lines.is_spent);
	assert_int_equal(source->count, OUTPUT_LINES_A_SECOND + 1);
}

static void lost_lines__at_the_end__are_told_at_once(void **state)
{
	struct source *source = *state;

	source->lines.lost = 3;
	assert_int_equal(output_lines_take_lost(&source->lines, true, 0), 3);
	assert_int_equal(output_lines_take_lost(&source->lines, true, 0), 0);
}

#define WITH_SOURCE(test) cmocka_unit_test_setup_teardown(test, open_source, close_source)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SOURCE(lines__in_pieces__arrive_whole),
		WITH_SOURCE(line__without_its_end__is_given_on_when_asked_for),
		WITH_SOURCE(line__without_its_end__arrives_at_the_end_of_the_pipe),
		WITH_SOURCE(line__too_long__is_cut_and_the_next_one_is_whole),
		WITH_SOURCE(read__of_much__is_bounded),
		WITH_SOURCE(flood__loses_lines_which_are_told_after_that_second),
		WITH_SOURCE(bytes__beyond_the_limit__wait_for_the_next_second),
		WITH_SOURCE(lost_lines__at_the_end__are_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
