/* SPDX-License-Identifier: MIT */
/* The options of PROXY headers: their defaults, where they belong, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/command.h"
#include "e2e/client.h"
#include "unit/folder.h"

static struct said said;

static void check(void **state, const char *text)
{
	folder_write(*state, "x.conf", text);
	RUN(&said, *state, "-t", "-q", "-c", "x.conf", "-p", "none");
}

static void assert_refused(const char *message)
{
	char line[512];

	snprintf(line, sizeof(line), "prefork-srv: %s\n", message);
	assert_string_equal(said.err, line);
	assert_int_equal(said.code, CODE_CONFIG);
}

static void options__without_accept_proxy__are_refused_with_both_places(void **state)
{
	check(state, "\nlisten \"127.0.0.1:0\" {\n service = ack\n trusted = {10.0.0.1}\n}\n");
	assert_refused("x.conf:4: trusted: has no effect, because the listen at x.conf:2 has "
		       "accept_proxy = no (set yes, or leave it out)");
	check(state, "listen \"127.0.0.1:0\" {\n service = ack\n accept_proxy = no\n"
		     " accept_proxy_timeout = 3s\n}\n");
	assert_refused("x.conf:4: accept_proxy_timeout: has no effect, because the listen at "
		       "x.conf:1 has accept_proxy = no (set yes, or leave it out)");
	/* even if it is the default */
	check(state, "listen \"127.0.0.1:0\" {\n service = ack\n accept_proxy_timeout = 5s\n}\n");
	assert_refused("x.conf:3: accept_proxy_timeout: has no effect, because the listen at "
		       "x.conf:1 has accept_proxy = no (set yes, or leave it out)");
}

static void options__with_accept_proxy__are_taken_in_any_order(void **state)
{
	check(state, "listen \"127.0.0.1:0\" {\n trusted = {10.0.0.1, 2001:db8::/32}\n"
		     " accept_proxy_timeout = 3s\n accept_proxy = yes\n service = ack\n}\n");
	assert_string_equal(said.err, "");
	assert_int_equal(said.code, CODE_OK);
}

static void options__on_the_command_line__are_checked_as_well(void **state)
{
	RUN(&said, *state, "-t", "-q", "-p", "none", "-l", "127.0.0.1:0=ack,trusted=10.0.0.1");
	assert_int_equal(said.code, CODE_USAGE);
	assert_non_null(strstr(said.err, ": trusted: has no effect, because the listen at -l "
					 "127.0.0.1:0=ack,trusted=10.0.0.1 has accept_proxy = no"));
	RUN(&said, *state, "-t", "-q", "-p", "none", "-l", "127.0.0.1:0=ack", "-o",
	    "listen.trusted=10.0.0.1");
	assert_non_null(strstr(said.err, "trusted: has no effect"));
	RUN(&said, *state, "-t", "-q", "-p", "none", "-l",
	    "127.0.0.1:0=ack,accept_proxy=yes,trusted=10.0.0.1", "-o", "listen.accept_proxy=no");
	assert_non_null(strstr(said.err, "trusted: has no effect"));
	RUN(&said, *state, "-t", "-q", "-p", "none", "-l",
	    "127.0.0.1:0=ack,trusted=10.0.0.1,accept_proxy=yes", "-o",
	    "listen.accept_proxy_timeout=1s");
	assert_string_equal(said.err, "");
	assert_int_equal(said.code, CODE_OK);
}

