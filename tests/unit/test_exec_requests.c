/* SPDX-License-Identifier: MIT */
/* Requests to the helper of an exec listener that no honest worker sends. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rights.h"
#include "unit/helped.h"

static void request__with_damaged_bytes__is_refused_and_its_descriptors_are_closed(void **state)
{
	struct exec_request bad[5];
	struct helped s;
	int pipes[2];

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	for (unsigned i = 0; i < 5; i++)
		bad[i] = helped_request();
	bad[0].magic++;
	bad[1].number = UINT64_MAX;
	bad[2].generation = UINT32_MAX;
	bad[3].worker = UINT32_MAX;
	bad[4].remote.family = AF_NETLINK;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(pipe(pipes), 0);
		helped_send(s.links[HELPED_EVIL].worker, &bad[i], sizeof(bad[i]), &pipes[1], 1);
		close(pipes[1]);
		helped_let_go(pipes[0]);
		helped_serves(&s);
	}
	helped_stop(&s);
}

static void request__of_another_size__is_refused(void **state)
{
	char bytes[2 * sizeof(struct exec_request)] = { 0 };
	const struct exec_request good = helped_request();
	struct helped s;
	int pipes[2];

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	memcpy(bytes, &good, sizeof(good));
	for (size_t size = 1; size <= sizeof(bytes); size += 7) {
		struct helped_client c = helped_client_new();
		int fds[] = { c.socket, c.helpers };

		if (size == sizeof(good))
			continue;
		helped_send(s.links[HELPED_EVIL].worker, bytes, size, fds, 2);
		close(c.socket);
		close(c.helpers);
		helped_let_go(c.control);
		close(c.own);
	}
	assert_int_equal(pipe(pipes), 0);
	close(pipes[0]);
	helped_send(s.links[HELPED_EVIL].worker, "", 1, NULL, 0);
	close(pipes[1]);
	helped_serves(&s);
	helped_stop(&s);
}

enum { KINDS = 5 };

static void open_kinds(int *fds, int *extra)
{
	int pair[2];

	assert_int_equal(pipe(pair), 0);
	fds[0] = pair[0];
	*extra = pair[1];
	fds[1] = socket(AF_UNIX, SOCK_DGRAM, 0);
	fds[2] = socket(AF_INET, SOCK_STREAM, 0);
	fds[3] = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(
		bind(fds[3], &(struct sockaddr){ .sa_family = AF_UNIX }, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(fds[3], 1), 0);
	fds[4] = dup(STDIN_FILENO);
}

/* Each in the place of the client's socket, then in that of the control socket. */
static void request__with_descriptors_of_another_kind__is_refused(void **state)
{
	int kinds[KINDS], extra;
	struct helped s;

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	open_kinds(kinds, &extra);
	for (unsigned i = 0; i < 2 * KINDS; i++) {
		const struct exec_request request = helped_request();
		struct helped_client c = helped_client_new();
		int fds[] = { c.socket, c.helpers };

		fds[i % 2] = kinds[i / 2];
		helped_send(s.links[HELPED_EVIL].worker, &request, sizeof(request), fds, 2);
		close(c.socket);
		close(c.helpers);
		helped_let_go(i % 2 == 0 ? c.control : c.own);
		close(i % 2 == 0 ? c.own : c.control);
	}
	for (unsigned i = 0; i < KINDS; i++)
		close(kinds[i]);
	close(extra);
	helped_serves(&s);
	helped_stop(&s);
}

static void request__with_too_few_or_many_descriptors__is_refused(void **state)
{
	static const unsigned counts[] = { 0, 1, 3, RIGHTS_MOST };
	struct helped s;

	(void)state;
	helped_start(&s, "/bin/cat", 4);
	for (unsigned i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		const struct exec_request request = helped_request();
		struct helped_client c = helped_client_new();
		int fds[RIGHTS_MOST];

		for (unsigned k = 0; k < RIGHTS_MOST; k++)
			fds[k] = k % 2 == 0 ? c.socket : c.helpers;
		helped_send(s.links[HELPED_EVIL].worker, &request, sizeof(request), fds, counts[i]);
		close(c.socket);
		close(c.helpers);
		helped_let_go(c.control);
		close(c.own);
	}
	helped_serves(&s);
	helped_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			request__with_damaged_bytes__is_refused_and_its_descriptors_are_closed),
		cmocka_unit_test(request__of_another_size__is_refused),
		cmocka_unit_test(request__with_descriptors_of_another_kind__is_refused),
		cmocka_unit_test(request__with_too_few_or_many_descriptors__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
