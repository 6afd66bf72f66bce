/* SPDX-License-Identifier: MIT */
/* Session tickets: which are taken, by whom, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "unit/certified.h"
#include "unit/contexts.h"
#include "unit/folder.h"
#include "unit/handshaken.h"

#define ONE      SECTION("a", "first", "") LISTEN("a")
#define OPTIONAL "client_verify = optional  client_ca = \"@/ca.pem\" "
#define REQUIRED "client_verify = yes  client_ca = \"@/ca.pem\" "

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

/* Returns a session to resume. */
static SSL_SESSION *begin(SSL_CTX *context, int version, const char *name, const char *identity)
{
	struct handshaken result;

	handshaken_try(
		context,
		&(struct handshaken_wish){ .version = version, .name = name, .identity = identity },
		&result);
	if (!result.is_good)
		fail_msg("alert %d", result.alert);
	assert_false(result.is_resumed);
	return result.session;
}

static bool resumes(SSL_CTX *context, SSL_SESSION *session, const char *name, const char *identity)
{
	struct handshaken result;

	handshaken_pass(
		context,
		&(struct handshaken_wish){ .version = SSL_SESSION_get_protocol_version(session),
					   .name = name,
					   .identity = identity,
					   .session = session },
		&result);
	return result.is_resumed;
}

static void sessions__are_resumed_by_every_worker_and_after_a_reload(void **state)
{
	struct contexts set, later;

	contexts_open(&set, *state, ONE);
	contexts_open(&later, *state, ONE);
	tls_sites_use_keys(later.sites, &set.keys);
	for (size_t v = 0; v < 2; v++) {
		SSL_SESSION *session =
			begin(tls_sites_context(set.sites, 0), versions[v], NULL, NULL);

		assert_true(resumes(tls_sites_context(set.sites, 0), session, NULL, NULL));
		assert_true(resumes(tls_sites_context(later.sites, 0), session, NULL, NULL));
		assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(session), 3600);
		tls_sites_use_keys(later.sites, &later.keys);
		assert_false(resumes(tls_sites_context(later.sites, 0), session, NULL, NULL));
		tls_sites_use_keys(later.sites, &set.keys);
		SSL_SESSION_free(session);
	}
	contexts_close(&later);
	contexts_close(&set);
}

static void key_before__opens_tickets_and_makes_none(void **state)
{
	struct contexts set;
	struct err err;
	bool rotated;

	contexts_open(&set, *state, ONE);
	for (size_t v = 0; v < 2; v++) {
		int64_t now_s = set.keys.current.made_s;
		SSL_CTX *context = tls_sites_context(set.sites, 0);
		SSL_SESSION *session = begin(context, versions[v], NULL, NULL), *fresh;

		assert_true(tls_ticket_keys_rotate(&set.keys, now_s + 3599, 3600, &rotated, &err));
		assert_false(rotated);
		assert_true(tls_ticket_keys_rotate(&set.keys, now_s + 3600, 3600, &rotated, &err));
		assert_true(rotated);
		assert_true(resumes(context, session, NULL, NULL));
		fresh = begin(context, versions[v], NULL, NULL);
		assert_true(tls_ticket_keys_rotate(&set.keys, now_s + 7200, 3600, &rotated, &err));
		assert_false(resumes(context, session, NULL, NULL));
		assert_true(resumes(context, fresh, NULL, NULL));
		SSL_SESSION_free(session);
		SSL_SESSION_free(fresh);
	}
	contexts_close(&set);
}

static void tickets__can_be_turned_off(void **state)
{
	struct contexts set;

	contexts_open(&set, *state,
		      SECTION("a", "first", "tickets = no ")
			      SECTION("b", "other", "ticket_rotation = 10m ") LISTEN("{a, b}"));
	for (size_t v = 0; v < 2; v++) {
		SSL_CTX *context = tls_sites_context(set.sites, 0);
		SSL_SESSION *session = begin(context, versions[v], NULL, NULL);

		assert_false(resumes(context, session, NULL, NULL));
		SSL_SESSION_free(session);
		session = begin(context, versions[v], "other.example", NULL);
		assert_true(resumes(context, session, "other.example", NULL));
		assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(session), 600);
		SSL_SESSION_free(session);
	}
	contexts_close(&set);
}

