/* SPDX-License-Identifier: MIT */
/* Tests of master/pidfile.c, in a directory of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "master/pidfile.h"

struct place {
	char folder[32], path[64];
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	snprintf(place->folder, sizeof(place->folder), "/tmp/pidfile-XXXXXX");
	if (!mkdtemp(place->folder))
		return -1;
	snprintf(place->path, sizeof(place->path), "%s/s.pid", place->folder);
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;

	unlink(place->path);
	rmdir(place->folder);
	free(place);
	return 0;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *path, const char *expected)
{
	char text[64] = "";
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(text, expected);
}

/* A process that holds the lock until *let_go is closed. */
static pid_t hold_elsewhere(const char *path, int *let_go)
{
	int held[2], go[2];
	struct pidfile file;
	struct err err;
	char byte;
	pid_t pid;

	assert_int_equal(sys_pipe2(held, O_CLOEXEC), 0);
	assert_int_equal(sys_pipe2(go, O_CLOEXEC), 0);
	pid = sys_fork();
	if (pid == 0) {
		sys_close(go[1]);
		if (!pidfile_open(&file, path, &err) || sys_write(held[1], "h", 1) != 1)
			_exit(1);
		_exit(sys_read(go[0], &byte, 1) == 0 ? 0 : 1);
	}
	assert_true(pid > 0);
	sys_close(held[1]);
	sys_close(go[0]);
	assert_int_equal(sys_read(held[0], &byte, 1), 1);
	sys_close(held[0]);
	*let_go = go[1];
	return pid;
}

static void end_holder(pid_t pid, int let_go)
{
	int status;

	sys_close(let_go);
	assert_int_equal(sys_waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void path__with_option__is_that(void **state)
{
	struct conf conf = { .pid_file = (char[]){ "/run/x/y.pid" } };
	char text[64];
	struct err err;

	(void)state;
	assert_true(pidfile_path(&conf, false, text, sizeof(text), &err));
	assert_string_equal(text, "/run/x/y.pid");
}

static void path__with_relative_option__is_made_absolute(void **state)
{
	struct conf conf = { .pid_file = (char[]){ "y.pid" } };
	char text[4096], here[4000], expected[4096];
	struct err err;

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(expected, sizeof(expected), "%s/y.pid", here);
	assert_true(pidfile_path(&conf, false, text, sizeof(text), &err));
	assert_string_equal(text, expected);
}

static void path__longer_than_room__fails(void **state)
{
	struct conf conf = { .pid_file = (char[]){ "/run/x/y.pid" } };
	char text[12];
	struct err err;

	(void)state;
	assert_false(pidfile_path(&conf, false, text, sizeof(text), &err));
	assert_int_equal(err.code, CODE_CONFIG);
	assert_non_null(strstr(err.text, "pid_file"));
}

static void path__without_option__is_the_users_own(void **state)
{
	struct conf conf = { .pid_file = (char[]){ "" } };
	char text[4096];
	struct err err;

	(void)state;
	setenv("XDG_RUNTIME_DIR", "/xdg", 1);
	assert_true(pidfile_path(&conf, false, text, sizeof(text), &err));
	assert_string_equal(text, geteuid() == 0 ? RUNSTATEDIR "/prefork-srv.pid" :
						   "/xdg/prefork-srv.pid");
}

static void open__then_write__holds_our_pid(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	struct err err;
	char expected[16];

	assert_true(pidfile_open(&file, place->path, &err));
	assert_file(place->path, "");
	assert_true(pidfile_write(&file, &err));
	snprintf(expected, sizeof(expected), "%d\n", (int)getpid());
	assert_file(place->path, expected);
	pidfile_remove(&file);
	assert_int_equal(access(place->path, F_OK), -1);
}

static void open__of_a_stale_file__empties_it(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	struct err err;

	write_file(place->path, "4194303\n");
	assert_true(pidfile_open(&file, place->path, &err));
	assert_file(place->path, "");
	pidfile_remove(&file);
}

static void open__while_another_holds_it__names_the_holder(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	char expected[32];
	struct err err;
	int let_go;
	pid_t holder = hold_elsewhere(place->path, &let_go);

	assert_false(pidfile_open(&file, place->path, &err));
	assert_int_equal(err.code, CODE_UNAVAILABLE);
	snprintf(expected, sizeof(expected), "pid %d ", (int)holder);
	assert_non_null(strstr(err.text, expected));
	end_holder(holder, let_go);
	assert_true(pidfile_open(&file, place->path, &err));
	pidfile_remove(&file);
}

/* A process that may only read the file locks that; ends when *let_go is closed. */
static pid_t read_lock_elsewhere(const char *path, int *let_go)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int held[2], go[2];
	char byte;
	pid_t pid;

	assert_int_equal(sys_pipe2(held, O_CLOEXEC), 0);
	assert_int_equal(sys_pipe2(go, O_CLOEXEC), 0);
	pid = sys_fork();
	if (pid == 0) {
		int fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0);

		sys_close(go[1]);
		if (sys_fcntl_lock(fd, F_SETLK, &lock) < 0 || sys_write(held[1], "h", 1) != 1)
			_exit(1);
		_exit(sys_read(go[0], &byte, 1) == 0 ? 0 : 1);
	}
	assert_true(pid > 0);
	sys_close(held[1]);
	sys_close(go[0]);
	assert_int_equal(sys_read(held[0], &byte, 1), 1);
	sys_close(held[0]);
	*let_go = go[1];
	return pid;
}

