/* SPDX-License-Identifier: MIT */
/*
 * Tests of base/log and base/logsink when lines cannot be written: counted, reported, never torn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/log.h"
#include "base/sys.h"
#include "base/writer.h"
#include "unit/folder.h"

enum { MANY = 3000, PATIENCE_S = 60 };

static char path[128];
static char text[1 << 20];
static _Atomic uint64_t cell;

static int set_up(void **state)
{
	alarm(PATIENCE_S);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	cell = 0;
	log_role("", -1);
	log_count_in(&cell);
	if (folder_make(state) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/log", (const char *)*state);
	return 0;
}

static int tear_down(void **state)
{
	struct err err;

	log_open("stderr", LEVEL_NOTICE, LOG_TEXT, (uid_t)-1, &err);
	log_role("", -1);
	alarm(0);
	return folder_remove(state);
}

static void use(const char *target)
{
	struct err err;

	if (!log_open(target, LEVEL_NOTICE, LOG_TEXT, (uid_t)-1, &err))
		fail_msg("%s", err.text);
}

static void write_many(unsigned lines)
{
	for (unsigned i = 0; i < lines; i++)
		LOG(EVENT_server_stopped, LOG_NUM("i", i));
}

/* Reads all that is there now. */
static const char *read_all(int fd)
{
	size_t used = 0;
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (used < sizeof(text) - 1 && (n = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	return text;
}

static const char *read_file(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	read_all(fd);
	close(fd);
	return text;
}

/* Settles the log as a loop does when it is due. */
static void settle(void)
{
	static int64_t now_ms;

	now_ms += 60 * 1000;
	log_settle(now_ms);
}

static unsigned count(const char *in, const char *what)
{
	unsigned n = 0;

	for (; (in = strstr(in, what)) != NULL; in++)
		n++;
	return n;
}

/* Asserts that every line has one beginning and one end; returns the number of lines. */
static unsigned count_whole(void)
{
	unsigned lines = count(text, "\n");

	assert_int_equal(count(text, " notice server_stopped pid="), lines);
	assert_int_equal(count(text, " i="), lines);
	return lines;
}

static void assert_told(unsigned lost, const char *why)
{
	char expected[128];

	snprintf(expected, sizeof(expected), " warning log_lines_lost pid=%d count=%u message=\"%s",
		 (int)getpid(), lost, why);
	if (!strstr(text, expected))
		fail_msg("no \"%s\" in: %s", expected, text);
	assert_int_equal(count(text, "log_lines_lost"), 1);
	assert_int_equal(cell, lost);
	assert_int_equal(log_due_ms(INT64_MAX), INT64_MAX);
}

static void fifo__nobody_reads__loses_whole_lines_and_tells_how_many(void **state)
{
	unsigned came;
	int reader;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	use(path);
	write_many(MANY);
	read_all(reader);
	came = count_whole();
	assert_in_range(came, 1, MANY - 1);
	assert_int_equal(cell, MANY - came);
	assert_true(log_due_ms(INT64_MAX) < INT64_MAX);
	settle();
	read_all(reader);
	assert_told(MANY - came, "what is written to it is not taken fast enough");
	close(reader);
}

static void next_line__comes_after_the_number(void **state)
{
	int reader;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	use(path);
	write_many(MANY);
	read_all(reader);
	errno = ENOTTY;
	LOG(EVENT_server_started);
	assert_int_equal(errno, ENOTTY);
	read_all(reader);
	assert_int_equal(count(text, "\n"), 2);
	assert_true(strstr(text, "log_lines_lost") < strstr(text, "server_started"));
	close(reader);
}

/* A terminal takes a line in parts: the rest of it is sent first, however late. */
static void terminal__unread__loses_whole_lines(void **state)
{
	int master, slave, kept = dup(STDERR_FILENO);
	unsigned came = 0;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	setenv("NO_COLOR", "1", 1);
	fflush(stderr);
	use(path);
	dup2(slave, STDERR_FILENO);
	use("stderr");
	for (unsigned round = 0; round < 3; round++) {
		write_many(MANY);
		assert_true(log_due_ms(INT64_MAX) < INT64_MAX);
		read_all(master);
		came += count(text, " i=");
		for (const char *at = text; (at = strstr(at, "server_stopped")) != NULL; at++)
			assert_memory_equal(at - 7, "notice ", 7);
		settle();
	}
	read_all(master);
	came += count(text, " i=");
	dup2(kept, STDERR_FILENO);
	close(kept);
	assert_int_equal(came + cell, 3 * MANY);
	assert_non_null(strstr(text, "log_lines_lost"));
	close(master);
	close(slave);
}

static void device__that_is_full__is_told_of_in_the_next_log(void **state)
{
	(void)state;
	use("/dev/full");
	write_many(7);
	assert_int_equal(cell, 7);
	use(path);
	settle();
	read_file(path);
	assert_told(7, "No space left on device");
}

static void limit_file(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes > 0 ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void file__that_takes_half_a_line__has_it_whole_in_the_end(void **state)
{
	struct stat st;

	(void)state;
	use(path);
	write_many(1);
	assert_int_equal(stat(path, &st), 0);
	limit_file((rlim_t)(st.st_size + st.st_size / 2));
	write_many(3);
	limit_file(0);
	assert_int_equal(cell, 2);
	settle();
	read_file(path);
	assert_int_equal(count(text, "server_stopped"), 2);
	assert_int_equal(count(text, " i=0\n"), 2);
	assert_told(2, "File too large");
}

/* In the child, as root: mounts a disk of 16 KiB and fills it. */
static bool survives_a_full_disk(const char *folder)
{
	char filler[160];

	snprintf(filler, sizeof(filler), "%s/filler", folder);
	if (mount("none", folder, "tmpfs", 0, "size=16k") < 0)
		return false;
	use(path);
	write_many(1);
	folder_write(folder, "filler", "x");
	if (truncate(filler, 0) < 0)
		return false;
	write_many(MANY);
	if (cell == 0 || unlink(filler) < 0 || truncate(path, 0) < 0)
		return false;
	settle();
	return strstr(read_file(path), "message=\"No space left on device\"") != NULL;
}

static void disk__that_is_full__is_told_of_once_it_has_room(void **state)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(2);
		_exit(survives_a_full_disk(*state) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		skip();
	assert_int_equal(status, 0);
}

static void file__that_is_gone__is_told_of_once_there_is_another(void **state)
{
	struct err err;

	(void)state;
	use(path);
	write_many(1);
	assert_int_equal(unlink(path), 0);
	write_many(5);
	settle();
	assert_int_equal(cell, 5);
	assert_true(log_reopen(true, &err));
	LOG(EVENT_logs_reopened);
	read_file(path);
	assert_told(5, "the file is gone");
	assert_non_null(strstr(text, "logs_reopened"));
}

static void level__does_not_keep_the_number_back(void **state)
{
	struct err err;

	(void)state;
	assert_true(log_open("/dev/full", LEVEL_ERROR, LOG_TEXT, (uid_t)-1, &err));
	LOG(EVENT_server_started);
	LOG(EVENT_server_failed);
	assert_true(log_open(path, LEVEL_ERROR, LOG_TEXT, (uid_t)-1, &err));
	settle();
	read_file(path);
	assert_told(1, "No space left on device");
}

static void child__tells_nothing_of_its_parents_losses(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	use("/dev/full");
	write_many(7);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		log_own();
		log_role("", -1);
		write_many(1);
		use(path);
		settle();
		_exit(strstr(read_file(path), " count=1 ") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(cell, 7);
}

static void pipe__gets_lines_no_longer_than_it_takes_whole(void **state)
{
	static char value[6000];
	size_t length;
	int reader;

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	assert_int_equal(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	use(path);
	LOG(EVENT_server_stopped, LOG_STR("value", value));
	length = strlen(read_all(reader));
	assert_in_range(length, WRITER_LINE - 16, WRITER_LINE);
	assert_int_equal(text[length - 1], '\n');
	close(reader);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(fifo__nobody_reads__loses_whole_lines_and_tells_how_many),
		CASE(next_line__comes_after_the_number),
		CASE(terminal__unread__loses_whole_lines),
		CASE(device__that_is_full__is_told_of_in_the_next_log),
		CASE(file__that_takes_half_a_line__has_it_whole_in_the_end),
		CASE(disk__that_is_full__is_told_of_once_it_has_room),
		CASE(file__that_is_gone__is_told_of_once_there_is_another),
		CASE(level__does_not_keep_the_number_back),
		CASE(child__tells_nothing_of_its_parents_losses),
		CASE(pipe__gets_lines_no_longer_than_it_takes_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
