/* SPDX-License-Identifier: MIT */
/* Tests of base/sockdiag.c against the kernel: the state of a TCP connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/sockdiag.h"
#include "base/sys.h"
#include "unit/island.h"

enum { WAIT_MS = 20000 };

/* Both ends of a connection, and its addresses as the first one sees them. */
struct ends {
	int near, far;
	struct addr local, remote;
};

static void set_loopback(struct addr *addr, int family)
{
	memset(addr, 0, sizeof(*addr));
	addr->len = family == AF_INET ? sizeof(addr->in) : sizeof(addr->in6);
	addr->sa.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		addr->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		addr->in6.sin6_addr = in6addr_loopback;
}

static void open_ends(struct ends *ends, int family)
{
	int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	set_loopback(&ends->remote, family);
	ends->local = ends->remote;
	assert_int_equal(bind(listener, &ends->remote.sa, ends->remote.len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, &ends->remote.sa, &ends->remote.len), 0);
	assert_int_equal(sockdiag_tcp_state(listener), TCP_LISTEN);
	ends->near = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(ends->near, &ends->remote.sa, ends->remote.len), 0);
	assert_int_equal(getsockname(ends->near, &ends->local.sa, &ends->local.len), 0);
	ends->far = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(ends->far >= 0);
	close(listener);
}

/* Waits until the kernel reports that state. */
static void expect_state(const struct ends *ends, int wanted)
{
	int64_t until_ms = clock_ms() + WAIT_MS;
	struct sockdiag diag;
	int state = -1;

	assert_true(sockdiag_open(&diag));
	do {
		enum sockdiag_answer answer =
			sockdiag_tcp(&diag, &ends->local, &ends->remote, &state);

		assert_int_equal(answer, SOCKDIAG_FOUND);
	} while (state != wanted && clock_ms() < until_ms);
	sockdiag_close(&diag);
	assert_string_equal(sockdiag_state_name(state), sockdiag_state_name(wanted));
}

static void go_through_states(int family)
{
	struct ends ends;

	open_ends(&ends, family);
	expect_state(&ends, TCP_ESTABLISHED);
	assert_int_equal(sockdiag_tcp_state(ends.near), TCP_ESTABLISHED);
	close(ends.near);
	expect_state(&ends, TCP_FIN_WAIT2);
	assert_int_equal(sockdiag_tcp_state(ends.far), TCP_CLOSE_WAIT);
	close(ends.far);
	expect_state(&ends, TCP_TIME_WAIT);
}

static void tcp__of_a_connection__goes_through_its_states(void **state)
{
	int six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct addr any;

	(void)state;
	go_through_states(AF_INET);
	set_loopback(&any, AF_INET6);
	/* where there is IPv6 */
	if (six >= 0 && bind(six, &any.sa, any.len) == 0)
		go_through_states(AF_INET6);
	close(six);
}

static void tcp__that_the_peer_closed_first__leaves_nothing_here(void **state)
{
	struct ends ends;

	(void)state;
	open_ends(&ends, AF_INET);
	close(ends.far);
	expect_state(&ends, TCP_CLOSE_WAIT);
	close(ends.near);
	expect_state(&ends, TCP_CLOSE);
}

static void of__what_is_no_socket__is_an_error(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(sockdiag_tcp_state(fd), -1);
	assert_int_equal(errno, ENOTSOCK);
	close(fd);
}

static void name__is_the_kernels_or_unknown(void **state)
{
	(void)state;
	assert_string_equal(sockdiag_state_name(TCP_ESTABLISHED), "ESTABLISHED");
	assert_string_equal(sockdiag_state_name(TCP_CLOSING), "CLOSING");
	assert_string_equal(sockdiag_state_name(TCP_CLOSE), "CLOSED");
	assert_string_equal(sockdiag_state_name(0), "unknown");
	assert_string_equal(sockdiag_state_name(-1), "unknown");
	assert_string_equal(sockdiag_state_name(12), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp__of_a_connection__goes_through_its_states),
		cmocka_unit_test(tcp__that_the_peer_closed_first__leaves_nothing_here),
		cmocka_unit_test(of__what_is_no_socket__is_an_error),
		cmocka_unit_test(name__is_the_kernels_or_unknown),
	};

	island_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
