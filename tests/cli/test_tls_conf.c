/* SPDX-License-Identifier: MIT */
/* -t and the start with sections tls: what is wrong with certificates and keys, and warnings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "cli/command.h"
#include "unit/certified.h"
#include "unit/contexts.h"
#include "unit/folder.h"

static struct said said;

/* In the text, @ stands for the folder. */
static void check(void **state, const char *text)
{
	char whole[4096];

	contexts_write(*state, text, whole, sizeof(whole));
	folder_write(*state, "x.conf", whole);
	RUN(&said, *state, "-t", "-c", "x.conf", "-p", "x.pid");
}

static void assert_says(void **state, const char *text, enum exit_code code)
{
	char whole[4096];

	contexts_write(*state, text, whole, sizeof(whole));
	assert_string_equal(said.err, whole);
	assert_int_equal(said.code, code);
}

#define LISTENS(titles)                                          \
	"listen \"127.0.0.1:0\" { service = echo  backlog = 16 " \
	" tls = " titles " }\nworker_connections = 16\n"

static void test__of_a_good_section__says_nothing(void **state)
{
	check(state, SECTION("a", "first", "") LISTENS("a"));
	assert_says(state, "", CODE_OK);
}

static void test__of_files_that_are_wrong__says_what_is(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "tls a { certificate = \"@/first.pem\"  key = \"@/other.key\" }\n" LISTENS("a"),
		  "prefork-srv: x.conf:1: tls.key: \"@/other.key\" does not belong to the "
		  "certificate in \"@/first.pem\" (was only one of them replaced?)\n" },
		{ "tls a { certificate = \"@\"  key = \"@/other.key\" }\n" LISTENS("a"),
		  "prefork-srv: x.conf:1: tls.certificate: \"@\" is not a regular file\n" },
		{ "tls a {\n certificate = \"@/first.pem\"\n key = \"@/nothing.key\" }\n" LISTENS(
			  "a"),
		  "prefork-srv: x.conf:3: tls.key: \"@/nothing.key\" cannot be opened: No such "
		  "file or directory\n" },
		{ "tls a { certificate = \"@/first.key\"  key = \"@/first.key\" }\n" LISTENS("a"),
		  "prefork-srv: x.conf:1: tls.certificate: \"@/first.key\" has no certificate "
		  "(PEM: lines from -----BEGIN CERTIFICATE----- on)\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		check(state, rows[i].text);
		assert_says(state, rows[i].message, CODE_CONFIG);
		RUN(&said, *state, "-c", "x.conf", "-p", "x.pid");
		assert_says(state, rows[i].message, CODE_CONFIG);
	}
}

static void test__of_what_clients_will_refuse__warns(void **state)
{
	static const char *const chain[] = { "first.pem", "other.pem", NULL };
	char path[512];

	certified_write(*state, &(struct certified){ .file = "gone",
						     .san = "DNS:gone.example",
						     .begin_days = -9,
						     .end_days = -3 });
	certified_write(*state, &(struct certified){
					.file = "soon", .san = "DNS:soon.example", .end_days = 5 });
	certified_join(*state, "chain.pem", chain);
	snprintf(path, sizeof(path), "%s/soon.key", (char *)*state);
	assert_int_equal(chmod(path, 0644), 0);
	check(state,
	      SECTION("a", "gone", "")
		      SECTION("b", "soon", "") "tls c { certificate = \"@/chain.pem\"  key = "
					       "\"@/first.key\" }\n" SECTION("d", "none", "")
						       SECTION("e", "again", "")
							       LISTENS("{a, b, c, d, e}"));
	assert_says(state,
		    "prefork-srv: x.conf:1: tls.certificate: the certificate in \"@/gone.pem\" "
		    "expired 2 days ago: clients refuse it (renew it) (a warning)\n"
		    "prefork-srv: x.conf:2: tls.certificate: the certificate in \"@/soon.pem\" "
		    "expires in 5 days (renew it) (a warning)\n"
		    "prefork-srv: x.conf:2: tls.key: every user may read \"@/soon.key\" (chmod 600 "
		    "it) (a warning)\n"
		    "prefork-srv: x.conf:3: tls.certificate: the chain in \"@/chain.pem\" is not "
		    "in order: \"/CN=other\" has not signed the certificate before it (a warning)\n"
		    "prefork-srv: x.conf:4: tls.certificate: the certificate in \"@/none.pem\" "
		    "covers no name of a host: it is never chosen (a warning)\n"
		    "prefork-srv: x.conf:6: listen.tls: \"c\" and \"e\" both cover first.example: "
		    "the first one serves it (a warning)\n",
		    CODE_OK);
}

static void dump__of_a_section__reads_back_to_the_same(void **state)
{
	static struct said again;

	check(state, SECTION("a", "first", "") LISTENS("a"));
	RUN(&said, *state, "-T", "-c", "x.conf", "-p", "x.pid");
	assert_int_equal(said.code, CODE_OK);
	folder_write(*state, "x.conf", said.out);
	RUN(&again, *state, "-T", "-c", "x.conf", "-p", "x.pid");
	assert_string_equal(said.out, again.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test__of_a_good_section__says_nothing),
		cmocka_unit_test(test__of_files_that_are_wrong__says_what_is),
		cmocka_unit_test(test__of_what_clients_will_refuse__warns),
		cmocka_unit_test(dump__of_a_section__reads_back_to_the_same),
	};

	return cmocka_run_group_tests(tests, contexts_make_files, folder_remove);
}
