/* SPDX-License-Identifier: MIT */
/* Tests of net/listener: opening a set, taking over, closing, refusing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/listening.h"

static struct listener_addresses found[LISTENING_MOST];

static void open__that_fails_late__leaves_nothing_behind(void **state)
{
	struct listening setup = { 0 };
	int before = dup(0), after;

	(void)state;
	close(before);
	listening_add(&setup, "127.0.0.1:0");
	listening_add(&setup, listening_unix);
	listening_add(&setup, "192.0.2.77:0");
	listening_refuses(&setup, NULL, CODE_UNAVAILABLE, "192.0.2.77:0");
	assert_int_equal(access(listening_path, F_OK), -1);
	assert_int_equal(close(after = dup(0)), 0);
	assert_int_equal(before, after);
}

static void open__of_clashing_addresses__names_both(void **state)
{
	struct listening twice = { 0 }, inside = { 0 }, apart = { 0 };
	struct err err;

	(void)state;
	listening_add(&twice, "127.0.0.1:1");
	listening_add(&twice, "127.0.0.1:1");
	listening_refuses(&twice, NULL, CODE_CONFIG, "has it already");
	listening_add(&inside, "127.0.0.1:1");
	listening_add(&inside, "0.0.0.0:1");
	listening_refuses(&inside, NULL, CODE_CONFIG,
			  "listen \"127.0.0.1:1\" of x.conf:1 has it already");
	listening_add(&apart, "127.0.0.1:1");
	listening_add(&apart, "127.0.0.1:2");
	listening_add(&apart, "[::1]:1");
	assert_true(listener_resolve(&apart.conf, found, &err));
}

static void open__of_dual_stack_beside_ipv4__hints_v6only(void **state)
{
	struct listening setup = { 0 };
	struct err err;

	(void)state;
	listening_add(&setup, "[::]:1");
	listening_add(&setup, "0.0.0.0:1");
	listening_refuses(&setup, NULL, CODE_CONFIG, "set v6only = yes in listen \"[::]:1\"");
	setup.listens[0].v6only = true;
	assert_true(listener_resolve(&setup.conf, found, &err));
}

static void open__of_one_address_by_two_spellings__names_both(void **state)
{
	struct listening paths = { 0 }, mapped = { 0 };
	char other[128];

	(void)state;
	snprintf(other, sizeof(other), "unix:/.%s", listening_path);
	listening_add(&paths, listening_unix);
	listening_add(&paths, other);
	listening_refuses(&paths, NULL, CODE_CONFIG, "has it already (remove one of them)");
	assert_int_equal(access(listening_path, F_OK), -1);
	listening_add(&mapped, "127.0.0.1:1");
	listening_add(&mapped, "[::ffff:127.0.0.1]:1");
	listening_refuses(&mapped, NULL, CODE_CONFIG, "has it already (remove one of them)");
}

static void reload__with_a_path_spelt_otherwise__takes_it_over(void **state)
{
	struct listening before = { 0 }, after = { 0 };
	struct listener_set *old, *fresh;
	char other[128];

	(void)state;
	snprintf(other, sizeof(other), "unix:/.%s", listening_path);
	listening_add(&before, listening_unix);
	listening_add(&after, other);
	old = listening_open(&before, NULL, 1);
	fresh = listening_open(&after, old, 1);
	assert_int_equal(fresh->list[0].fds[0], old->list[0].fds[0]);
	listener_close_all(old, fresh, true);
	assert_true(listening_answers(&fresh->list[0].bound));
	listener_close_all(fresh, NULL, true);
	assert_int_equal(access(listening_path, F_OK), -1);
}

static void open__of_resolved_addresses__asks_no_resolver(void **state)
{
	struct listening setup = { 0 }, named = { 0 };
	struct listener_set *set;
	struct err err;

	(void)state;
	listening_add(&setup, "127.0.0.1:0");
	listening_add(&setup, "[::1]:1");
	assert_true(listener_resolve(&setup.conf, found, &err));
	assert_int_equal(found[0].count, 1);
	assert_int_equal(found[1].found[0].sa.sa_family, AF_INET6);
	/* a text that no resolver can resolve */
	listening_add(&named, "not an address");
	set = listener_open_all(&named.conf, NULL, 1, found, &err);
	assert_non_null(set);
	assert_int_equal(set->count, 1);
	assert_true(listening_answers(&set->list[0].bound));
	listener_close_all(set, NULL, true);
}

static void resolve__refuses_what_open_would(void **state)
{
	struct listening twice = { 0 }, wrong = { 0 };
	struct listener_addresses resolved[LISTENING_MOST];
	struct err err;

	(void)state;
	listening_add(&twice, "127.0.0.1:1");
	listening_add(&twice, "127.0.0.1:1");
	assert_false(listener_resolve(&twice.conf, resolved, &err));
	assert_non_null(strstr(err.text, "has it already"));
	listening_add(&wrong, "not an address");
	assert_false(listener_resolve(&wrong.conf, resolved, &err));
	assert_memory_equal(err.text, "x.conf:1: listen \"", 18);
}

