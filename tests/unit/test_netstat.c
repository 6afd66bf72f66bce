/* SPDX-License-Identifier: MIT */
/* Tests of net/netstat.c on texts as kernels write them, and on others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/netstat.h"

static void parse__by_names__finds_the_figures(void **state)
{
	struct netstat net = { 0 };

	(void)state;
	assert_true(netstat_parse("TcpExt: SyncookiesSent ListenOverflows ListenDrops PAWSActive "
				  "TCPReqQFullDrop TCPRetransFail\n"
				  "TcpExt: 1 22 333 4 18446744073709551615 6\n"
				  "IpExt: InNoRoutes ListenDrops\nIpExt: 7 8\n",
				  &net));
	assert_int_equal(net.listen_overflows, 22);
	assert_int_equal(net.listen_drops, 333);
	assert_true(net.syn_queue_drops == UINT64_MAX);
}

static void parse__with_another_group_first__finds_its_own(void **state)
{
	struct netstat net = { 0 };

	(void)state;
	assert_true(netstat_parse("IpExt: ListenDrops\nIpExt: 8\n"
				  "TcpExt: ListenDrops XListenDrops\nTcpExt: 9 10\n",
				  &net));
	assert_int_equal(net.listen_drops, 9);
}

static void parse__of_a_kernel_without_a_column__leaves_that_one(void **state)
{
	struct netstat net = { .syn_queue_drops = 5 };

	(void)state;
	assert_true(netstat_parse("TcpExt: ListenOverflows\nTcpExt: 3\n", &net));
	assert_int_equal(net.listen_overflows, 3);
	assert_int_equal(net.syn_queue_drops, 5);
}

static void parse__of_a_text_that_is_no_table__finds_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"TcpExt:",
		"TcpExt: ListenDrops",
		"TcpExt: ListenDrops\n",
		"TcpExt: ListenDrops\nTcpExt:",
		"TcpExt: ListenDrops\nTcpExt:\n",
		"TcpExt: ListenDrops\nIpExt: 3\n",
		"TcpExt: ListenDrops\nTcpExt: -3\n",
		"TcpExt: ListenDrop\nTcpExt: 3\n",
		"TcpExt: A ListenDrops\nTcpExt: 3\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct netstat net = { .listen_drops = 42 };

		if (netstat_parse(texts[i], &net) || net.listen_drops != 42)
			fail_msg("found something in \"%s\"", texts[i]);
	}
}

static void read__of_this_host__finds_figures(void **state)
{
	struct netstat net = { 0 };

	(void)state;
	assert_true(netstat_read(&net));
	assert_true(net.listen_drops >= net.listen_overflows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse__by_names__finds_the_figures),
		cmocka_unit_test(parse__with_another_group_first__finds_its_own),
		cmocka_unit_test(parse__of_a_kernel_without_a_column__leaves_that_one),
		cmocka_unit_test(parse__of_a_text_that_is_no_table__finds_nothing),
		cmocka_unit_test(read__of_this_host__finds_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
