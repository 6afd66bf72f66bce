/* SPDX-License-Identifier: MIT */
/* Tests of stats/scoreboard_file: the place of the scoreboard, and write access to its parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "stats/scoreboard.h"

static char folder[64];
static char path[96];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_scoreboard.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/s.scoreboard", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static struct scoreboard *make(void)
{
	struct err err;
	struct scoreboard *board = scoreboard_new(path, &err);

	if (!board)
		fail_msg("%s", err.text);
	scoreboard_use(board, SCOREBOARD_SLOTS, SCOREBOARD_WORKERS);
	return board;
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(name, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void new__beside_what_others_have_left__takes_another_name(void **state)
{
	char folders[128], text[128], got[16] = "";
	FILE *file;

	(void)state;
	snprintf(folders, sizeof(folders), "%s.new", path);
	snprintf(text, sizeof(text), "%s.new.1", path);
	assert_int_equal(mkdir(folders, 0700), 0);
	put(text, "a letter");
	scoreboard_free(make(), path, true);
	file = fopen(text, "re");
	assert_non_null(file);
	assert_non_null(fgets(got, sizeof(got), file));
	fclose(file);
	assert_string_equal(got, "a letter");
	assert_int_equal(rmdir(folders), 0);
	assert_int_equal(unlink(text), 0);
}

static void new__after_a_master_that_died_at_its_start__leaves_nothing_of_it(void **state)
{
	char fresh[128];
	struct scoreboard *board = make();

	(void)state;
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	assert_int_equal(rename(path, fresh), 0);
	scoreboard_free(make(), path, true);
	assert_int_equal(access(fresh, F_OK), -1);
	put(fresh, "");
	scoreboard_free(make(), path, true);
	assert_int_equal(access(fresh, F_OK), -1);
	scoreboard_free(board, path, true);
}

static void new__without_a_path__lies_in_memory_and_is_shared(void **state)
{
	struct err err;
	struct scoreboard *board = scoreboard_new(NULL, &err);
	int status;
	pid_t pid;

	(void)state;
	assert_non_null(board);
	assert_true(scoreboard_use(board, 4, 4));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		cell_set(&board->slots[3].tally.listeners[2].messages_total, 5);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(cell_get(&board->slots[3].tally.listeners[2].messages_total), 5);
	scoreboard_free(board, NULL, true);
}

/* Tests the access without a fault that would end this process. */
static bool can_write(const void *at)
{
	int fds[2];
	bool can;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	can = read(fds[0], (void *)(uintptr_t)at, 1) == 1;
	close(fds[0]);
	close(fds[1]);
	return can;
}

static bool can_make_writable(const void *at)
{
	void *page = (void *)((uintptr_t)at / SCOREBOARD_PAGE * SCOREBOARD_PAGE);

	return mprotect(page, SCOREBOARD_PAGE, PROT_READ | PROT_WRITE) == 0 && can_write(at);
}

/*
 * True when the own slot's mapping can be moved within the file: only a kernel that can seal it
 * forbids that.
 */
static bool can_wander(struct slot *slot)
{
	void *longer = mremap(slot, sizeof(*slot), 2 * sizeof(*slot), MREMAP_MAYMOVE);

	return longer != MAP_FAILED || remap_file_pages(slot, sizeof(*slot), 0, 0, 0) == 0;
}

/*
 * A worker in slot 3 tries to write the head and its siblings; returns the number of the failed
 * check.
 */
static int break_out(struct scoreboard *board)
{
	const struct scoreboard_part own = scoreboard_part_slot(board, &board->slots[3]);

	if (!scoreboard_confine(board, &own, 1))
		return 1;
	if (sys_close(board->fd) < 0 || sys_close(board->read_fd) < 0)
		return 2;
	if (!can_write(&board->slots[3]) || !can_write((char *)&board->slots[4] - 1))
		return 3;
	if (can_write(&board->magic) || can_write(&board->infos[3]) || can_write(&board->bans))
		return 4;
	if (can_write(&board->slots[2]) || can_write(&board->slots[4]))
		return 5;
	if (can_make_writable(&board->magic) || can_make_writable(&board->infos[3]) ||
	    can_make_writable(&board->slots[2]) || can_make_writable(&board->slots[4]))
		return 6;
	if (sys_mseal(&board->slots[3], sizeof(struct slot)) == 0 && can_wander(&board->slots[3]))
		return 7;
	cell_set(&board->slots[3].tally.listeners[2].messages_total, 9);
	return 0;
}

static void assert_confined(struct scoreboard *board)
{
	int status;
	pid_t pid;

	cell_set(&board->slots[4].tally.listeners[2].messages_total, 1);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		_exit(break_out(board));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(cell_get(&board->slots[3].tally.listeners[2].messages_total), 9);
	assert_int_equal(cell_get(&board->slots[4].tally.listeners[2].messages_total), 1);
}

static void confine__of_a_file__leaves_the_own_slot_alone_to_write(void **state)
{
	struct scoreboard *board = make();

	(void)state;
	assert_confined(board);
	scoreboard_free(board, path, true);
}

static void confine__of_memory__leaves_the_own_slot_alone_to_write(void **state)
{
	struct err err;
	struct scoreboard *board = scoreboard_new(NULL, &err);

	(void)state;
	assert_non_null(board);
	assert_true(scoreboard_use(board, 8, 8));
	assert_confined(board);
	scoreboard_free(board, NULL, false);
}

static void use__takes_room_for_what_is_used_alone(void **state)
{
	struct err err;
	struct scoreboard *board = scoreboard_new(path, &err);
	struct stat st;
	size_t least;

	(void)state;
	assert_non_null(board);
	assert_true(scoreboard_use(board, 20, 4));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, sizeof(*board));
	least = offsetof(struct scoreboard, server_names) + 20 * sizeof(struct slot) +
		4 * sizeof(struct past);
	assert_in_range(st.st_blocks * 512, least, 2 * least);
	scoreboard_free(board, path, true);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(new__beside_what_others_have_left__takes_another_name),
		CASE(new__after_a_master_that_died_at_its_start__leaves_nothing_of_it),
		CASE(new__without_a_path__lies_in_memory_and_is_shared),
		CASE(confine__of_a_file__leaves_the_own_slot_alone_to_write),
		CASE(confine__of_memory__leaves_the_own_slot_alone_to_write),
		CASE(use__takes_room_for_what_is_used_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
