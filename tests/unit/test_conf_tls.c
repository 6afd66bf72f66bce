/* SPDX-License-Identifier: MIT */
/* Sections tls in files and on the command line: what is read, printed back, and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "config/conf_load.h"
#include "config/conf_tls.h"
#include "unit/configured.h"
#include "unit/folder.h"

#define FILES            "certificate = \"/c.pem\"  key = \"/k.pem\" "
#define LISTEN           "listen 1 { service = echo  tls = a }\n"
#define SECTION(options) "tls a { " FILES options " }\n" LISTEN

#ifdef HAVE_TLS
static void sections__with_all_options__are_read_and_printed_back(void **state)
{
	static const char text[] =
		"tls \"a\" { certificate = {\"/ec.pem\", \"/rsa.pem\"}  key = {\"/ec.key\", "
		"\"/rsa.key\"}\n chain = {\"/ec.chain\", \"/rsa.chain\"}  protocols = {TLSv1.3}\n"
		"ciphersuites = TLS_AES_128_GCM_SHA256  curves = \"X25519:P-256\"\n"
		"alpn = {\"http/1.1\"}  client_ca = \"/ca.pem\"  client_verify = optional\n"
		"ocsp_staple = \"/s.der\"  ticket_rotation = 10m  prefer_server_ciphers = yes }\n"
		"tls b { certificate = \"/b\"  key = \"/b\"  curves = \"X25519:P-256\"  "
		"ticket_rotation = 2m  tickets = yes "
		"}\n"
		"tls c { certificate = \"/c\"  key = \"/c\"  tickets = no }\n"
		"listen 1 { service = http  root = \"/\"  tls = {a, b} }\n"
		"listen 2 { service = status  tls = c  handshake_timeout = 5s }\n";
	struct conf *conf = configured_load_good(*state, text), *again;
	const struct tls_conf *tls = conf_tls_of(conf, &conf->listeners[0], 0);
	char *printed = configured_print(conf), *second;

	assert_ptr_equal(tls, &conf->tls[0]);
	assert_ptr_equal(conf_tls_of(conf, &conf->listeners[0], 1), &conf->tls[1]);
	assert_int_equal(tls->certificate.count, 2);
	assert_string_equal(tls->key.texts[1], "/rsa.key");
	assert_int_equal(tls->client_verify, VERIFY_OPTIONAL);
	assert_int_equal(conf->listeners[1].handshake_timeout, 5000);
	assert_int_equal(conf_tls_rotation_ms(conf), 120000);
	assert_false(conf_tls_speaks(tls, "TLSv1.2"));
	assert_true(conf_tls_speaks(&conf->tls[1], "TLSv1.2"));
	again = configured_load_good(*state, printed);
	second = configured_print(again);
	assert_string_equal(printed, second);
	free(printed);
	free(second);
	conf_free(conf);
	conf_free(again);
}

struct wrong {
	const char *text, *message;
};

static void refuse_all(const char *folder, const struct wrong *rows, size_t count)
{
	struct err err;

	for (size_t i = 0; i < count; i++) {
		if (configured_load(folder, rows[i].text, &err))
			fail_msg("row %zu was taken", i);
		assert_string_equal(err.text, rows[i].message);
		assert_int_equal(err.code, CODE_CONFIG);
	}
}

static void listeners__that_are_wrong__are_refused_with_their_place(void **state)
{
	static const struct wrong rows[] = {
		{ LISTEN, "x.conf:1: listen.tls: there is no tls \"a\"" },
		{ "tls site { " FILES "}\nlisten 1 { service = echo  tls = {site, sit} }\n",
		  "x.conf:2: listen.tls: there is no tls \"sit\" (did you mean site?)" },
		{ "tls a { " FILES "}\nlisten 1 { service = echo  tls = {a, a} }\n",
		  "x.conf:2: listen.tls: \"a\" is given twice" },
		{ "tls a { " FILES
		  "}\nlisten 1 { service = exec  command = {\"/bin/cat\"}  tls = a "
		  "}\n",
		  "x.conf:2: listen.tls: service exec gives its programs the client's socket "
		  "itself, on which they would have to speak TLS (leave it out, and pass "
		  "connections on to this listen from one of service proxy with tls)" },
		{ "tls a { " FILES
		  "}\nprogram p { command = {\"/bin/cat\"} }\nlisten 1 { service = "
		  "program  program = p  tls = a }\n",
		  "x.conf:3: listen.tls: the copies of service program accept by themselves, and "
		  "would have to speak TLS (leave it out, and pass connections on to this listen "
		  "from one of service proxy with tls)" },
		{ "tls a { " FILES "}\ntls b { " FILES " curves = X25519 }\n"
		  "listen 1 { service = echo  tls = {a, b} }\n",
		  "x.conf:2: tls.curves: differs from that of tls \"a\", which the listen at "
		  "x.conf:3 has too: they are agreed on for both (write the same in both)" },
		{ "listen 1 { service = echo  handshake_timeout = 1s }\n",
		  "x.conf:1: listen.handshake_timeout: has no effect without tls, which the "
		  "listen at x.conf:1 does not have (set it, or leave handshake_timeout out)" },
		{ "tls a { " FILES "}\nlisten 1 { service = echo }\n",
		  "x.conf:1: tls \"a\": no listen has it (listen \":443\" { service = http  tls = "
		  "\"a\" })" },
	};

	refuse_all(*state, rows, sizeof(rows) / sizeof(rows[0]));
}

static void sections__that_are_wrong__are_refused_with_their_place(void **state)
{
	static const struct wrong rows[] = {
		{ "tls a { key = \"/k\" }\n" LISTEN,
		  "x.conf:1: tls.certificate: is missing (certificate = {\"/etc/ssl/site.pem\"})" },
		{ "tls a { certificate = \"/c\" }\n" LISTEN,
		  "x.conf:1: tls.key: is missing (key = {\"/etc/ssl/site.key\"}, or the "
		  "certificate's file, when it holds the key as well)" },
		{ "tls a { certificate = {\"/c\", \"/d\"}  key = \"/k\" }\n" LISTEN,
		  "x.conf:1: tls.key: 1 file for 2 certificates (one for each, in the same "
		  "order)" },
		{ SECTION("chain = {\"/x\", \"/y\"}"),
		  "x.conf:1: tls.chain: 2 files for 1 certificate (one for each, in the same "
		  "order)" },
		{ "tls a { certificate = {\"/1\", \"/2\", \"/3\", \"/4\", \"/5\"}  key = \"/k\" "
		  "}\n" LISTEN,
		  "x.conf:1: tls.certificate: there are more than 4 (a section for each site: tls "
		  "= {\"one\", \"two\"} in the listen)" },
		{ SECTION("chain = \"here.pem\""),
		  "x.conf:1: tls.chain: \"here.pem\" is not an absolute path (a list of paths "
		  "that begin with /)" },
		{ SECTION("protocols = {TLSv1.1, TLSv1.2}"),
		  "x.conf:1: tls.protocols: \"TLSv1.1\" is unknown (a list of the words TLSv1.2 "
		  "TLSv1.3; no "
		  "client of today needs it)" },
		{ SECTION("protocols = {}"),
		  "x.conf:1: tls.protocols: is missing (TLSv1.2, TLSv1.3, or both)" },
		{ SECTION("protocols = TLSv1.3  ciphers = HIGH"),
		  "x.conf:1: tls.ciphers: has no effect without TLSv1.2 in protocols, which the "
		  "tls at x.conf:1 does not have (set it, or leave ciphers out)" },
		{ SECTION("protocols = TLSv1.2  ciphersuites = TLS_AES_128_GCM_SHA256"),
		  "x.conf:1: tls.ciphersuites: has no effect without TLSv1.3 in protocols, which "
		  "the tls at x.conf:1 does not have (set it, or leave ciphersuites out)" },
		{ SECTION("client_ca = \"/ca\""),
		  "x.conf:1: tls.client_ca: has no effect without client_verify = optional or "
		  "yes, which the tls at x.conf:1 does not have (set it, or leave client_ca out)" },
		{ SECTION("client_verify = yes"),
		  "x.conf:1: tls.client_ca: is missing (client_verify needs the file of those who "
		  "sign clients' certificates)" },
		{ SECTION("client_verify = on"),
		  "x.conf:1: tls.client_verify: \"on\" is unknown (no, optional or yes; write "
		  "yes)" },
		{ SECTION("tickets = no  ticket_rotation = 2h"),
		  "x.conf:1: tls.ticket_rotation: has no effect without tickets = yes, which the "
		  "tls at x.conf:1 does not have (set it, or leave ticket_rotation out)" },
		{ SECTION("ssl_certificate = \"/x\""),
		  "x.conf:1: ssl_certificate: unknown option (write certificate = {FILE} in a "
		  "section tls)" },
		{ SECTION("ca_file = \"/x\""),
		  "x.conf:1: ca_file: unknown option (write client_ca, with client_verify = yes)" },
		{ "listen 1 { service = echo  ssl = yes }\n",
		  "x.conf:1: ssl: unknown option (write tls \"TITLE\" { certificate = {FILE}  key "
		  "= {FILE} }, and tls = TITLE)" },
		{ "tls { " FILES " }\n", "x.conf:1: tls: the title is missing (tls \"site\" { ... "
					 "})" },
	};
	refuse_all(*state, rows, sizeof(rows) / sizeof(rows[0]));
}

static void listeners__of_the_command_line__use_the_sections_of_the_file(void **state)
{
	const char *listeners[] = { "7=echo,tls=a,handshake_timeout=3s" };
	struct conf_source source = {
		.file = "x.conf", .directory = *state, .listeners = listeners, .listener_count = 1
	};
	struct conf *conf;
	struct err err;

	folder_write(*state, "x.conf",
		     "tls a { " FILES "}\ntls b { " FILES "}\n"
		     "listen 1 { service = echo  tls = {a, b} }\n");
	conf = conf_load(&source, &err);
	if (!conf)
		fail_msg("%s", err.text);
	assert_int_equal(conf->tls_count, 1);
	assert_string_equal(conf->tls[0].title, "a");
	assert_int_equal(conf->listeners[0].handshake_timeout, 3000);
	conf_free(conf);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(sections__with_all_options__are_read_and_printed_back),
	cmocka_unit_test(listeners__that_are_wrong__are_refused_with_their_place),
	cmocka_unit_test(sections__that_are_wrong__are_refused_with_their_place),
	cmocka_unit_test(listeners__of_the_command_line__use_the_sections_of_the_file),
};
#else
static void sections__without_tls_in_the_program__are_refused(void **state)
{
	struct err err;

	assert_null(configured_load(*state, SECTION(""), &err));
	assert_string_equal(err.text, "x.conf:1: tls: this program was built without TLS "
				      "(configure it without --without-tls, or leave tls out)");
	assert_null(configured_load(*state, "\n" LISTEN, &err));
	assert_string_equal(err.text, "x.conf:2: tls: this program was built without TLS "
				      "(configure it without --without-tls, or leave tls out)");
}
static const struct CMUnitTest tests[] = {
	cmocka_unit_test(sections__without_tls_in_the_program__are_refused),
};
#endif

int main(void)
{
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
