/* SPDX-License-Identifier: MIT */
/*
 * The helper of an exec listener does not wait for sockets whose last close it makes, wherever a
 * worker that was taken over has put them.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/helped.h"
#include "unit/lingering.h"

/* Only the message holds it afterwards, which nobody may have read by then. */
static int send_lingering(int by)
{
	int peer, fd = lingering_open(&peer);

	helped_send(by, "x", 1, &fd, 1);
	close(fd);
	return peer;
}

/* The kernel also tells that the helper has closed its end without reading it. */
static enum exec_outcome hear_outcome(int control)
{
	struct exec_report report;
	struct pollfd p = { .fd = control, .events = POLLIN };
	ssize_t n;

	assert_int_equal(poll(&p, 1, HELPED_WAIT_MS), 1);
	n = recv(control, &report, sizeof(report), MSG_DONTWAIT);
	if (n < 0 && errno == ECONNRESET)
		n = recv(control, &report, sizeof(report), MSG_DONTWAIT);
	assert_int_equal(n, sizeof(report));
	return report.outcome;
}

/* The helper closes the control socket after its report. Returns what must stay open until then. */
static int expect_report_of(const struct helped *s, enum exec_outcome outcome)
{
	struct helped_client c = helped_client_new();
	int peer = send_lingering(c.control);

	helped_give(s, HELPED_EVIL, &c);
	assert_int_equal(hear_outcome(c.control), outcome);
	close(c.control);
	helped_let_go(c.own);
	return peer;
}

static void control_socket__with_a_lingering_socket_in_it__is_closed_at_once(void **state)
{
	struct helped s;
	int peer;

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	peer = expect_report_of(&s, EXEC_KILLED);
	helped_serves(&s);
	close(peer);
	helped_stop(&s);
}

/* The second one finds the helper blocked if the first one has blocked it. */
static void control_socket__of_a_start_that_fails__is_closed_at_once_too(void **state)
{
	char folder[] = "/tmp/exec-XXXXXX", path[64];
	struct helped s;
	int peers[2];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/program", folder);
	assert_int_equal(symlink("/bin/cat", path), 0);
	helped_start(&s, path, 4);
	assert_int_equal(unlink(path), 0);
	for (unsigned i = 0; i < 2; i++)
		peers[i] = expect_report_of(&s, EXEC_NOT_STARTED);
	for (unsigned i = 0; i < 2; i++)
		close(peers[i]);
	helped_stop(&s);
	assert_int_equal(rmdir(folder), 0);
}

/* An empty message looks like the end of a link that is shut: nobody reads what is behind it. */
static void link__shut_with_a_lingering_socket_in_it__is_closed_at_once(void **state)
{
	struct helped s;
	int peer;

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	close(s.links[HELPED_EVIL].helper);
	s.links[HELPED_EVIL].helper = -1;
	helped_pause(&s);
	helped_send(s.links[HELPED_EVIL].worker, "", 0, NULL, 0);
	peer = send_lingering(s.links[HELPED_EVIL].worker);
	assert_int_equal(shutdown(s.links[HELPED_EVIL].worker, SHUT_RDWR), 0);
	helped_resume(&s);
	helped_serves(&s);
	helped_serves(&s);
	close(peer);
	helped_stop(&s);
}

static void limit_files(pid_t pid, rlim_t most)
{
	struct rlimit limit;

	assert_int_equal(prlimit(pid, RLIMIT_NOFILE, NULL, &limit), 0);
	limit.rlim_cur = most;
	assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* The kernel closes what it has no number for. */
static void lingering_socket__without_a_free_descriptor__is_closed_at_once(void **state)
{
	struct helped_client refused;
	struct rlimit limit;
	struct helped s;
	int peer;

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	assert_int_equal(prlimit(s.pid, RLIMIT_NOFILE, NULL, &limit), 0);
	helped_pause(&s);
	limit_files(s.pid, 0);
	peer = send_lingering(s.links[HELPED_EVIL].worker);
	helped_resume(&s);
	refused = helped_client_new();
	helped_give(&s, HELPED_EVIL, &refused);
	helped_let_go(refused.own);
	helped_let_go(refused.control);
	limit_files(s.pid, limit.rlim_cur);
	helped_serves(&s);
	close(peer);
	helped_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_socket__with_a_lingering_socket_in_it__is_closed_at_once),
		cmocka_unit_test(control_socket__of_a_start_that_fails__is_closed_at_once_too),
		cmocka_unit_test(link__shut_with_a_lingering_socket_in_it__is_closed_at_once),
		cmocka_unit_test(lingering_socket__without_a_free_descriptor__is_closed_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
