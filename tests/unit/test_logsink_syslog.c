/* SPDX-License-Identifier: MIT */
/* Tests of base/logsink with a syslog daemon that reads, restarts, is absent, or does not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/un.h>
#include <syslog.h>

#include "base/logsink.h"
#include "base/sys.h"
#include "unit/folder.h"

enum { PATIENCE_S = 60 };

static char path[64], other[64], text[1024];

/* A send that blocks ends the program. */
static int set_up(void **state)
{
	alarm(PATIENCE_S);
	if (folder_make(state) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/log", (const char *)*state);
	snprintf(other, sizeof(other), "%s/other", (const char *)*state);
	return 0;
}

static int tear_down(void **state)
{
	alarm(0);
	return folder_remove(state);
}

static int listen_for_datagrams(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

/* Receives the next datagram; false when there is none. */
static bool hear(int daemon)
{
	ssize_t got = recv(daemon, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[got > 0 ? got : 0] = '\0';
	return got > 0;
}

static bool tell(int fd)
{
	return logsink_syslog_send(fd, path, LOG_WARNING, "worker_crashed pid=1", 20);
}

static void daemon__gets_one_datagram_a_line_also_after_a_restart(void **state)
{
	int daemon = listen_for_datagrams(), fd = logsink_syslog_open(path);

	(void)state;
	assert_true(fd >= 0);
	for (int i = 0; i < 2; i++) {
		assert_true(tell(fd));
		assert_true(hear(daemon));
		assert_memory_equal(text, "<28>", 4);
		assert_non_null(strstr(text, "]: worker_crashed pid=1"));
		assert_false(hear(daemon));
		close(daemon);
		daemon = listen_for_datagrams();
	}
	close(daemon);
	close(fd);
}

static void daemon__that_is_absent__is_an_error(void **state)
{
	(void)state;
	assert_int_equal(logsink_syslog_open("/nonexistent/log"), -1);
	assert_int_equal(errno, ENOENT);
}

static void daemon__that_does_not_read__takes_no_more(void **state)
{
	int daemon = listen_for_datagrams(), fd = logsink_syslog_open(path);

	(void)state;
	/* as another process with the same file description could do */
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	while (tell(fd))
		continue;
	assert_int_equal(errno, EAGAIN);
	while (hear(daemon))
		continue;
	assert_true(tell(fd));
	assert_int_equal(close(daemon), 0);
	assert_false(tell(fd));
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
}

static void part__while_the_daemon_is_away__finds_it_again(void **state)
{
	int daemon = listen_for_datagrams(), fd = logsink_syslog_open(path);

	(void)state;
	assert_int_equal(rename(path, other), 0);
	logsink_syslog_part(fd, path);
	assert_false(tell(fd));
	assert_int_equal(rename(other, path), 0);
	assert_true(tell(fd));
	assert_true(hear(daemon));
	close(daemon);
	close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(daemon__gets_one_datagram_a_line_also_after_a_restart),
		CASE(daemon__that_is_absent__is_an_error),
		CASE(daemon__that_does_not_read__takes_no_more),
		CASE(part__while_the_daemon_is_away__finds_it_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