static void reload__takes_over_what_both_share(void **state)
{
	struct listening from = { 0 }, to = { 0 };
	struct listener_set *old, *set;
	struct addr gone;
	int fd;

	(void)state;
	listening_add(&from, "127.0.0.1:0");
	listening_add(&from, "127.0.0.2:0");
	listening_add(&to, "127.0.0.3:0");
	listening_add(&to, "127.0.0.1:0");
	old = listening_open(&from, NULL, 1);
	gone = old->list[1].bound;
	fd = old->list[0].fds[0];
	set = listening_open(&to, old, 1);
	assert_true(set->list[0].created);
	assert_false(set->list[1].created);
	assert_int_equal(set->list[1].fds[0], fd);
	assert_true(addr_equal(&set->list[1].bound, &old->list[0].bound));
	listener_close_all(old, set, true);
	assert_true(listening_answers(&set->list[0].bound));
	assert_true(listening_answers(&set->list[1].bound));
	assert_false(listening_answers(&gone));
	listener_close_all(set, NULL, true);
}

static void reload__with_port_0_twice__takes_each_once(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *old, *set;

	(void)state;
	listening_add(&setup, "127.0.0.1:0");
	listening_add(&setup, "127.0.0.1:0");
	old = listening_open(&setup, NULL, 1);
	set = listening_open(&setup, old, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(set->list[i].fds[0], old->list[i].fds[0]);
	assert_int_not_equal(set->list[0].fds[0], set->list[1].fds[0]);
	listener_close_all(old, set, true);
	listener_close_all(set, NULL, true);
}

static void reload__after_a_shutdown__has_sockets_that_listen(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *old, *set;

	(void)state;
	listening_add(&setup, "127.0.0.1:0");
	listening_add(&setup, listening_unix);
	old = listening_open(&setup, NULL, 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(shutdown(old->list[i].fds[0], SHUT_RDWR), 0);
		assert_false(listening_answers(&old->list[i].bound));
	}
	set = listening_open(&setup, old, 1);
	assert_int_equal(set->list[0].fds[0], old->list[0].fds[0]);
	assert_int_not_equal(set->list[1].fds[0], old->list[1].fds[0]);
	listener_apply(set);
	listener_close_all(old, set, true);
	for (int i = 0; i < 2; i++)
		assert_true(listening_answers(&set->list[i].bound));
	listener_close_all(set, NULL, true);
}

static void reload__after_a_path_was_removed__makes_it_anew(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *old, *set;

	(void)state;
	listening_add(&setup, listening_unix);
	old = listening_open(&setup, NULL, 1);
	assert_int_equal(unlink(old->list[0].bound.un.sun_path), 0);
	set = listening_open(&setup, old, 1);
	listener_apply(set);
	listener_close_all(old, set, true);
	assert_true(listening_answers(&set->list[0].bound));
	listener_close_all(set, NULL, true);
}

/* A packet needs a higher TTL than any has, as if the socket did not exist. */
static void reload__after_another_hid_a_socket__has_it_seen_again(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *old, *set;
	int ttl = 255;

	(void)state;
	listening_add(&setup, "127.0.0.1:0");
	old = listening_open(&setup, NULL, 1);
	assert_int_equal(setsockopt(old->list[0].fds[0], IPPROTO_IP, IP_MINTTL, &ttl, sizeof(ttl)),
			 0);
	set = listening_open(&setup, old, 1);
	listener_apply(set);
	listener_close_all(old, set, true);
	assert_true(listening_answers(&set->list[0].bound));
	listener_close_all(set, NULL, true);
}

static void reload__makes_sockets_non_blocking_again(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *old, *set;

	(void)state;
	listening_add(&setup, "127.0.0.1:0");
	listening_add(&setup, listening_unix);
	old = listening_open(&setup, NULL, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(fcntl(old->list[i].fds[0], F_SETFL, 0), 0);
	set = listening_open(&setup, old, 1);
	listener_apply(set);
	for (int i = 0; i < 2; i++)
		assert_true(fcntl(set->list[i].fds[0], F_GETFL) & O_NONBLOCK);
	listener_close_all(old, set, true);
	listener_close_all(set, NULL, true);
}

static void reload__that_fails__leaves_the_old_set_serving(void **state)
{
	struct listening from = { 0 }, to = { 0 };
	struct listener_set *old;

	(void)state;
	listening_add(&from, "127.0.0.1:0");
	listening_add(&from, listening_unix);
	listening_add(&to, "127.0.0.1:0");
	listening_add(&to, listening_unix);
	listening_add(&to, "192.0.2.77:0");
	old = listening_open(&from, NULL, 1);
	listening_refuses(&to, old, CODE_UNAVAILABLE, "192.0.2.77");
	assert_true(listening_answers(&old->list[0].bound));
	assert_true(listening_answers(&old->list[1].bound));
	listener_close_all(old, NULL, true);
	assert_int_equal(access(listening_path, F_OK), -1);
}

static void reload__from_one_address_to_all__blames_the_old_listener(void **state)
{
	struct listening from = { 0 }, to = { 0 };
	char text[ADDR_TEXT], any[ADDR_TEXT];
	struct listener_set *set, *old;

	(void)state;
	listening_add(&from, "127.0.0.1:0");
	set = listening_open(&from, NULL, 1);
	addr_write(&set->list[0].bound, text);
	listener_close_all(set, NULL, true);
	from.listens[0].address = text;
	old = listening_open(&from, NULL, 1);
	snprintf(any, sizeof(any), "0.0.0.0%s", strchr(text, ':'));
	listening_add(&to, any);
	listening_refuses(&to, old, CODE_UNAVAILABLE,
			  "the running server holds it as listen \"127.0.0.1:");
	listener_close_all(old, NULL, true);
}

static void reuse_port__has_a_socket_for_each_worker_and_grows(void **state)
{
	struct listening setup = { 0 };
	struct listener_set *old, *set;

	(void)state;
	listening_add(&setup, "127.0.0.1:0");
	setup.listens[0].reuse_port = true;
	old = listening_open(&setup, NULL, 2);
	assert_int_equal(old->list[0].fd_count, 2);
	assert_int_not_equal(old->list[0].fds[0], old->list[0].fds[1]);
	set = listening_open(&setup, old, 4);
	assert_int_equal(set->list[0].fd_count, 4);
	assert_int_equal(set->list[0].fds[1], old->list[0].fds[1]);
	assert_true(addr_equal(&set->list[0].bound, &old->list[0].bound));
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(listening_option(set->list[0].fds[i], SOL_SOCKET, SO_ACCEPTCONN),
				 1);
	listener_close_all(old, set, true);
	old = set;
	set = listening_open(&setup, old, 1);
	assert_int_equal(set->list[0].fd_count, 1);
	listener_close_all(old, set, true);
	assert_true(listening_answers(&set->list[0].bound));
	listener_close_all(set, NULL, true);
}

static bool never_ours(const struct addr *addr, void *arg)
{
	(void)addr;
	(void)arg;
	return false;
}

static bool always_ours(const struct addr *addr, void *arg)
{
	(void)addr;
	(void)arg;
	return true;
}

static bool probe(struct listening *setup, size_t i, bool (*ours)(const struct addr *, void *),
		  struct err *err)
{
	struct listener_addresses resolved[LISTENING_MOST];

	assert_true(listener_resolve(&setup->conf, resolved, err));
	assert_int_equal(listener_count_sockets(&setup->conf, resolved, 4),
			 setup->conf.listener_count);
	return listener_probe(&setup->listens[i], &resolved[i], ours, NULL, err);
}

static void probe__finds_what_open_would_and_leaves_no_trace(void **state)
{
	struct listening setup = { 0 }, taken = { 0 };
	struct listener_set *set;
	char text[ADDR_TEXT];
	struct err err;

	(void)state;
	listening_add(&setup, "127.0.0.1:0");
	listening_add(&setup, listening_unix);
	assert_true(probe(&setup, 0, never_ours, &err));
	assert_true(probe(&setup, 1, never_ours, &err));
	assert_int_equal(access(listening_path, F_OK), -1);
	set = listening_open(&setup, NULL, 1);
	listening_add(&taken, addr_write(&set->list[0].bound, text));
	assert_false(probe(&taken, 0, never_ours, &err));
	assert_non_null(strstr(err.text, "Address already in use"));
	assert_true(probe(&taken, 0, always_ours, &err));
	assert_false(probe(&setup, 1, never_ours, &err));
	assert_true(listening_answers(&set->list[1].bound));
	listener_close_all(set, NULL, true);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, listening_set_up, listening_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(open__that_fails_late__leaves_nothing_behind),
		CASE(open__of_clashing_addresses__names_both),
		CASE(open__of_dual_stack_beside_ipv4__hints_v6only),
		CASE(open__of_one_address_by_two_spellings__names_both),
		CASE(reload__with_a_path_spelt_otherwise__takes_it_over),
		CASE(open__of_resolved_addresses__asks_no_resolver),
		CASE(resolve__refuses_what_open_would),
		CASE(reload__takes_over_what_both_share),
		CASE(reload__with_port_0_twice__takes_each_once),
		CASE(reload__after_a_shutdown__has_sockets_that_listen),
		CASE(reload__after_a_path_was_removed__makes_it_anew),
		CASE(reload__after_another_hid_a_socket__has_it_seen_again),
		CASE(reload__makes_sockets_non_blocking_again),
		CASE(reload__that_fails__leaves_the_old_set_serving),
		CASE(reload__from_one_address_to_all__blames_the_old_listener),
		CASE(reuse_port__has_a_socket_for_each_worker_and_grows),
		CASE(probe__finds_what_open_would_and_leaves_no_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
