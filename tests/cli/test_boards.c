/* SPDX-License-Identifier: MIT */
/*
 * -s status of files that no server has written: damaged, foreign, hostile, or truncated during the
 * read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/command.h"
#include "stats/scoreboard.h"
#include "unit/folder.h"

static struct said said;

static void status(void **state)
{
	RUN(&said, *state, "-s", "status", "-p", "s.pid");
}

static void assert_shown(const char *text)
{
	if (strstr(said.out, text) == NULL)
		fail_msg("\"%s\" is not in:\n%s%s", text, said.out, said.err);
}

static void assert_failed(const char *message)
{
	assert_int_equal(said.code, CODE_FAILED);
	if (strstr(said.err, message) == NULL)
		fail_msg("\"%s\" is not in:\n%s", message, said.err);
}

/* Asserts that the output has no control bytes except line ends. */
static void assert_harmless(void)
{
	for (const unsigned char *c = (const unsigned char *)said.out; *c != '\0'; c++)
		if ((*c < ' ' && *c != '\n') || *c == 0x7f)
			fail_msg("byte %02x at %td", *c, (const char *)c - said.out);
}

/* The scoreboard of the pid file s.pid, and its path. */
static struct scoreboard *make_board(void **state, char *path, size_t size)
{
	struct scoreboard *board;
	struct err err;

	snprintf(path, size, "%s/s.scoreboard", (char *)*state);
	board = scoreboard_new(path, &err);
	assert_non_null(board);
	return board;
}

static void status__of_hostile_texts__escapes_them(void **state)
{
	static const char hostile[] = "\033[2J\r\nx\x9b\177";
	struct scoreboard *board;
	char path[512];

	board = make_board(state, path, sizeof(path));
	memcpy(board->origin, hostile, sizeof(hostile));
	memset(board->program, '\033', sizeof(board->program));
	scoreboard_enlist(board, hostile, hostile);
	memcpy(board->crash_notes[0].remote, hostile, sizeof(hostile));
	memset(board->crash_notes[0].service, '\n', sizeof(board->crash_notes[0].service));
	board->crash_notes[0].signal = UINT32_MAX;
	atomic_store(&board->crash_count, 1);
	memset(board->reload.outcomes, '\b', sizeof(board->reload.outcomes));
	atomic_store(&board->reload.done, 1);
	status(state);
	assert_failed("no server is running");
	assert_shown("\\x1b[2J\\r\\nx");
	assert_harmless();
	scoreboard_free(board, path, true);
}

/* Puts a worker into the slot of its number. */
static struct slot *take_slot(struct scoreboard *board, unsigned number, enum slot_state state)
{
	scoreboard_use(board, number + 1, number + 1);
	atomic_store(&board->infos[number].number, number);
	atomic_store(&board->infos[number].pid, 500 + number);
	atomic_store(&board->infos[number].is_taken, 1);
	atomic_store(&board->slots[number].state, state);
	return &board->slots[number];
}

static void status__after_moves__tells_who_moved_and_why_some_stay(void **state)
{
	struct scoreboard *board;
	struct slot *old, *fresh;
	char path[512];

	board = make_board(state, path, sizeof(path));
	old = take_slot(board, 0, SLOT_DRAINING);
	fresh = take_slot(board, 1, SLOT_READY);
	take_slot(board, 2, SLOT_MOVING);
	status(state);
	assert_shown("  moving  ");
	assert_null(strstr(said.out, "  moved"));
	cell_set(&old->tally.connections_moved_out_total[MOVE_reload], 9812);
	cell_set(&fresh->tally.connections_moved_in_total[MOVE_reload], 9812);
	cell_set(&old->tally.connections_not_moved_total[STAY_options_changed], 2);
	cell_set(&old->tally.connections_not_moved_total[STAY_too_large], 1);
	atomic_store(&old->live, 3);
	scoreboard_end_request(&board->reload, NULL, 12, 4, 9812, 3);
	status(state);
	assert_shown("4 workers, 9,812 connections moved, 3 finish in old workers\n");
	assert_shown("  moved");
	assert_shown("  +0 -9812  ");
	assert_shown("  +9812 -0  ");
	assert_shown("\nworker 0, slot 0, pid 500: 3 connections; could not move: "
		     "2 options_changed, 1 too_large\n");
	scoreboard_free(board, path, true);
}

