/* SPDX-License-Identifier: MIT */
/*
 * Tests of base/logfile: files it opens, files it refuses, and existing files that keep their
 * owner.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/logfile.h"
#include "unit/folder.h"

enum { WORKERS = 65534, OTHERS = 65533 };

static char path[128], other[128];

static int set_up(void **state)
{
	if (folder_make(state) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/log", (const char *)*state);
	snprintf(other, sizeof(other), "%s/other", (const char *)*state);
	return 0;
}

static int tear_down(void **state)
{
	struct err err;

	log_open("stderr", LEVEL_NOTICE, LOG_TEXT, (uid_t)-1, &err);
	unlink(path);
	unlink(other);
	return folder_remove(state);
}

/* Opens and closes the file; true on success. */
static bool opens(bool create, uid_t owner, struct err *err)
{
	const char *name;
	int folder = logfile_folder(path, &name);
	int fd = logfile_open(folder, name, create, owner, err);

	close(folder);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void refuses(uid_t owner, const char *reason)
{
	struct err err;

	assert_false(opens(true, owner, &err));
	if (!strstr(err.text, reason))
		fail_msg("%s", err.text);
}

static uid_t user_of(const char *file)
{
	struct stat st;

	assert_int_equal(stat(file, &st), 0);
	return st.st_uid;
}

static void file__that_is_not_there__is_made_only_when_asked(void **state)
{
	struct err err;

	(void)state;
	assert_false(opens(false, (uid_t)-1, &err));
	assert_string_equal(err.text, "No such file or directory");
	assert_true(opens(true, (uid_t)-1, &err));
	assert_true(opens(false, (uid_t)-1, &err));
}

static void link__in_a_folder_of_others__is_refused(void **state)
{
	(void)state;
	folder_write(*state, "other", "");
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(chmod(*state, 0777), 0);
	refuses((uid_t)-1, "a symbolic link in a folder that others can write to");
}

static void link__in_the_servers_own_folder__is_followed(void **state)
{
	struct err err;

	(void)state;
	folder_write(*state, "other", "");
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(chmod(*state, 0755), 0);
	if (!opens(true, (uid_t)-1, &err))
		fail_msg("%s", err.text);
}

static void hard_link__is_refused(void **state)
{
	(void)state;
	folder_write(*state, "other", "");
	assert_int_equal(link(other, path), 0);
	refuses((uid_t)-1, "it has 2 hard links");
}

static void pipe__opens_once_it_has_a_reader(void **state)
{
	struct err err;
	int reader;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	refuses((uid_t)-1, "No such device or address");
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(opens(true, (uid_t)-1, &err));
	close(reader);
}

static void device__opens(void **state)
{
	struct err err;

	(void)state;
	snprintf(path, sizeof(path), "/dev/null");
	assert_true(opens(true, (uid_t)-1, &err));
	assert_true(opens(false, (uid_t)-1, &err));
	snprintf(path, sizeof(path), "%s/log", (const char *)*state);
}

static void standard_output__opens_by_its_link(void **state)
{
	int fds[2], status;
	struct err err;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		snprintf(path, sizeof(path), "/dev/stdout");
		_exit(opens(true, (uid_t)-1, &err) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fds[0]);
	close(fds[1]);
}

static void probe__of_a_file_that_can_be_made__makes_none(void **state)
{
	struct err err;

	(void)state;
	assert_true(logfile_probe(path, (uid_t)-1, &err));
	assert_int_equal(access(path, F_OK), -1);
	assert_true(opens(true, (uid_t)-1, &err));
	assert_true(logfile_probe(path, (uid_t)-1, &err));
}

static void probe__of_what_the_log_will_refuse__has_path_and_reason(void **state)
{
	char message[256];
	struct err err;

	folder_write(*state, "other", "");
	assert_int_equal(link(other, path), 0);
	assert_false(logfile_probe(path, (uid_t)-1, &err));
	snprintf(message, sizeof(message), "\"%s\" cannot be written: it has 2 hard links", path);
	assert_memory_equal(err.text, message, strlen(message));
	assert_false(logfile_probe("/none/log", (uid_t)-1, &err));
	assert_string_equal(err.text, "\"/none/log\" cannot be written: No such file or directory");
}

static void file__made_by_root__is_given_to_the_workers(void **state)
{
	struct err err;

	(void)state;
	assert_true(opens(true, WORKERS, &err));
	assert_int_equal(user_of(path), WORKERS);
	assert_true(opens(true, WORKERS, &err));
}

static void file__that_was_there__is_not_given_away(void **state)
{
	struct err err;

	(void)state;
	folder_write(*state, "log", "");
	assert_true(opens(true, WORKERS, &err));
	assert_int_equal(user_of(path), 0);
}

static void links__in_the_workers_folder__give_nothing_away(void **state)
{
	(void)state;
	folder_write(*state, "other", "");
	assert_int_equal(chmod(other, 0600), 0);
	assert_int_equal(chown(*state, WORKERS, WORKERS), 0);
	assert_int_equal(symlink(other, path), 0);
	refuses(WORKERS, "a symbolic link");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(other, path), 0);
	refuses(WORKERS, "hard links");
	assert_int_equal(user_of(other), 0);
}

static void file__of_a_third_user__is_refused(void **state)
{
	(void)state;
	folder_write(*state, "log", "");
	assert_int_equal(chown(path, OTHERS, OTHERS), 0);
	refuses(WORKERS, "it belongs to user 65533");
	assert_int_equal(user_of(path), OTHERS);
}

static void worker__that_may_not_open_it__says_what_to_do(void **state)
{
	struct err err;
	int status;
	pid_t pid;

	(void)state;
	folder_write(*state, "log", "");
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(chmod(*state, 0755), 0);
	assert_true(log_open(path, LEVEL_NOTICE, LOG_TEXT, WORKERS, &err));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(setresuid(WORKERS, WORKERS, WORKERS) == 0 && !log_reopen(false, &err) &&
				      strstr(err.text, "the workers' user must own it") ?
			      0 :
			      1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void start__with_roots_file__warns_of_the_reopening(void **state)
{
	char text[512] = "";
	struct err err;
	int fd;

	(void)state;
	folder_write(*state, "log", "");
	assert_int_equal(chmod(path, 0640), 0);
	assert_true(log_open(path, LEVEL_NOTICE, LOG_TEXT, WORKERS, &err));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_non_null(strstr(text, "warning environment_warned"));
	assert_non_null(strstr(text, "chown it to user 65534"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(file__that_is_not_there__is_made_only_when_asked),
		CASE(link__in_a_folder_of_others__is_refused),
		CASE(link__in_the_servers_own_folder__is_followed),
		CASE(hard_link__is_refused),
		CASE(pipe__opens_once_it_has_a_reader),
		CASE(device__opens),
		CASE(standard_output__opens_by_its_link),
		CASE(probe__of_a_file_that_can_be_made__makes_none),
		CASE(probe__of_what_the_log_will_refuse__has_path_and_reason),
	};
	const struct CMUnitTest as_root[] = {
		CASE(file__made_by_root__is_given_to_the_workers),
		CASE(file__that_was_there__is_not_given_away),
		CASE(links__in_the_workers_folder__give_nothing_away),
		CASE(file__of_a_third_user__is_refused),
		CASE(worker__that_may_not_open_it__says_what_to_do),
		CASE(start__with_roots_file__warns_of_the_reopening),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (getuid() == 0)
		failed += cmocka_run_group_tests(as_root, NULL, NULL);
	else
		printf("# left out, needs root: files of several users\n");
	return failed;
}