static void open__of_a_file_that_a_reader_has_locked__makes_a_new_one(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	struct stat st;
	struct err err;
	pid_t reader;
	int let_go;

	write_file(place->path, "1\n");
	reader = read_lock_elsewhere(place->path, &let_go);
	assert_int_equal(pidfile_owner(place->path), 0);
	umask(022);
	assert_true(pidfile_open(&file, place->path, &err));
	assert_file(place->path, "");
	assert_int_equal(sys_stat(place->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	end_holder(reader, let_go);
	pidfile_remove(&file);
}

static void open__of_what_is_no_file__fails_and_leaves_it(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	struct err err;

	assert_int_equal(mkfifo(place->path, 0600), 0);
	assert_int_equal(pidfile_owner(place->path), 0); /* and does not wait */
	assert_false(pidfile_open(&file, place->path, &err));
	assert_non_null(strstr(err.text, "is not a regular file"));
	assert_int_equal(access(place->path, F_OK), 0);
}

static void open__of_a_symbolic_link__fails(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	struct err err;

	assert_int_equal(symlink("/tmp/elsewhere", place->path), 0);
	assert_false(pidfile_open(&file, place->path, &err));
	assert_non_null(strstr(err.text, place->path));
}

static void open__in_a_missing_folder__fails(void **state)
{
	struct pidfile file;
	struct err err;

	(void)state;
	assert_false(pidfile_open(&file, "/nowhere/at/all.pid", &err));
	assert_int_equal(err.code, CODE_OSERR);
	assert_int_equal(file.fd, -1);
}

static void remove__after_another_took_the_path__leaves_it(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	struct err err;

	assert_true(pidfile_open(&file, place->path, &err));
	assert_int_equal(unlink(place->path), 0);
	write_file(place->path, "another\n");
	pidfile_remove(&file);
	assert_file(place->path, "another\n");
}

static void remove__twice__does_nothing(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	struct err err;

	assert_true(pidfile_open(&file, place->path, &err));
	pidfile_remove(&file);
	write_file(place->path, "another\n");
	pidfile_remove(&file);
	assert_file(place->path, "another\n");
}

static void owner__without_file_or_lock__is_nobody(void **state)
{
	const struct place *place = *state;

	assert_int_equal(pidfile_owner(place->path), 0);
	write_file(place->path, "1\n");
	assert_int_equal(pidfile_owner(place->path), 0);
}

static void owner__of_a_held_file__is_the_holder(void **state)
{
	const struct place *place = *state;
	int let_go;
	pid_t holder = hold_elsewhere(place->path, &let_go);

	assert_int_equal(pidfile_owner(place->path), holder);
	end_holder(holder, let_go);
	assert_int_equal(pidfile_owner(place->path), 0);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path__with_option__is_that),
		cmocka_unit_test(path__with_relative_option__is_made_absolute),
		cmocka_unit_test(path__longer_than_room__fails),
		cmocka_unit_test(path__without_option__is_the_users_own),
		IN_PLACE(open__then_write__holds_our_pid),
		IN_PLACE(open__of_a_stale_file__empties_it),
		IN_PLACE(open__while_another_holds_it__names_the_holder),
		IN_PLACE(open__of_a_file_that_a_reader_has_locked__makes_a_new_one),
		IN_PLACE(open__of_what_is_no_file__fails_and_leaves_it),
		IN_PLACE(open__of_a_symbolic_link__fails),
		cmocka_unit_test(open__in_a_missing_folder__fails),
		IN_PLACE(remove__after_another_took_the_path__leaves_it),
		IN_PLACE(remove__twice__does_nothing),
		IN_PLACE(owner__without_file_or_lock__is_nobody),
		IN_PLACE(owner__of_a_held_file__is_the_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