/* A generator of its own: the same bytes in every run. */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void fill(struct scoreboard *board, uint64_t seed, unsigned sparse)
{
	struct scoreboard *good = malloc(offsetof(struct scoreboard, inode));
	uint64_t *words = (uint64_t *)board;

	assert_non_null(good);
	memcpy(good, board, offsetof(struct scoreboard, inode));
	for (size_t i = 0; i < sizeof(*board) / sizeof(*words); i++)
		if (next_random(&seed) % sparse == 0)
			words[i] = next_random(&seed) >> next_random(&seed) % 64;
	memcpy(board, good, offsetof(struct scoreboard, inode));
	free(good);
}

static void status__of_random_bytes_behind_a_good_head__shows_something(void **state)
{
	struct scoreboard *board;
	char path[512];

	board = make_board(state, path, sizeof(path));
	for (unsigned i = 0; i < 4; i++) {
		fill(board, 88172645463325252 + i, 1 + i % 4 * 50);
		status(state);
		assert_failed("no server is running");
		assert_shown("DEAD");
		assert_harmless();
		RUN(&said, *state, "-s", "status", "--json", "-p", "s.pid");
		assert_failed("no server is running");
		assert_shown("\"alive\":false");
	}
	scoreboard_free(board, path, false);
	unlink(path);
}

static void refused(void **state, const char *message)
{
	status(state);
	assert_string_equal(said.out, "");
	assert_failed("no server is running");
	assert_failed(message);
	RUN(&said, *state, "-s", "status", "--json", "-p", "s.pid");
	assert_string_equal(said.out, "");
	assert_failed(message);
}

static void status__of_what_is_no_scoreboard__says_so(void **state)
{
	struct scoreboard *board;
	char path[512];

	board = make_board(state, path, sizeof(path));
	board->version++;
	refused(state, "is a scoreboard of version");
	board->version--;
	board->size++;
	refused(state, "is not a scoreboard of this program");
	board->size--;
	board->magic++;
	refused(state, "is not a scoreboard");
	board->magic--;
	for (off_t size = sizeof(*board) - 1; size > 0; size /= 7) {
		assert_int_equal(truncate(path, size), 0);
		refused(state, "is cut short");
	}
	assert_int_equal(truncate(path, 0), 0);
	refused(state, "is cut short: 0 of ");
	unlink(path);
	assert_int_equal(mkfifo(path, 0644), 0);
	refused(state, "is not a scoreboard, nor a regular file");
	unlink(path);
	assert_int_equal(mkdir(path, 0755), 0);
	refused(state, "is not a scoreboard, nor a regular file");
	rmdir(path);
	munmap(board, sizeof(*board));
}

/*
 * Another process truncates and extends the file while status reads it: any result but a crash is
 * right.
 */
static void status__of_a_file_that_is_being_cut__does_not_crash(void **state)
{
	struct scoreboard *board;
	char path[512];
	pid_t cutter;

	board = make_board(state, path, sizeof(path));
	cutter = fork();
	assert_true(cutter >= 0);
	while (cutter == 0)
		if (truncate(path, 5000) < 0 || truncate(path, sizeof(*board)) < 0)
			_exit(1);
	for (int i = 0; i < 10; i++) {
		status(state);
		assert_int_equal(said.code, CODE_FAILED);
	}
	kill(cutter, SIGKILL);
	waitpid(cutter, NULL, 0);
	munmap(board, sizeof(*board));
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status__of_hostile_texts__escapes_them),
		cmocka_unit_test(status__after_moves__tells_who_moved_and_why_some_stay),
		cmocka_unit_test(status__of_random_bytes_behind_a_good_head__shows_something),
		cmocka_unit_test(status__of_what_is_no_scoreboard__says_so),
		cmocka_unit_test(status__of_a_file_that_is_being_cut__does_not_crash),
	};

	unsetenv("COLUMNS");
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
