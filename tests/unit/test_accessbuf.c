/* SPDX-License-Identifier: MIT */
/* Lines that wait for the file: the room they take, and the rest of a line that was cut. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "accesslog/accessbuf.h"
#include "accesslog/accesslog.h"
#include "base/sys.h"
#include "unit/folder.h"
#include "unit/logbook.h"

enum { LINE = 1024, LINES = ACCESSBUF_SIZE / LINE };

static char lines_of_memory[ACCESSBUF_SIZE];
static _Atomic uint64_t span;
static const struct accessbuf_memory memory = { lines_of_memory, &span };
static struct accessbuf buf;
static struct accesslog_file file;
static metric_cell written, lost;

static int set_up(void **state)
{
	static const struct accesslog_file closed = ACCESSLOG_FILE_CLOSED;
	struct err err;

	if (logbook_set_up(state) != 0)
		return -1;
	span = 0;
	buf = accessbuf_of(memory);
	file = closed;
	written = lost = 0;
	signal(SIGXFSZ, SIG_IGN);
	return accesslog_file_open(&file, logbook_path, (uid_t)-1, &err) ? 0 : -1;
}

/* Limits the file, like a full disk; 0: it has room again. */
static void limit_file(size_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes > 0 ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int tear_down(void **state)
{
	limit_file(0);
	accesslog_file_close(&file);
	return logbook_tear_down(state);
}

/* Adds a line of one letter, which identifies it. */
static void add(char letter)
{
	struct strbuf room = accessbuf_room(&buf);

	assert_true(room.size >= LINE);
	memset(room.base, letter, LINE - 1);
	room.base[LINE - 1] = '\n';
	accessbuf_add(&buf, LINE);
}

static struct accessbuf_flow flush(void)
{
	return accessbuf_flush(&buf, &file.writer, &written, &lost);
}

static void assert_waits(unsigned lines, char first)
{
	struct accessbuf next = accessbuf_of(memory);

	assert_int_equal(accessbuf_used(&next), lines * LINE);
	for (unsigned i = 0; i < lines; i++)
		assert_int_equal(accessbuf_head(&next)[i * LINE], first + (char)i);
}

/* Removes lines as if they had been written. */
static void drop_lines(unsigned lines)
{
	buf.start += lines * LINE;
	atomic_store(&span, (uint64_t)buf.start << 32 | buf.end);
}

static void room__of_lines_that_were_written__is_used_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LINES; i++)
		add((char)('0' + i));
	assert_false(accessbuf_has_room(&buf, LINE));
	drop_lines(LINES - 5);
	buf = accessbuf_of(memory);
	assert_true(accessbuf_has_room(&buf, (LINES - 5) * LINE));
	assert_false(accessbuf_has_room(&buf, (LINES - 5) * LINE + 1));
	assert_waits(5, (char)('0' + LINES - 5));
	add((char)('0' + LINES));
	assert_waits(6, (char)('0' + LINES - 5));
}

/* A move over itself that a death interrupts would leave neither the old lines nor the new ones. */
static void room__that_a_move_over_itself_would_give__is_left(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LINES; i++)
		add('x');
	drop_lines(LINES / 2 - 1);
	buf = accessbuf_of(memory);
	assert_false(accessbuf_has_room(&buf, LINE));
	assert_int_equal(buf.end, ACCESSBUF_SIZE);
	drop_lines(1);
	buf = accessbuf_of(memory);
	assert_true(accessbuf_has_room(&buf, LINE));
}

static void line__cut_by_a_full_disk__is_ended_and_counted_lost(void **state)
{
	struct accessbuf_flow flow;

	(void)state;
	for (char letter = 'a'; letter < 'e'; letter++)
		add(letter);
	limit_file(LINE * 3 / 2);
	flow = flush();
	assert_int_equal(flow.error, EFBIG);
	assert_int_equal(flow.written, 1);
	assert_int_equal(flow.cut, 1);
	limit_file(0);
	buf = accessbuf_of(memory); /* as the next worker gets it */
	flow = flush();
	assert_int_equal(flow.error, 0);
	assert_int_equal(written, 3);
	assert_int_equal(lost, 1);
	logbook_read(logbook_path);
	assert_int_equal(strlen(logbook_text), 3 * LINE + LINE / 2 + 1);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(logbook_text[i * LINE - (i > 1) * (LINE / 2 - 1)], 'a' + (int)i);
}

static void line__cut_in_another_file__leaves_nothing_in_the_new_one(void **state)
{
	struct err err;
	bool is_other;

	(void)state;
	add('a');
	add('b');
	limit_file(LINE / 2);
	assert_int_equal(flush().cut, 1);
	limit_file(0);
	assert_true(accesslog_file_reopen(&file, true, &is_other, &err));
	assert_false(is_other);
	unlink(logbook_path);
	assert_true(accesslog_file_reopen(&file, true, &is_other, &err));
	assert_true(is_other);
	accessbuf_begin_file(&buf);
	assert_waits(1, 'b');
	assert_int_equal(flush().written, 1);
	assert_int_equal(logbook_read(logbook_path)[0], 'b');
	assert_int_equal(strlen(logbook_text), LINE);
}

static void lines__that_are_given_up__are_counted_without_the_cut_one(void **state)
{
	(void)state;
	add('a');
	add('b');
	limit_file(LINE / 2);
	assert_int_equal(flush().cut, 1);
	assert_int_equal(accessbuf_drop_all(&buf), 1);
	assert_waits(0, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(room__of_lines_that_were_written__is_used_again),
		CASE(room__that_a_move_over_itself_would_give__is_left),
		CASE(line__cut_by_a_full_disk__is_ended_and_counted_lost),
		CASE(line__cut_in_another_file__leaves_nothing_in_the_new_one),
		CASE(lines__that_are_given_up__are_counted_without_the_cut_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