static void trusted__that_no_peer_can_match__is_refused(void **state)
{
	static const struct {
		const char *address, *trusted;
		bool is_good;
	} rows[] = {
		{ "127.0.0.1:0", "", false },
		{ "127.0.0.1:0", "unix, 2001:db8::/32", false },
		{ "127.0.0.1:0", "2001:db8::/32, 10.0.0.0/8", true },
		{ "[::1]:0", "127.0.0.1", false },
		{ "[::1]:0", "127.0.0.1, ::1", true },
		{ "[::]:0", "127.0.0.1", true },
		{ "*:0", "127.0.0.1", true },
		{ "unix:/tmp/x.sock", "127.0.0.1", true },
		{ "unix:/tmp/x.sock", "unix", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[512], message[512];

		snprintf(text, sizeof(text),
			 "listen \"%s\" { service = ack  accept_proxy = yes  trusted = {%s} }\n",
			 rows[i].address, rows[i].trusted);
		snprintf(message, sizeof(message),
			 "prefork-srv: x.conf:1: listen.trusted: no peer of \"%s\" can have such "
			 "an address, so that all would be refused (name the proxies, or leave it "
			 "out)\n",
			 rows[i].address);
		folder_write(*state, "x.conf", text);
		RUN(&said, *state, "-T", "-c", "x.conf", "-p", "none");
		if ((strstr(said.err, "trusted") == NULL) != rows[i].is_good)
			fail_msg("%zu: %s", i, said.err);
		if (!rows[i].is_good)
			assert_string_equal(said.err, message);
	}
}

/* The server starts all the same; a lookup has a bounded time. */
static void test__of_names_that_cannot_be_found__warns_of_each(void **state)
{
	const char *found = client_loopback_host();
	char text[512];

	snprintf(text, sizeof(text),
		 "upstream \"u\" {\n server = {\"127.0.0.1:1\", \"none.invalid:1\"}\n}\n"
		 "upstream \"unused\" { server = {\"other.invalid:1\"} }\n"
		 "listen \"127.0.0.1:0\" { service = proxy  upstream = u  backlog = 16 }\n"
		 "listen \"127.0.0.1:0\" { service = proxy  backlog = 16\n to = "
		 "{\"%s:1\", \"b.invalid:1\"} }\nworker_connections = 16\n",
		 found);
	check(state, text);
	assert_int_equal(said.code, CODE_OK);
	if (strstr(said.err, "takes longer than") != NULL)
		skip(); /* a name server that does not answer */
	assert_non_null(strstr(said.err, "prefork-srv: x.conf:2: upstream.server: cannot resolve "
					 "\"none.invalid\" of \"none.invalid:1\": "));
	assert_non_null(strstr(said.err, "prefork-srv: x.conf:7: listen.to: cannot resolve "
					 "\"b.invalid\" of \"b.invalid:1\": "));
	assert_null(strstr(said.err, "other.invalid"));
	assert_null(strstr(said.err, found));
	assert_non_null(strstr(said.err, " (a warning)\n"));
}

static void program__accepts_by_itself__so_that_it_is_refused(void **state)
{
	check(state, "program \"p\" { command = {/bin/true} }\nlisten \"127.0.0.1:0\" { service = "
		     "program  program = p  accept_proxy = yes }\n");
	assert_int_equal(said.code, CODE_CONFIG);
	assert_non_null(strstr(
		said.err, "listen.accept_proxy: has no effect, because the copies of a program "
			  "accept by themselves (leave it out)"));
}

/* What -T prints is read again as the same. */
static void printed__configuration__is_the_same(void **state)
{
	static const char *const texts[] = {
		"listen \"127.0.0.1:0\" { service = ack }\n",
		"listen \"127.0.0.1:0\" { service = ack  accept_proxy = yes }\n",
		"listen \"127.0.0.1:0\" { service = ack  accept_proxy = yes  trusted = {10.0.0.1} "
		"}\n",
	};
	static const char *const expected[] = {
		"accept_proxy = no\n\ttls = {}\n",
		"accept_proxy = yes\n\ttrusted = {\"127.0.0.0/8\", \"::1\"}\n",
		"\ttrusted = {\"10.0.0.1\"}\n",
	};
	static char first[65536];

	for (unsigned i = 0; i < 3; i++) {
		folder_write(*state, "x.conf", texts[i]);
		RUN(&said, *state, "-T", "-c", "x.conf", "-p", "none");
		assert_int_equal(said.code, CODE_OK);
		assert_non_null(strstr(said.out, expected[i]));
		snprintf(first, sizeof(first), "%s", strchr(said.out, '\n'));
		folder_write(*state, "y.conf", said.out);
		RUN(&said, *state, "-T", "-c", "y.conf", "-p", "none");
		assert_string_equal(said.err, "");
		assert_string_equal(strchr(said.out, '\n'), first);
	}
}

static void names__of_other_servers__are_explained(void **state)
{
	check(state, "listen \"127.0.0.1:0\" {\n service = ack\n proxy_protocol = yes\n}\n");
	assert_refused("x.conf:3: proxy_protocol: unknown option (write accept_proxy in a "
		       "listen, send_proxy in an upstream)");
	check(state, "listen \"127.0.0.1:0\" {\n service = ack\n set_real_ip_from = {::1}\n}\n");
	assert_refused("x.conf:3: set_real_ip_from: unknown option (write trusted in the "
		       "listen)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options__without_accept_proxy__are_refused_with_both_places),
		cmocka_unit_test(options__with_accept_proxy__are_taken_in_any_order),
		cmocka_unit_test(options__on_the_command_line__are_checked_as_well),
		cmocka_unit_test(trusted__that_no_peer_can_match__is_refused),
		cmocka_unit_test(test__of_names_that_cannot_be_found__warns_of_each),
		cmocka_unit_test(program__accepts_by_itself__so_that_it_is_refused),
		cmocka_unit_test(printed__configuration__is_the_same),
		cmocka_unit_test(names__of_other_servers__are_explained),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
