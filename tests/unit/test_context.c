/* SPDX-License-Identifier: MIT */
/* Contexts of listeners: which certificate a client gets, and what else is agreed on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls/warm_up.h"
#include "unit/certified.h"
#include "unit/contexts.h"
#include "unit/folder.h"
#include "unit/handshaken.h"

#define EC  "ECDSA+SHA256"
#define RSA "rsa_pss_rsae_sha256:RSA+SHA256"

static void refuse(const char *folder, const char *text, const char *message)
{
	char whole[1024];
	struct contexts set;
	struct err err;

	if (contexts_try(&set, folder, text, &err) && tls_warm_up(set.sites, &err))
		fail_msg("%s was taken", text);
	contexts_write(folder, message, whole, sizeof(whole));
	/* OpenSSL's reason behind it depends on its version */
	if (strncmp(err.text, whole, strlen(whole)) != 0)
		fail_msg("%s", err.text);
	contexts_close(&set);
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static void names__choose_among_the_sections_of_the_listener(void **state)
{
	static const struct {
		const char *name, *common;
	} rows[] = {
		{ NULL, "first" },
		{ "first.example", "first" },
		{ "other.example", "other" },
		{ "OTHER.Example", "other" },
		{ "other.example.", "other" },
		{ "a.wild.example", "wild" },
		{ "other.wild.example", "other" },
		{ "a.b.wild.example", "first" },
		{ "wild.example", "first" },
		{ "unknown.example", "first" },
		{ "192.0.2.1", "first" },
		{ "[::1]", "first" },
		{ "b\xc3\xbc"
		  "cher.example",
		  "first" },
	};
	struct handshaken result;
	struct contexts set;

	contexts_open(
		&set, *state,
		SECTION("first", "first", "") SECTION("wild", "wild", "") SECTION("other", "other",
										  "")
			LISTEN("{first, wild, other}") "listen 2 { service = echo  tls = other "
						       "}\nlisten 3 { service = echo }\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t v = 0; v < 2; v++) {
			handshaken_pass(tls_sites_context(set.sites, 0),
					&(struct handshaken_wish){ .name = rows[i].name,
								   .version = versions[v] },
					&result);
			assert_string_equal(result.common, rows[i].common);
			assert_int_equal(result.version, versions[v]);
		}
	handshaken_pass(tls_sites_context(set.sites, 1),
			&(struct handshaken_wish){ .name = "first.example" }, &result);
	assert_string_equal(result.common, "other");
	assert_null(tls_sites_context(set.sites, 2));
	contexts_close(&set);
}

static void kind_of_key__is_chosen_by_what_the_client_can_verify(void **state)
{
	struct handshaken result;
	struct contexts set;

	contexts_open(&set, *state,
		      "tls a { certificate = {\"@/first.pem\", \"@/rsa.pem\", \"@/ed.pem\"}  key = "
		      "{\"@/first.key\", \"@/rsa.key\", \"@/ed.key\"} }\n" LISTEN("a"));
	for (size_t v = 0; v < 2; v++) {
		struct handshaken_wish wish = { .version = versions[v], .signatures = EC };

		handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
		assert_string_equal(result.common, "first");
		wish.signatures = RSA;
		handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
		assert_string_equal(result.common, "rsa");
		wish.signatures = "ed25519";
		handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
		assert_string_equal(result.common, "ed");
	}
	contexts_close(&set);
}

