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

static ssize_t write_line(const struct writer *outlet)
{
	char line[LINE];

	memset(line, 'x', sizeof(line));
	line[LINE - 1] = '\n';
	return writer_write(outlet, line, sizeof(line));
}

/* Writes until there is no room; returns how many bytes that took. */
static size_t fill(const struct writer *outlet)
{
	size_t all = 0;
	ssize_t n;

	while ((n = write_line(outlet)) > 0)
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
	struct writer outlet;
	int fds[2];
	size_t all;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	outlet = writer_open(fds[1]);
	assert_int_equal(outlet.kind, WRITER_OWN);
	assert_int_equal(fcntl(outlet.fd, F_GETFD), FD_CLOEXEC);
	all = fill(&outlet);
	assert_true(waits(fds[1]) && !waits(outlet.fd));
	assert_int_equal(drain(fds[0], all), all);
	assert_int_equal(write_line(&outlet), LINE);
	writer_close(&outlet);
	assert_true(waits(fds[1]));
	close(fds[0]);
	close(fds[1]);
}

/* An inherited pipe that could not be opened anew. */
static void shared_pipe__nobody_reads__takes_no_more(void **state)
{
	struct writer outlet = WRITER_STDERR;
	int fds[2];
	size_t all;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	outlet.fd = fds[1];
	all = fill(&outlet);
	assert_true(waits(fds[1]));
	assert_int_equal(drain(fds[0], all), all);
	assert_int_equal(write_line(&outlet), LINE);
	close(fds[0]);
	assert_int_equal(write_line(&outlet), -1);
	assert_int_equal(errno, EPIPE);
	close(fds[1]);
}

static void shared_fifo__nobody_reads__takes_no_more(void **state)
{
	struct writer outlet = WRITER_STDERR;
	int both;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	both = open(path, O_RDWR | O_CLOEXEC);
	outlet.fd = both;
	drain(both, fill(&outlet));
	assert_true(waits(both));
	assert_int_equal(write_line(&outlet), LINE);
	close(both);
}

static void fifo__without_a_reader__takes_lines_once_there_is_one(void **state)
{
	int reader, writer;
	struct writer outlet;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	writer = open(path, O_WRONLY | O_CLOEXEC);
	close(reader);
	outlet = writer_open(writer);
	assert_int_equal(outlet.kind, WRITER_OWN);
	assert_int_equal(write_line(&outlet), -1);
	assert_int_equal(errno, EPIPE);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(write_line(&outlet), LINE);
	assert_int_equal(drain(reader, LINE), LINE);
	writer_close(&outlet);
	close(reader);
	close(writer);
}

static void pipe__with_little_room__takes_a_line_whole_or_not_at_all(void **state)
{
	char line[WRITER_LINE];
	struct writer outlet;
	int fds[2];

	(void)state;
	memset(line, 'y', sizeof(line));
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	outlet = writer_open(fds[1]);
	fill(&outlet);
	drain(fds[0], LINE);
	assert_int_equal(writer_write(&outlet, line, sizeof(line)), -1);
	assert_int_equal(errno, EAGAIN);
	drain(fds[0], (size_t)2 * WRITER_LINE);
	assert_int_equal(writer_write(&outlet, line, sizeof(line)), sizeof(line));
	writer_close(&outlet);
	close(fds[0]);
	close(fds[1]);
}

static void check_stopped_terminal(struct writer outlet, int master, int slave)
{
	size_t all;

	assert_int_equal(tcflow(slave, TCOOFF), 0);
	assert_int_equal(write_line(&outlet), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(tcflow(slave, TCOON), 0);
	assert_int_equal(write_line(&outlet), LINE);
	assert_int_equal(drain(master, LINE + 1), LINE + 1); /* with a CR */
	all = fill(&outlet);
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
	struct writer outlet;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	outlet = writer_open(fds[1]);
	assert_int_equal(outlet.kind, WRITER_SOCKET);
	drain(fds[0], fill(&outlet));
	assert_true(waits(fds[1]));
	assert_int_equal(write_line(&outlet), LINE);
	close(fds[0]);
	assert_int_equal(write_line(&outlet), -1);
	assert_int_equal(errno, EPIPE);
	close(fds[1]);
}

static void file__without_a_name__is_gone_only_when_it_had_one(void **state)
{
	struct writer outlet;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	(void)state;
	outlet = writer_take(fd);
	assert_int_equal(outlet.kind, WRITER_FILE);
	assert_false(writer_is_gone(&outlet));
	assert_int_equal(unlink(path), 0);
	assert_true(writer_is_gone(&outlet));
	outlet.fd = STDERR_FILENO;
	assert_false(writer_is_gone(&outlet));
	close(fd);
}

/* In the child. */
static bool spoils_its_own_only(const struct writer *outlet)
{
	writer_part(outlet);
	return fcntl(outlet->fd, F_GETFD) == FD_CLOEXEC && !waits(outlet->fd) &&
	       fcntl(outlet->fd, F_SETFL, 0) == 0 && waits(outlet->fd);
}

static void assert_parts(struct writer outlet)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(spoils_its_own_only(&outlet) ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_false(waits(outlet.fd));
	assert_true((fcntl(outlet.fd, F_GETFL) & O_APPEND) != 0);
}

static void part__in_a_child__leaves_the_parents_flags_alone(void **state)
{
	struct writer outlet;
	int fds[2], file;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	outlet = writer_open(fds[1]);
	assert_parts(outlet);
	close(fds[0]);
	assert_parts(outlet);
	writer_close(&outlet);
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
