/* SPDX-License-Identifier: MIT */
/* Tests of config/pidfile.c: the owner of the lock, and calls that must not release it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "config/pidfile.h"
#include "unit/pidplace.h"

/* Forks a process that takes the lock, calls `then`, and goes on until *let_go is closed. */
static pid_t hold_and(const char *path, bool (*then)(struct pidfile *file), int *let_go)
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
		if (!pidfile_open(&file, path, &err) || !then(&file) ||
		    sys_write(held[1], "h", 1) != 1)
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

static bool do_nothing(struct pidfile *file)
{
	return file->fd >= 0;
}

static pid_t hold_elsewhere(const char *path, int *let_go)
{
	return hold_and(path, do_nothing, let_go);
}

static void end_holder(pid_t pid, int let_go)
{
	int status;

	sys_close(let_go);
	assert_int_equal(sys_waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Forks a process that may only read the file and locks it; it ends when *let_go is closed. */
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

static void owner__of_a_held_file__is_the_holder(void **state)
{
	const struct place *place = *state;
	int let_go;
	pid_t holder = hold_elsewhere(place->path, &let_go);

	assert_int_equal(pidfile_owner(place->path), holder);
	end_holder(holder, let_go);
	assert_int_equal(pidfile_owner(place->path), 0);
}

static void open__of_a_file_that_a_reader_has_locked__makes_a_new_one(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	struct stat st;
	struct err err;
	pid_t reader;
	int let_go;

	pidplace_write(place->path, "1\n");
	reader = read_lock_elsewhere(place->path, &let_go);
	assert_int_equal(pidfile_owner(place->path), 0);
	assert_true(pidfile_probe(place->path, &err));
	pidplace_expect(place->path, "1\n");
	umask(022);
	assert_true(pidfile_open(&file, place->path, &err));
	pidplace_expect(place->path, "");
	assert_int_equal(sys_stat(place->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	end_holder(reader, let_go);
	pidfile_remove(&file);
}

/* Opens and closes the file by another path, as a log could. */
static bool open_alias(struct pidfile *file)
{
	char alias[96];
	int fd;

	snprintf(alias, sizeof(alias), "%.*s/./s.pid", (int)(strrchr(file->path, '/') - file->path),
		 file->path);
	fd = sys_open(alias, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
	return fd >= 0 && sys_close(fd) == 0;
}

static bool write_then_open_alias(struct pidfile *file)
{
	struct err err;

	return pidfile_write(file, &err) && open_alias(file);
}

static void lock__after_the_holder_closed_another_descriptor__holds(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	struct err err;
	int let_go;
	pid_t holder = hold_and(place->path, open_alias, &let_go);

	assert_false(pidfile_open(&file, place->path, &err));
	assert_int_equal(err.code, CODE_UNAVAILABLE);
	end_holder(holder, let_go);
	holder = hold_and(place->path, write_then_open_alias, &let_go);
	assert_int_equal(pidfile_owner(place->path), holder); /* as the file says */
	assert_false(pidfile_probe(place->path, &err));
	assert_int_equal(err.code, CODE_UNAVAILABLE);
	end_holder(holder, let_go);
	assert_int_equal(pidfile_owner(place->path), 0);
}

/* Leaves a child of the holder behind, with the lock; the child ends when *let_go is closed. */
static void leave_child(const char *path, int *let_go)
{
	struct pidfile file;
	struct err err;
	int go[2], status;
	pid_t holder;
	char byte;

	assert_int_equal(sys_pipe2(go, O_CLOEXEC), 0);
	holder = sys_fork();
	if (holder == 0) {
		sys_close(go[1]);
		if (!pidfile_open(&file, path, &err) || !pidfile_write(&file, &err))
			_exit(1);
		if (sys_fork() == 0)
			_exit(sys_read(go[0], &byte, 1) == 0 ? 0 : 1);
		_exit(0);
	}
	sys_close(go[0]);
	assert_int_equal(sys_waitpid(holder, &status, 0), holder);
	assert_int_equal(status, 0);
	*let_go = go[1];
}

static bool is_asleep(pid_t pid)
{
	char name[32], text[256] = "", state = 0;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
	file = fopen(name, "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_int_equal(sscanf(strrchr(text, ')'), ") %c", &state), 1);
	return state == 'S';
}

static void open__while_a_dead_servers_child_has_the_lock__waits_for_it(void **state)
{
	const struct place *place = *state;
	struct pidfile file;
	int let_go, status;
	struct err err;
	pid_t opener;

	leave_child(place->path, &let_go);
	assert_int_equal(pidfile_owner(place->path), 0);
	assert_false(pidfile_probe(place->path, &err));
	assert_int_equal(err.code, CODE_UNAVAILABLE);
	opener = sys_fork();
	if (opener == 0) {
		sys_close(let_go);
		_exit(pidfile_open(&file, place->path, &err) ? 0 : 1);
	}
	while (!is_asleep(opener))
		sched_yield();
	sys_close(let_go);
	assert_int_equal(sys_waitpid(opener, &status, 0), opener);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(open__while_another_holds_it__names_the_holder),
		IN_PLACE(owner__of_a_held_file__is_the_holder),
		IN_PLACE(open__of_a_file_that_a_reader_has_locked__makes_a_new_one),
		IN_PLACE(lock__after_the_holder_closed_another_descriptor__holds),
		IN_PLACE(open__while_a_dead_servers_child_has_the_lock__waits_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