static void protocols_and_ciphers__are_those_of_the_section_that_is_chosen(void **state)
{
	struct handshaken_wish wish = { .version = TLS1_2_VERSION };
	struct handshaken result;
	struct contexts set;

	contexts_open(&set, *state,
		      SECTION("first", "first", "protocols = TLSv1.3 ") SECTION(
			      "other", "other",
			      "protocols = TLSv1.2  ciphers = \"ECDHE-ECDSA-AES256-GCM-SHA384\" ")
			      LISTEN("{first, other}"));
	handshaken_try(tls_sites_context(set.sites, 0), &wish, &result);
	assert_false(result.is_good);
	assert_int_equal(result.alert, SSL_AD_PROTOCOL_VERSION);
	wish.name = "other.example";
	handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
	assert_string_equal(result.cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
	wish.version = TLS1_3_VERSION;
	handshaken_try(tls_sites_context(set.sites, 0), &wish, &result);
	assert_false(result.is_good);
	wish.name = NULL;
	handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
	contexts_close(&set);
}

static void ciphers__without_forward_secrecy_or_aead__are_not_among_the_default(void **state)
{
	struct handshaken_wish wish = { .version = TLS1_2_VERSION, .ciphers = "AES128-GCM-SHA256" };
	struct handshaken result;
	struct contexts set;

	contexts_open(&set, *state, SECTION("a", "rsa", "") LISTEN("a"));
	handshaken_try(tls_sites_context(set.sites, 0), &wish, &result);
	assert_int_equal(result.alert, SSL_AD_HANDSHAKE_FAILURE);
	wish.ciphers = "ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES128-SHA";
	handshaken_try(tls_sites_context(set.sites, 0), &wish, &result);
	assert_int_equal(result.alert, SSL_AD_HANDSHAKE_FAILURE);
	contexts_close(&set);
}

static void order_of_ciphers__is_the_clients_unless_the_section_has_another(void **state)
{
	static const char list[] = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256";
	struct handshaken_wish wish = { .version = TLS1_2_VERSION, .ciphers = list };
	struct handshaken result;
	struct contexts set;

	contexts_open(&set, *state,
		      SECTION("first", "first", "")
			      SECTION("other", "other", "prefer_server_ciphers = yes ")
				      LISTEN("{first, other}"));
	handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
	assert_string_equal(result.cipher, "ECDHE-ECDSA-CHACHA20-POLY1305");
	wish.name = "other.example";
	handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
	assert_string_equal(result.cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
	contexts_close(&set);
}

static void alpn__is_chosen_in_the_servers_order_or_refused(void **state)
{
	struct handshaken_wish wish = { .alpn = "\x02h2\x08http/1.1" };
	struct handshaken result;
	struct contexts set;

	contexts_open(&set, *state,
		      SECTION("first", "first", "alpn = {\"http/1.1\", h2} ")
			      SECTION("other", "other", "") LISTEN("{first, other}"));
	handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
	assert_string_equal(result.alpn, "http/1.1");
	wish.alpn = "\x03"
		    "foo";
	handshaken_try(tls_sites_context(set.sites, 0), &wish, &result);
	assert_int_equal(result.alert, SSL_AD_NO_APPLICATION_PROTOCOL);
	wish.name = "other.example";
	handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
	assert_string_equal(result.alpn, "");
	contexts_close(&set);
}

static void clients__are_verified_as_the_section_says(void **state)
{
	struct handshaken result;
	char good[512], bad[512];
	struct contexts set;

	snprintf(good, sizeof(good), "%s/client", (char *)*state);
	snprintf(bad, sizeof(bad), "%s/other", (char *)*state);
	contexts_open(&set, *state,
		      SECTION("first", "first", "") SECTION(
			      "wild", "wild", "client_verify = optional  client_ca = \"@/ca.pem\" ")
			      SECTION("other", "other",
				      "client_verify = yes  client_ca = \"@/ca.pem\" ")
				      LISTEN("{first, wild, "
					     "other}"));
	for (size_t v = 0; v < 2; v++) {
		struct handshaken_wish wish = { .version = versions[v], .identity = bad };

		handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
		wish.name = "a.wild.example";
		handshaken_try(tls_sites_context(set.sites, 0), &wish, &result);
		assert_false(result.is_good);
		wish.identity = NULL;
		handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
		wish.name = "other.example";
		handshaken_try(tls_sites_context(set.sites, 0), &wish, &result);
		assert_false(result.is_good);
		wish.identity = good;
		handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
		assert_string_equal(result.common, "other");
	}
	contexts_close(&set);
}

static void staple__is_sent_with_its_certificate_until_it_expires(void **state)
{
	struct handshaken_wish wish = { .asks_for_staple = true, .signatures = EC };
	struct handshaken result;
	struct contexts set;

	certified_staple(*state, "first", 2);
	contexts_open(
		&set, *state,
		"tls a { certificate = {\"@/first.pem\", \"@/rsa.pem\"}  key = {\"@/first.key\", "
		"\"@/rsa.key\"}  ocsp_staple = \"@/first.der\" }\n" LISTEN("a"));
	handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
	assert_true(result.staple > 100);
	wish.signatures = RSA;
	handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
	assert_int_equal(result.staple, -1);
	contexts_close(&set);
	certified_staple(*state, "first", -1);
	wish.signatures = EC;
	contexts_open(&set, *state,
		      SECTION("a", "first", "ocsp_staple = \"@/first.der\" ") LISTEN("a"));
	handshaken_pass(tls_sites_context(set.sites, 0), &wish, &result);
	assert_int_equal(result.staple, -1);
	contexts_close(&set);
}

static void sections__that_openssl_refuses__are_refused_with_their_place(void **state)
{
	refuse(*state, SECTION("a", "first", "ciphers = NONSENSE ") LISTEN("a"),
	       "x.conf:1: tls.ciphers: \"NONSENSE\" is refused by OpenSSL: ");
	refuse(*state, SECTION("a", "first", "ciphersuites = AES ") LISTEN("a"),
	       "x.conf:1: tls.ciphersuites: \"AES\" is refused by OpenSSL: ");
	refuse(*state, SECTION("a", "first", "curves = X1 ") LISTEN("a"),
	       "x.conf:1: tls.curves: \"X1\" is refused by OpenSSL");
	refuse(*state,
	       "tls a { certificate = {\"@/first.pem\", \"@/other.pem\"}  key = {\"@/first.key\", "
	       "\"@/other.key\"} }\n" LISTEN("a"),
	       "x.conf:1: tls.certificate: \"@/other.pem\" has the same kind of key as another one "
	       "(a section for each site: tls = {\"one\", \"two\"} in the listen)");
	refuse(*state, SECTION("a", "first", "ciphers = ECDHE-RSA-AES128-GCM-SHA256 ") LISTEN("a"),
	       "x.conf:1: tls.certificate: no client can connect by TLSv1.2 with "
	       "\"@/first.pem\": no shared cipher");
	refuse(*state,
	       SECTION("a", "first", "client_verify = yes  client_ca = \"@/first.key\" ")
		       LISTEN("a"),
	       "x.conf:1: tls.client_ca: \"@/first.key\" has no certificate (PEM: lines from "
	       "-----BEGIN CERTIFICATE----- on)");
	refuse(*state, SECTION("a", "first", "ocsp_staple = \"@/first.pem\" ") LISTEN("a"),
	       "x.conf:1: tls.ocsp_staple: \"@/first.pem\" is not a response of an OCSP responder "
	       "(DER, as openssl ocsp -respout writes it)");
	certified_staple(*state, "other", 2);
	refuse(*state, SECTION("a", "first", "ocsp_staple = \"@/other.der\" ") LISTEN("a"),
	       "x.conf:1: tls.ocsp_staple: \"@/other.der\" is for another certificate");
}

static char told[8][1024];
static size_t told_count;

static void note(void *context, const char *text)
{
	(void)context;
	assert_true(told_count < 8);
	snprintf(told[told_count++], sizeof(told[0]), "%s", text);
}

static void warnings__tell_of_names_that_are_in_no_certificate_or_in_two(void **state)
{
	static const struct tls_warner warner = { .tell = note };
	char whole[1024];
	struct contexts set;

	certified_staple(*state, "first", 2);
	contexts_open(
		&set, *state,
		SECTION("first", "first", "ocsp_staple = \"@/first.der\" ") SECTION(
			"none", "none",
			"") "tls again { certificate = {\"@/again.pem\", \"@/rsa.pem\"}  key = "
			    "{\"@/again.key\", \"@/rsa.key\"} }\n" LISTEN("{first, none, again}"));
	told_count = 0;
	tls_sites_warn(set.sites, time(NULL), &warner);
	assert_int_equal(told_count, 4);
	assert_non_null(strstr(told[0], "tls.ocsp_staple: the response in "));
	assert_non_null(strstr(told[0], " hours"));
	contexts_write(
		*state,
		"x.conf:2: tls.certificate: the certificate in \"@/none.pem\" covers no name of "
		"a host: it is never chosen",
		whole, sizeof(whole));
	assert_string_equal(told[1], whole);
	contexts_write(
		*state,
		"x.conf:3: tls.certificate: \"@/again.pem\" and \"@/rsa.pem\" cover different "
		"names (a section for each site)",
		whole, sizeof(whole));
	assert_string_equal(told[2], whole);
	assert_string_equal(told[3], "x.conf:4: listen.tls: \"first\" and \"again\" both cover "
				     "first.example: the first one serves it");
	assert_true(tls_sites_expiry(set.sites, 0) > time(NULL) + 300 * 86400);
	contexts_close(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names__choose_among_the_sections_of_the_listener),
		cmocka_unit_test(kind_of_key__is_chosen_by_what_the_client_can_verify),
		cmocka_unit_test(protocols_and_ciphers__are_those_of_the_section_that_is_chosen),
		cmocka_unit_test(
			ciphers__without_forward_secrecy_or_aead__are_not_among_the_default),
		cmocka_unit_test(order_of_ciphers__is_the_clients_unless_the_section_has_another),
		cmocka_unit_test(alpn__is_chosen_in_the_servers_order_or_refused),
		cmocka_unit_test(clients__are_verified_as_the_section_says),
		cmocka_unit_test(staple__is_sent_with_its_certificate_until_it_expires),
		cmocka_unit_test(sections__that_openssl_refuses__are_refused_with_their_place),
		cmocka_unit_test(warnings__tell_of_names_that_are_in_no_certificate_or_in_two),
	};

	return cmocka_run_group_tests(tests, contexts_make_files, folder_remove);
}
