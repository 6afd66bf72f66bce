/* SPDX-License-Identifier: MIT */
/* Tests of config/pidfile.c: the contents of the file, and files that exist already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "config/pidfile.h"
#include "unit/pidplace.h"

static void open__then_write__holds_our_pid(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	struct err err;
	char expected[16];

	assert_true(pidfile_open(&file, place->path, &err));
	pidplace_expect(place->path, "");
	assert_true(pidfile_write(&file, &err));
	snprintf(expected, sizeof(expected), "%d\n", (int)getpid());
	pidplace_expect(place->path, expected);
	pidfile_remove(&file);
	assert_int_equal(access(place->path, F_OK), -1);
}

static void open__of_a_stale_file__empties_it(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	struct err err;

	pidplace_write(place->path, "4194303\n");
	assert_true(pidfile_open(&file, place->path, &err));
	pidplace_expect(place->path, "");
	pidfile_remove(&file);
}

/* The start and the probe give the same error, and leave the existing file unchanged. */
static void assert_refused(const char *path, const char *why)
{
	struct pidfile file;
	struct err err, probed;
	struct stat before, after;

	assert_int_equal(sys_lstat(path, &before), 0);
	assert_false(pidfile_probe(path, &probed));
	assert_false(pidfile_open(&file, path, &err));
	assert_string_equal(err.text, probed.text);
	assert_int_equal(err.code, CODE_CONFIG);
	assert_int_equal(probed.code, CODE_CONFIG);
	if (!strstr(err.text, why) || !strstr(err.text, path))
		fail_msg("%s: %s", path, err.text);
	assert_int_equal(file.fd, -1);
	assert_int_equal(pidfile_owner(path), 0); /* and does not block */
	assert_int_equal(sys_lstat(path, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_size, before.st_size);
}

static void open__of_what_is_no_file__fails_and_leaves_it(void **state)
{
	const struct place *place = *state;

	assert_int_equal(mkfifo(place->path, 0600), 0);
	assert_refused(place->path, "is not a regular file (name another; none keeps no pid file)");
	assert_refused("/dev/null", "is not a regular file (name another; none keeps no pid file)");
	assert_refused(place->folder, "is a directory (name another; none keeps no pid file)");
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(symlink("elsewhere", place->path), 0);
	assert_refused(place->path,
		       "is a symbolic link (name the file itself, or remove the link)");
}

static void open__of_what_may_be_anothers__fails_and_leaves_it(void **state)
{
	const struct place *place = *state;
	char second[96];

	pidplace_write(place->path, "precious\n");
	assert_int_equal(chmod(place->path, 0666), 0);
	assert_refused(place->path, "others can write to it (chmod go-w it, or remove it)");
	assert_int_equal(chmod(place->path, 0644), 0);
	snprintf(second, sizeof(second), "%s/second", place->folder);
	assert_int_equal(link(place->path, second), 0);
	assert_refused(place->path, "it has 2 hard links and may be another's file (remove it)");
	assert_int_equal(unlink(second), 0);
	if (geteuid() == 0 && chown(place->path, 12345, (gid_t)-1) == 0)
		assert_refused(place->path, "it belongs to user 12345, and the server is user 0's "
					    "(chown it to user 0, or remove it)");
}

/* For example a configuration: a start would empty it, and the end would remove it. */
static void open__of_what_holds_no_pid__fails_and_leaves_it(void **state)
{
	static const char *const texts[] = { "workers = 1\n", "123 456\n", "-1\n",
					     "12345678901234567890\n" };
	const struct place *place = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		pidplace_write(place->path, texts[i]);
		assert_refused(place->path, "holds something else than a process id (name "
					    "another, or remove it)");
		pidplace_expect(place->path, texts[i]);
	}
}

/* A server that is killed while it starts leaves such a file. */
static void open__of_an_empty_file__takes_it(void **state)
{
	static const char *const texts[] = { "", "123", "\n" };
	const struct place *place = *state;
	struct pidfile file;
	struct err err;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		pidplace_write(place->path, texts[i]);
		assert_true(pidfile_open(&file, place->path, &err));
		pidfile_remove(&file);
	}
}

static void probe__changes_nothing(void **state)
{
	const struct place *place = *state;
	struct err err;

	assert_true(pidfile_probe("", &err));
	assert_true(pidfile_probe(place->path, &err));
	assert_int_equal(access(place->path, F_OK), -1);
	pidplace_write(place->path, "4194303\n");
	assert_true(pidfile_probe(place->path, &err));
	pidplace_expect(place->path, "4194303\n");
}

static void open__of_no_path__is_no_file(void **state)
{
	struct pidfile file;
	struct err err;

	(void)state;
	assert_true(pidfile_open(&file, "", &err));
	assert_int_equal(file.fd, -1);
	assert_true(pidfile_write(&file, &err));
	pidfile_remove(&file);
	assert_int_equal(pidfile_owner(""), 0);
}

static void open__in_a_missing_folder__fails(void **state)
{
	struct err err, probed;
	struct pidfile file;

	(void)state;
	assert_false(pidfile_open(&file, "/nowhere/at/all.pid", &err));
	assert_false(pidfile_probe("/nowhere/at/all.pid", &probed));
	assert_string_equal(err.text, probed.text);
	assert_non_null(strstr(err.text, "-p chooses another"));
	assert_int_equal(err.code, CODE_CONFIG);
	assert_int_equal(file.fd, -1);
}

static void remove__after_another_took_the_path__leaves_it(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	struct err err;

	assert_true(pidfile_open(&file, place->path, &err));
	assert_int_equal(unlink(place->path), 0);
	pidplace_write(place->path, "another\n");
	pidfile_remove(&file);
	pidplace_expect(place->path, "another\n");
}

static void remove__twice__does_nothing(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	struct err err;

	assert_true(pidfile_open(&file, place->path, &err));
	pidfile_remove(&file);
	pidplace_write(place->path, "another\n");
	pidfile_remove(&file);
	pidplace_expect(place->path, "another\n");
}

static void owner__without_file_or_lock__is_nobody(void **state)
{
	const struct place *place = *state;

	assert_int_equal(pidfile_owner(place->path), 0);
	pidplace_write(place->path, "1\n");
	assert_int_equal(pidfile_owner(place->path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(open__then_write__holds_our_pid),
		IN_PLACE(open__of_a_stale_file__empties_it),
		IN_PLACE(open__of_what_is_no_file__fails_and_leaves_it),
		IN_PLACE(open__of_what_may_be_anothers__fails_and_leaves_it),
		IN_PLACE(open__of_what_holds_no_pid__fails_and_leaves_it),
		IN_PLACE(open__of_an_empty_file__takes_it),
		IN_PLACE(probe__changes_nothing),
		cmocka_unit_test(open__of_no_path__is_no_file),
		cmocka_unit_test(open__in_a_missing_folder__fails),
		IN_PLACE(remove__after_another_took_the_path__leaves_it),
		IN_PLACE(remove__twice__does_nothing),
		IN_PLACE(owner__without_file_or_lock__is_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