/* A session of a section that asks for nothing must not open one that asks for a certificate. */
static void sessions__do_not_cross_to_a_section_that_verifies_clients(void **state)
{
	struct contexts set;
	char client[512];

	snprintf(client, sizeof(client), "%s/client", (char *)*state);
	contexts_open(&set, *state,
		      SECTION("a", "first", "") SECTION("b", "other", OPTIONAL)
			      SECTION("c", "wild", REQUIRED) SECTION("d", "last", "")
				      LISTEN("{a, b, c, d}"));
	for (size_t v = 0; v < 2; v++) {
		SSL_CTX *context = tls_sites_context(set.sites, 0);
		SSL_SESSION *session = begin(context, versions[v], NULL, client);

		assert_false(resumes(context, session, "a.wild.example", client));
		assert_false(resumes(context, session, "other.example", client));
		SSL_SESSION_free(session);
		session = begin(context, versions[v], "other.example", client);
		assert_false(resumes(context, session, "a.wild.example", client));
		assert_false(resumes(context, session, NULL, client));
		assert_true(resumes(context, session, "other.example", client));
		SSL_SESSION_free(session);
		session = begin(context, versions[v], "a.wild.example", client);
		assert_true(resumes(context, session, "a.wild.example", client));
		SSL_SESSION_free(session);
	}
	contexts_close(&set);
}

static void sessions__with_another_client_ca_are_not_resumed(void **state)
{
	static const char *const both[] = { "ca.pem", "other.pem", NULL };
	struct contexts set, later;
	SSL_SESSION *session;
	char client[512];

	snprintf(client, sizeof(client), "%s/client", (char *)*state);
	contexts_open(&set, *state, SECTION("a", "first", REQUIRED) LISTEN("a"));
	session = begin(tls_sites_context(set.sites, 0), TLS1_3_VERSION, NULL, client);
	certified_join(*state, "both.pem", both);
	contexts_open(&later, *state,
		      SECTION("a", "first", "client_verify = yes  client_ca = \"@/both.pem\" ")
			      LISTEN("a"));
	tls_sites_use_keys(later.sites, &set.keys);
	assert_true(resumes(tls_sites_context(set.sites, 0), session, NULL, client));
	assert_false(resumes(tls_sites_context(later.sites, 0), session, NULL, client));
	SSL_SESSION_free(session);
	contexts_close(&later);
	contexts_close(&set);
}

static void keys__half_written_by_a_master_that_died__are_none(void **state)
{
	struct tls_ticket_keys copy;
	struct contexts set;
	SSL_SESSION *session;

	contexts_open(&set, *state, ONE);
	session = begin(tls_sites_context(set.sites, 0), TLS1_2_VERSION, NULL, NULL);
	assert_true(tls_ticket_keys_copy(&set.keys, &copy));
	assert_memory_equal(copy.current.mac, set.keys.current.mac, sizeof(copy.current.mac));
	set.keys.version |= 1;
	assert_false(tls_ticket_keys_copy(&set.keys, &copy));
	assert_false(resumes(tls_sites_context(set.sites, 0), session, NULL, NULL));
	set.keys.version++;
	assert_true(resumes(tls_sites_context(set.sites, 0), session, NULL, NULL));
	tls_ticket_keys_wipe(&set.keys);
	assert_false(tls_ticket_keys_copy(&set.keys, &copy));
	SSL_SESSION_free(session);
	contexts_close(&set);
}

/* What the server sends by TLS 1.3 without keys must be nothing, rather than an empty ticket. */
static void handshakes__without_keys__succeed(void **state)
{
	struct contexts set;

	contexts_open(&set, *state, ONE);
	tls_sites_use_keys(set.sites, NULL);
	for (size_t v = 0; v < 2; v++) {
		SSL_SESSION *session =
			begin(tls_sites_context(set.sites, 0), versions[v], NULL, NULL);

		assert_false(resumes(tls_sites_context(set.sites, 0), session, NULL, NULL));
		SSL_SESSION_free(session);
	}
	contexts_close(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions__are_resumed_by_every_worker_and_after_a_reload),
		cmocka_unit_test(key_before__opens_tickets_and_makes_none),
		cmocka_unit_test(tickets__can_be_turned_off),
		cmocka_unit_test(sessions__do_not_cross_to_a_section_that_verifies_clients),
		cmocka_unit_test(sessions__with_another_client_ca_are_not_resumed),
		cmocka_unit_test(keys__half_written_by_a_master_that_died__are_none),
		cmocka_unit_test(handshakes__without_keys__succeed),
	};

	return cmocka_run_group_tests(tests, contexts_make_files, folder_remove);
}
