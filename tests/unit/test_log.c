/* SPDX-License-Identifier: MIT */
/* Tests of base/log and base/logline: the target and the form of lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/logline.h"

static char folder[64];
static char path[96];
static char text[20000];

static int set_up(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	snprintf(folder, sizeof(folder), "/tmp/test_log.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/log", folder);
	return 0;
}

static int tear_down(void **state)
{
	char other[128];
	struct err err;

	(void)state;
	log_open("stderr", LEVEL_NOTICE, LOG_TEXT, (uid_t)-1, &err);
	log_role("", -1);
	snprintf(other, sizeof(other), "%s.1", path);
	unlink(other);
	unlink(path);
	rmdir(folder);
	return 0;
}

static const char *content(const char *of)
{
	int fd = open(of, O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, text, sizeof(text) - 1);

	close(fd);
	assert_true(got >= 0);
	text[got] = '\0';
	return text;
}

static void to_file(enum log_level level, enum log_format format)
{
	struct err err;

	if (!log_open(path, level, format, (uid_t)-1, &err))
		fail_msg("%s", err.text);
}

static void line__has_time_level_event_role_and_fields(void **state)
{
	char expected[256];

	(void)state;
	to_file(LEVEL_NOTICE, LOG_TEXT);
	log_role("worker", 2);
	LOG(EVENT_server_started, LOG_STR("address", "127.0.0.1:80"), LOG_NUM("count", -4));
	content(path);
	snprintf(expected, sizeof(expected),
		 " notice server_started role=worker worker=2 pid=%d address=127.0.0.1:80 "
		 "count=-4\n",
		 (int)getpid());
	assert_int_equal(text[10], 'T');
	assert_int_equal(text[23], 'Z');
	assert_string_equal(text + 24, expected);
}

static void line__without_fields__ends_after_the_process(void **state)
{
	(void)state;
	to_file(LEVEL_NOTICE, LOG_TEXT);
	log_role("master", -1);
	LOG(EVENT_server_stopped);
	assert_non_null(strstr(content(path), " server_stopped role=master pid="));
	assert_null(strstr(text, "worker="));
}

static void values__are_quoted_where_needed(void **state)
{
	(void)state;
	to_file(LEVEL_NOTICE, LOG_TEXT);
	LOG(EVENT_server_stopped, LOG_STR("a", "x y"), LOG_STR("b", ""), LOG_STR("c", "k=v"),
	    LOG_STR("d", "say \"hi\""), LOG_STR("e", "l1\nl2\x1b\x7f"), LOG_STR("f", "我"),
	    LOG_STR("g", "\xff\xc0\x80"), LOG_STR("h", "\xc2\x9b"));
	assert_non_null(
		strstr(content(path),
		       " a=\"x y\" b=\"\" c=\"k=v\" d=\"say \\\"hi\\\"\" "
		       "e=\"l1\\nl2\\u001b\\u007f\" f=我 g=\"\\xff\\xc0\\x80\" h=\"\\u009b\"\n"));
}

static void json__is_one_object(void **state)
{
	char expected[400];

	(void)state;
	to_file(LEVEL_NOTICE, LOG_JSON);
	log_role("worker", 0);
	LOG(EVENT_server_stopped, LOG_STR("a", "q\"\\\n\xff"), LOG_NUM("n", INT64_MIN),
	    LOG_STR("u", "我"));
	content(path);
	snprintf(expected, sizeof(expected),
		 "\"level\":\"notice\",\"event\":\"server_stopped\",\"role\":\"worker\",\"worker\":"
		 "0,"
		 "\"pid\":%d,"
		 "\"a\":\"q\\\"\\\\\\n\\ufffd\",\"n\":-9223372036854775808,\"u\":\"我\"}"
		 "\n",
		 (int)getpid());
	assert_memory_equal(text, "{\"time\":\"", 9);
	assert_string_equal(text + strlen("{\"time\":\"2026-11-22T10:00:00.123Z\","), expected);
}

static void line__too_long__is_cut_and_stays_well_formed(void **state)
{
	static char many[3 * LOGLINE_SIZE];
	size_t length;

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		unlink(path);
		to_file(LEVEL_NOTICE, LOG_JSON);
		memset(many, 'x', shift);
		for (size_t i = shift; i + 3 < sizeof(many); i += 3)
			memcpy(many + i, "我", 3);
		LOG(EVENT_server_stopped, LOG_STR("a", many), LOG_STR("late", "no"),
		    LOG_NUM("n", 5));
		content(path);
		length = strlen(text);
		assert_in_range(length, LOGLINE_SIZE - 16, LOGLINE_SIZE);
		assert_string_equal(text + length - 3 - 3, "我\"}\n");
		assert_null(strstr(text, "late"));
	}
}

static void level__leaves_out_what_is_less(void **state)
{
	(void)state;
	to_file(LEVEL_WARNING, LOG_TEXT);
	assert_false(log_wants(EVENT_server_started));
	assert_true(log_wants(EVENT_worker_crashed));
	LOG(EVENT_server_started);
	LOG(EVENT_worker_crashed);
	assert_non_null(strstr(content(path), "warning worker_crashed"));
	assert_null(strstr(text, "server_started"));
}

static void open__makes_the_file_0640_and_close_on_exec(void **state)
{
	mode_t kept = umask(022);
	int fds[LOG_FDS];
	struct stat st;

	(void)state;
	to_file(LEVEL_NOTICE, LOG_TEXT);
	umask(kept);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(log_fds(fds), 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
}

static void open__that_fails__leaves_the_log_as_it_was(void **state)
{
	struct err err;

	(void)state;
	to_file(LEVEL_NOTICE, LOG_TEXT);
	assert_false(log_open("/nonexistent/log", LEVEL_DEBUG, LOG_JSON, (uid_t)-1, &err));
	assert_non_null(strstr(err.text, "/nonexistent/log: No such file or directory"));
	assert_false(log_open("/tmp/", LEVEL_DEBUG, LOG_JSON, (uid_t)-1, &err));
	LOG(EVENT_server_stopped);
	assert_non_null(strstr(content(path), " notice server_stopped"));
}

static void reopen__after_a_rename__goes_to_a_new_file(void **state)
{
	int before[LOG_FDS], after[LOG_FDS];
	char other[128];
	struct err err;

	(void)state;
	to_file(LEVEL_NOTICE, LOG_TEXT);
	log_fds(before);
	LOG(EVENT_server_started);
	snprintf(other, sizeof(other), "%s.1", path);
	assert_int_equal(rename(path, other), 0);
	assert_false(log_reopen(false, &err));
	assert_true(log_reopen(true, &err));
	LOG(EVENT_server_stopped);
	log_fds(after);
	assert_memory_equal(before, after, sizeof(before));
	assert_non_null(strstr(content(other), "server_started"));
	assert_null(strstr(text, "server_stopped"));
	assert_non_null(strstr(content(path), "server_stopped"));
}

static void reopen__in_another_folder__finds_the_file(void **state)
{
	struct err err;
	int status;
	pid_t pid;

	(void)state;
	to_file(LEVEL_NOTICE, LOG_TEXT);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(chdir("/") == 0 && log_reopen(false, &err) ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void reopen__without_the_folder__fails_and_says_so(void **state)
{
	int fds[LOG_FDS];
	struct err err;

	(void)state;
	to_file(LEVEL_NOTICE, LOG_TEXT);
	log_forget_folder();
	assert_int_equal(log_fds(fds), 1);
	assert_false(log_reopen(false, &err));
	assert_non_null(strstr(err.text, "inside a chroot"));
	LOG(EVENT_server_stopped);
	assert_non_null(strstr(content(path), "server_stopped"));
}

static void role__after_a_fork__learns_the_new_pid(void **state)
{
	char expected[64];
	int status;
	pid_t pid;

	(void)state;
	to_file(LEVEL_NOTICE, LOG_TEXT);
	log_role("master", -1);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		log_role("worker", 7);
		LOG(EVENT_server_stopped);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	snprintf(expected, sizeof(expected), "role=worker worker=7 pid=%d\n", (int)pid);
	assert_non_null(strstr(content(path), expected));
}

static void broken_stderr__harms_nothing(void **state)
{
	struct err err;
	int status, fds[2];
	pid_t pid;

	(void)state;
	assert_true(log_open("stderr", LEVEL_NOTICE, LOG_TEXT, (uid_t)-1, &err));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (pipe(fds) != 0 || dup2(fds[1], STDERR_FILENO) < 0)
			_exit(2);
		close(fds[0]);
		close(fds[1]);
		errno = ENOTTY;
		LOG(EVENT_server_stopped);
		close(STDERR_FILENO);
		LOG(EVENT_server_stopped);
		_exit(errno == ENOTTY ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void time__is_written_for_all_dates(void **state)
{
	char time[LOGLINE_TIME];

	(void)state;
	assert_string_equal(logline_time(0, 0, time), "1970-01-01T00:00:00.000Z");
	assert_string_equal(logline_time(951782399, 999, time), "2000-02-28T23:59:59.999Z");
	assert_string_equal(logline_time(951782400, 1, time), "2000-02-29T00:00:00.001Z");
	assert_string_equal(logline_time(1795341600, 123, time), "2026-11-22T10:00:00.123Z");
	assert_string_equal(logline_time(4107542399, 0, time), "2100-02-28T23:59:59.000Z");
	assert_string_equal(logline_time(4107542400, 0, time), "2100-03-01T00:00:00.000Z");
}

static void rows__stand_in_the_order_of_their_numbers(void **state)
{
	(void)state;
	assert_string_equal(log_rows[EVENT_server_started].name, "server_started");
	assert_int_equal(log_rows[EVENT_connection_ended].level, LEVEL_DEBUG);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(line__has_time_level_event_role_and_fields),
		CASE(line__without_fields__ends_after_the_process),
		CASE(values__are_quoted_where_needed),
		CASE(json__is_one_object),
		CASE(line__too_long__is_cut_and_stays_well_formed),
		CASE(level__leaves_out_what_is_less),
		CASE(open__makes_the_file_0640_and_close_on_exec),
		CASE(open__that_fails__leaves_the_log_as_it_was),
		CASE(reopen__after_a_rename__goes_to_a_new_file),
		CASE(reopen__in_another_folder__finds_the_file),
		CASE(reopen__without_the_folder__fails_and_says_so),
		CASE(role__after_a_fork__learns_the_new_pid),
		CASE(broken_stderr__harms_nothing),
		CASE(time__is_written_for_all_dates),
		CASE(rows__stand_in_the_order_of_their_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
