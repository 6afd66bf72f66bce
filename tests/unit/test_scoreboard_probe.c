/* SPDX-License-Identifier: MIT */
/* Tests of scoreboard_probe: it gives the result of scoreboard_new, and leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stats/scoreboard.h"
#include "unit/folder.h"

/* Both must give the same result for FOLDER/name. */
static void assert_both(const char *folder, const char *name, bool is_good)
{
	struct err of_probe = { 0 }, of_new = { 0 };
	struct scoreboard *board;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(scoreboard_probe(path, 16, &of_probe), is_good);
	board = scoreboard_new(path, &of_new);
	assert_int_equal(board != NULL, is_good);
	assert_int_equal(of_probe.code, of_new.code);
	scoreboard_free(board, path, true);
}

static void probe__leaves_nothing_behind(void **state)
{
	char path[256];
	struct err err;

	snprintf(path, sizeof(path), "%s/s.scoreboard", (char *)*state);
	assert_true(scoreboard_probe(path, 16, &err));
	assert_int_equal(access(path, F_OK), -1);
	folder_write(*state, "s.scoreboard", "an older one");
	assert_true(scoreboard_probe(path, 16, &err));
	assert_both(*state, "s.scoreboard", true);
}

static void probe__of_a_directory_or_no_folder__refuses_as_new_does(void **state)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/d.scoreboard", (char *)*state);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_both(*state, "d.scoreboard", false);
	assert_int_equal(rmdir(path), 0);
	assert_both(*state, "none/s.scoreboard", false);
}

static void probe__without_room__refuses_as_new_does(void **state)
{
	struct rlimit limit, small;

	/* at a limit of the file's size fallocate(2) fails as on a full file system */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){ 4096, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_both(*state, "s.scoreboard", false);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_both(*state, "s.scoreboard", true);
}

/* "PID FILE AND SCOREBOARD" in prefork-srv(8) tells these: correct it when one changes. */
static void size__is_what_the_manual_tells(void **state)
{
	size_t head = offsetof(struct scoreboard, server_names);
	size_t each = sizeof(struct slot) + sizeof(struct past);

	(void)state;
	assert_int_equal((sizeof(struct scoreboard) + 500000) / 1000000, 26);
	assert_int_equal((head + 5000) / 10000, 19);
	assert_int_equal((each + 512) / 1024, 30);
	assert_int_equal((head + (4 + 16) * each + 50000) / 100000, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe__leaves_nothing_behind),
		cmocka_unit_test(probe__of_a_directory_or_no_folder__refuses_as_new_does),
		cmocka_unit_test(size__is_what_the_manual_tells),
		cmocka_unit_test(probe__without_room__refuses_as_new_does),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
