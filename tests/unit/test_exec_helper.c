/* SPDX-License-Identifier: MIT */
/*
 * The helper of an exec listener against workers that were taken over: whatever comes on one link,
 * the other one is served.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/signals.h"
#include "unit/helped.h"

static void link__that_is_shut__is_left_alone(void **state)
{
	struct helped s;

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	assert_int_equal(shutdown(s.links[HELPED_EVIL].worker, SHUT_RDWR), 0);
	helped_serves(&s);
	helped_serves(&s);
	helped_stop(&s);
}

static void message__without_a_byte__does_not_end_its_link(void **state)
{
	struct helped s;

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	helped_send(s.links[HELPED_EVIL].worker, "", 0, NULL, 0);
	helped_serves_by(&s, HELPED_EVIL);
	helped_stop(&s);
}

static void link__made_anew__serves_in_the_place_of_one_that_is_shut(void **state)
{
	const struct helper_order order = { .link = HELPED_EVIL };
	struct helped s;
	int pair[2];

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	for (unsigned i = 0; i < 3; i++) {
		/* one time it may be shut before the helper sees it, one time it is not shut */
		if (i < 2)
			assert_int_equal(shutdown(s.links[HELPED_EVIL].worker, SHUT_RDWR), 0);
		if (i == 0)
			helped_serves(&s);
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		helped_send(s.report, &order, sizeof(order), &pair[1], 1);
		close(s.links[HELPED_EVIL].worker);
		close(s.links[HELPED_EVIL].helper);
		s.links[HELPED_EVIL] = (struct helper_link){ pair[0], pair[1] };
		helped_serves_by(&s, HELPED_EVIL);
		helped_serves(&s);
	}
	helped_stop(&s);
}

static void order__that_is_none__changes_nothing(void **state)
{
	struct helped s;

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	helped_send(s.report, "x", 1, NULL, 0);
	helped_turn(&s);
	helped_serves(&s);
	assert_int_equal(shutdown(s.report, SHUT_RDWR), 0);
	helped_serves(&s);
	helped_stop(&s);
}

/* However much one worker sends, each of its messages comes between two of the others'. */
static void flood__of_one_link__does_not_keep_the_other_waiting(void **state)
{
	struct helped s;
	pid_t flooder;

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	flooder = fork();
	if (flooder == 0) {
		for (;;)
			(void)!send(s.links[HELPED_EVIL].worker, "junk", 4, MSG_NOSIGNAL);
	}
	for (unsigned i = 0; i < 5; i++)
		helped_serves(&s);
	kill(flooder, SIGKILL);
	assert_int_equal(waitpid(flooder, NULL, 0), flooder);
	helped_serves(&s);
	helped_stop(&s);
}

/* A worker that does not read its reports, and one that writes to its control sockets. */
static void control_socket__misused__harms_its_own_program_alone(void **state)
{
	struct helped_client full, loud;
	struct helped s;

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	full = helped_client_new();
	loud = helped_client_new();
	while (send(full.helpers, "x", 1, MSG_DONTWAIT) == 1)
		;
	helped_give(&s, HELPED_EVIL, &full);
	assert_int_equal(shutdown(full.own, SHUT_WR), 0);
	helped_give(&s, HELPED_EVIL, &loud);
	assert_int_equal(send(loud.control, "x", 1, 0), 1);
	helped_let_go(loud.own);
	helped_let_go(full.own);
	helped_serves(&s);
	close(full.control);
	close(loud.control);
	helped_stop(&s);
}

static void end_of_the_control_socket__ends_the_program(void **state)
{
	struct helped_client c;
	struct helped s;

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	c = helped_client_new();
	helped_give(&s, HELPED_HONEST, &c);
	assert_int_equal(shutdown(c.control, SHUT_WR), 0);
	assert_int_equal(helped_hear(&c).code, SIGTERM);
	helped_let_go(c.own);
	close(c.control);
	helped_stop(&s);
}

static unsigned count_children(pid_t parent)
{
	char path[64], pid[32];
	unsigned count = 0;
	FILE *list;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	list = fopen(path, "re");
	assert_non_null(list);
	while (fscanf(list, "%31s", pid) == 1)
		count++;
	fclose(list);
	return count;
}

static void limit__holds_over_all_links__and_each_has_its_turn(void **state)
{
	struct helped_client first, others[HELPED_LINKS];
	struct helped s;

	(void)state;
	helped_start(&s, "/bin/cat", 1);
	first = helped_client_new();
	helped_give(&s, HELPED_HONEST, &first);
	for (unsigned i = 0; i < HELPED_LINKS; i++) {
		others[i] = helped_client_new();
		helped_give(&s, i, &others[i]);
		assert_int_equal(shutdown(others[i].own, SHUT_WR), 0);
	}
	/* what comes for the second time is read in a turn that began with all requests there */
	helped_turn(&s);
	helped_turn(&s);
	assert_int_equal(count_children(s.pid), 1);
	assert_int_equal(shutdown(first.own, SHUT_WR), 0);
	for (unsigned i = 0; i < HELPED_LINKS; i++)
		helped_finish(&others[i]);
	close(first.own);
	close(first.control);
	helped_stop(&s);
}

/* What is left in the link is the next helper's, or nobody's. */
static void request__that_comes_with_the_order_to_leave__starts_no_program(void **state)
{
	struct helped_client c;
	struct exec_request left;
	struct helped s;
	int status;

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	helped_pause(&s);
	kill(s.pid, SIGNAL_HELPER_LEAVE);
	c = helped_client_new();
	helped_give(&s, HELPED_HONEST, &c);
	assert_int_equal(shutdown(c.own, SHUT_WR), 0);
	helped_resume(&s);
	assert_int_equal(waitpid(s.pid, &status, 0), s.pid);
	assert_int_equal(status, 0);
	assert_int_equal(recv(s.links[HELPED_HONEST].helper, &left, sizeof(left), MSG_DONTWAIT),
			 sizeof(left));
	helped_let_go(c.control);
	helped_let_go(c.own);
	helped_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link__that_is_shut__is_left_alone),
		cmocka_unit_test(message__without_a_byte__does_not_end_its_link),
		cmocka_unit_test(link__made_anew__serves_in_the_place_of_one_that_is_shut),
		cmocka_unit_test(order__that_is_none__changes_nothing),
		cmocka_unit_test(flood__of_one_link__does_not_keep_the_other_waiting),
		cmocka_unit_test(control_socket__misused__harms_its_own_program_alone),
		cmocka_unit_test(end_of_the_control_socket__ends_the_program),
		cmocka_unit_test(limit__holds_over_all_links__and_each_has_its_turn),
		cmocka_unit_test(request__that_comes_with_the_order_to_leave__starts_no_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
