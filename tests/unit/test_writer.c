/* SPDX-License-Identifier: MIT */
/* Tests of base/writer: a write returns, whatever the reader does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <pty.h>
#include <string.h>

#include "base/sys.h"
#include "base/writer.h"
#include "unit/folder.h"

enum { LINE = 100, PATIENCE_S = 20 };

static char path[128];

/* A write that blocks ends the program. */
static int set_up(void **state)
{
	alarm(PATIENCE_S);
	signal(SIGPIPE, SIG_IGN);
	if (folder_make(state) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/it", (const char *)*state);
	return 0;
}

static int tear_down(void **state)
{
	alarm(0);
	return folder_remove(state);
}

static ssize_t write_line(const struct writer *writer)
{
	char line[LINE];

	memset(line, 'x', sizeof(line));
	line[LINE - 1] = '\n';
	return writer_write(writer, line, sizeof(line));
}

/* Writes until there is no room; returns how many bytes that took. */
static size_t fill(const struct writer *writer)
{
	size_t all = 0;
	ssize_t n;

	while ((n = write_line(writer)) > 0)
		all += (size_t)n;
	assert_int_equal(n, -1);
	assert_int_equal(errno, EAGAIN);
	return all;
}

static size_t drain(int fd, size_t most)
{
	static char bytes[1 << 16];
	size_t all = 0;
	ssize_t n = 1;

	while (all < most && n > 0) {
		n = read(fd, bytes, most - all < sizeof(bytes) ? most - all : sizeof(bytes));
		all += n > 0 ? (size_t)n : 0;
	}
	return all;
}

static bool waits(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

static void pipe__nobody_reads__takes_no_more_and_is_left_as_it_was(void **state)
{
	struct writer writer;
	int fds[2];
	size_t all;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	writer = writer_open(fds[1]);
	assert_int_equal(writer.kind, WRITER_OWN);
	assert_int_equal(fcntl(writer.fd, F_GETFD), FD_CLOEXEC);
	all = fill(&writer);
	assert_true(waits(fds[1]) && !waits(writer.fd));
	assert_int_equal(drain(fds[0], all), all);
	assert_int_equal(write_line(&writer), LINE);
	writer_close(&writer);
	assert_true(waits(fds[1]));
	close(fds[0]);
	close(fds[1]);
}

/* An inherited pipe that could not be opened anew. */
static void shared_pipe__nobody_reads__takes_no_more(void **state)
{
	struct writer writer = WRITER_STDERR;
	int fds[2];
	size_t all;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	writer.fd = fds[1];
	all = fill(&writer);
	assert_true(waits(fds[1]));
	assert_int_equal(drain(fds[0], all), all);
	assert_int_equal(write_line(&writer), LINE);
	close(fds[0]);
	assert_int_equal(write_line(&writer), -1);
	assert_int_equal(errno, EPIPE);
	close(fds[1]);
}

static void shared_fifo__nobody_reads__takes_no_more(void **state)
{
	struct writer writer = WRITER_STDERR;
	int both;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	both = open(path, O_RDWR | O_CLOEXEC);
	writer.fd = both;
	drain(both, fill(&writer));
	assert_true(waits(both));
	assert_int_equal(write_line(&writer), LINE);
	close(both);
}

static void fifo__without_a_reader__takes_lines_once_there_is_one(void **state)
{
	int reader, fd;
	struct writer writer;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	close(reader);
	writer = writer_open(fd);
	assert_int_equal(writer.kind, WRITER_OWN);
	assert_int_equal(write_line(&writer), -1);
	assert_int_equal(errno, EPIPE);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(write_line(&writer), LINE);
	assert_int_equal(drain(reader, LINE), LINE);
	writer_close(&writer);
	close(reader);
	close(fd);
}

static void pipe__with_little_room__takes_a_line_whole_or_not_at_all(void **state)
{
	char line[WRITER_LINE];
	struct writer writer;
	int fds[2];

	(void)state;
	memset(line, 'y', sizeof(line));
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	writer = writer_open(fds[1]);
	fill(&writer);
	drain(fds[0], LINE);
	assert_int_equal(writer_write(&writer, line, sizeof(line)), -1);
	assert_int_equal(errno, EAGAIN);
	drain(fds[0], (size_t)2 * WRITER_LINE);
	assert_int_equal(writer_write(&writer, line, sizeof(line)), sizeof(line));
	writer_close(&writer);
	close(fds[0]);
	close(fds[1]);
}

static void check_stopped_terminal(struct writer writer, int master, int slave)
{
	size_t all;

	assert_int_equal(tcflow(slave, TCOOFF), 0);
	assert_int_equal(write_line(&writer), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(tcflow(slave, TCOON), 0);
	assert_int_equal(write_line(&writer), LINE);
	assert_int_equal(drain(master, LINE + 1), LINE + 1); /* with a CR */
	all = fill(&writer);
	assert_true(all > LINE);
	assert_true(waits(slave));
}

static void terminal__stopped_or_unread__takes_no_more(void **state)
{
	struct writer shared = WRITER_STDERR, own;
	int master, slave;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	own = writer_open(slave);
	assert_int_equal(own.kind, WRITER_OWN);
	check_stopped_terminal(own, master, slave);
	writer_close(&own);
	close(master);
	close(slave);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	shared.fd = slave;
	check_stopped_terminal(shared, master, slave);
	close(master);
	assert_int_equal(write_line(&shared), -1);
	assert_int_equal(errno, EIO);
	close(slave);
}

static void socket__nobody_reads__takes_no_more(void **state)
{
	struct writer writer;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	writer = writer_open(fds[1]);
	assert_int_equal(writer.kind, WRITER_SOCKET);
	drain(fds[0], fill(&writer));
	assert_true(waits(fds[1]));
	assert_int_equal(write_line(&writer), LINE);
	close(fds[0]);
	assert_int_equal(write_line(&writer), -1);
	assert_int_equal(errno, EPIPE);
	close(fds[1]);
}

static void file__without_a_name__is_gone_only_when_it_had_one(void **state)
{
	struct writer writer;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	(void)state;
	writer = writer_take(fd);
	assert_int_equal(writer.kind, WRITER_FILE);
	assert_false(writer_is_gone(&writer));
	assert_int_equal(unlink(path), 0);
	assert_true(writer_is_gone(&writer));
	writer.fd = STDERR_FILENO;
	assert_false(writer_is_gone(&writer));
	close(fd);
}

/* In the child. */
static bool spoils_its_own_only(const struct writer *writer)
{
	writer_part(writer);
	return fcntl(writer->fd, F_GETFD) == FD_CLOEXEC && !waits(writer->fd) &&
	       fcntl(writer->fd, F_SETFL, 0) == 0 && waits(writer->fd);
}

static void assert_parts(struct writer writer)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(spoils_its_own_only(&writer) ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_false(waits(writer.fd));
	assert_true((fcntl(writer.fd, F_GETFL) & O_APPEND) != 0);
}

static void part__in_a_child__leaves_the_parents_flags_alone(void **state)
{
	struct writer writer;
	int fds[2], file;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	writer = writer_open(fds[1]);
	assert_parts(writer);
	close(fds[0]);
	assert_parts(writer);
	writer_close(&writer);
	close(fds[1]);
	file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0600);
	assert_parts(writer_take(file));
	close(file);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(pipe__nobody_reads__takes_no_more_and_is_left_as_it_was),
		CASE(shared_pipe__nobody_reads__takes_no_more),
		CASE(shared_fifo__nobody_reads__takes_no_more),
		CASE(fifo__without_a_reader__takes_lines_once_there_is_one),
		CASE(pipe__with_little_room__takes_a_line_whole_or_not_at_all),
		CASE(terminal__stopped_or_unread__takes_no_more),
		CASE(socket__nobody_reads__takes_no_more),
		CASE(file__without_a_name__is_gone_only_when_it_had_one),
		CASE(part__in_a_child__leaves_the_parents_flags_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
