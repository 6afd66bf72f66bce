/* SPDX-License-Identifier: MIT */
/* Connections that begin with a PROXY header: whole, cut, and behind a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/logbook.h"
#include "unit/proxied.h"

enum { LONG_PAYLOAD = 60000 };

static const struct header headers[] = { HEADER(HEADER_LINE), HEADER(HEADER_SSL) };

enum { HEADERS = sizeof(headers) / sizeof(*headers) };

/* Its hooks must not see a byte of the header, nor be called before it is complete. */
static unsigned calls;

static enum verdict open_conn(struct conn *c)
{
	assert_int_equal(c->record->state, CONN_OPEN);
	calls++;
	return MORE;
}

static bool is_idle(const struct conn *c)
{
	assert_true(c->record->state == CONN_OPEN);
	return buf_used(&c->in) == 0 && buf_used(&c->out) == 0;
}

static bool is_sound(const struct conn *c)
{
	assert_true(c->record->state != CONN_PREFACE);
	return true;
}

static void close_conn(struct conn *c, enum close_reason reason)
{
	(void)c;
	(void)reason;
	calls++;
}

static const struct service strict = { .name = "proxied",
				       .state_size = 16,
				       .open = open_conn,
				       .input = proxied_return_input,
				       .idle = is_idle,
				       .is_sound = is_sound,
				       .close = close_conn };

static void start(struct served *s)
{
	calls = 0;
	proxied_start(s, &strict);
}

static void assert_named(struct served *s)
{
	const struct record *r = served_only(s);
	char text[ADDR_TEXT];

	assert_non_null(r);
	assert_int_equal(r->state, CONN_OPEN);
	assert_string_equal(record_remote(r, text), "192.0.2.1:12345");
}

/* The payload comes back, and nothing else. */
static void expect_payload(struct served *s, int client, const char *payload, size_t size)
{
	static char text[2 * LONG_PAYLOAD];
	size_t got = 0;
	bool ended = false;

	for (size_t n = 1; got < size && n > 0 && !ended; got += n)
		n = served_read(s, client, text + got, sizeof(text) - got, &ended);
	assert_int_equal(got, size);
	assert_memory_equal(text, payload, size);
	assert_int_equal(served_only(s)->bytes_in, size);
	assert_int_equal(served_metric(s, METRIC_bytes_in_total), size);
}

static void header__cut_at_each_byte__is_the_same_as_in_one_piece(void **state)
{
	static const size_t sizes[] = { 0, 1, LONG_PAYLOAD };
	static char bytes[LONG_PAYLOAD + 256];

	(void)state;
	for (unsigned i = 0; i < HEADERS; i++)
		for (size_t cut = 0; cut <= headers[i].size; cut++) {
			size_t payload = sizes[cut % 3], all = headers[i].size + payload;
			struct served s;
			int client;

			memcpy(bytes, headers[i].bytes, headers[i].size);
			memset(bytes + headers[i].size, 'p', payload);
			start(&s);
			client = served_connect(&s);
			served_send(&s, client, bytes, cut);
			served_expect(&s, client, "", false);
			served_send(&s, client, bytes + cut, all - cut);
			expect_payload(&s, client, bytes + headers[i].size, payload);
			assert_named(&s);
			proxied_end(&s, client);
		}
}

static void header__byte_by_byte__is_the_same_as_in_one_piece(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HEADERS; i++) {
		struct served s;
		int client;

		start(&s);
		client = served_connect(&s);
		for (size_t at = 0; at < headers[i].size; at++) {
			assert_int_equal(record(&s, 0)->state, CONN_PREFACE);
			served_send(&s, client, headers[i].bytes + at, 1);
		}
		assert_named(&s);
		assert_int_equal(calls, 1);
		served_send(&s, client, "x", 1);
		expect_payload(&s, client, "x", 1);
		proxied_end(&s, client);
	}
}

static void header__that_comes_twice__is_payload_the_second_time(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HEADERS; i++) {
		char twice[2 * sizeof(HEADER_SSL)];
		struct served s;
		int client;

		start(&s);
		client = served_connect(&s);
		memcpy(twice, headers[i].bytes, headers[i].size);
		memcpy(twice + headers[i].size, headers[i].bytes, headers[i].size);
		served_send(&s, client, twice, 2 * headers[i].size);
		expect_payload(&s, client, headers[i].bytes, headers[i].size);
		proxied_end(&s, client);
	}
}

static void facts__of_the_header__are_kept_across_a_crash(void **state)
{
	struct recovery r;
	struct served s;
	size_t length;
	int client;

	(void)state;
	start(&s);
	client = served_connect(&s);
	served_send(&s, client, HEADER_SSL, sizeof(HEADER_SSL) - 1);
	for (unsigned i = 0; i < 2; i++) {
		const struct proxy_facts *facts = conn_proxy_facts(served_view(&s));
		const char *text;
		char shown[ADDR_TEXT];

		assert_non_null(facts);
		assert_string_equal(net_write(&facts->destination, facts->destination_port, shown),
				    "198.51.100.2:443");
		assert_int_equal(facts->ssl_verify, 7);
		text = conn_proxy_text(served_view(&s), PROXY_TEXT_authority, &length);
		assert_int_equal(length, 7);
		assert_memory_equal(text, "a.b.com", 7);
		text = conn_proxy_text(served_view(&s), PROXY_TEXT_ssl_version, &length);
		assert_int_equal(length, 7);
		assert_memory_equal(text, "TLSv1.3", 7);
		assert_null(conn_proxy_text(served_view(&s), PROXY_TEXT_alpn, &length));
		assert_int_equal(length, 0);
		served_recover(&s, &r);
		assert_counts(&r, 1, 0, 0);
	}
	assert_named(&s);
	proxied_end(&s, client);
}

static void crash__in_the_middle_of_the_header__costs_nothing(void **state)
{
	struct recovery r;

	(void)state;
	for (unsigned i = 0; i < HEADERS; i++)
		for (size_t cut = 0; cut < headers[i].size; cut++) {
			struct served s;
			int client;

			start(&s);
			client = served_connect(&s);
			served_send(&s, client, headers[i].bytes, cut);
			served_recover(&s, &r);
			assert_counts(&r, 1, 0, 0);
			served_send(&s, client, headers[i].bytes + cut, headers[i].size - cut);
			assert_named(&s);
			served_send(&s, client, "on", 2);
			served_expect(&s, client, "on", false);
			proxied_end(&s, client);
		}
}

static void header__too_late__ends_it_also_after_a_crash(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct recovery r;
		struct served s;
		int client;

		start(&s);
		client = served_connect(&s);
		served_send(&s, client, SIGNATURE, i == 0 ? 0 : 11);
		served_pass(&s, 0.5);
		assert_int_equal(s.pool.limit.total, 1);
		if (i == 2)
			served_recover(&s, &r);
		served_send(&s, client, headers[1].bytes + 11, i == 0 ? 0 : 1);
		served_pass(&s, 0.5);
		assert_ended(&s, CLOSE_proxy_header_timeout);
		close(client);
		served_stop(&s);
	}
}

static void header__in_time__leaves_its_deadline_behind(void **state)
{
	struct served s;
	int client;

	(void)state;
	start(&s);
	client = served_connect(&s);
	served_send(&s, client, HEADER_LINE, sizeof(HEADER_LINE) - 1);
	served_pass(&s, 19);
	assert_int_equal(s.pool.limit.total, 1);
	proxied_end(&s, client);
}

static void header__missing_or_wrong__ends_it_with_its_reason(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		enum close_reason reason;
		const char *detail;
	} rows[] = {
		{ "", 0, CLOSE_client_closed, "" },
		{ "GET", 3, CLOSE_proxy_header_missing, " detail=no_header\n" },
		{ "PROXY TCP4 1\r\n", 14, CLOSE_proxy_header_invalid, " detail=line_source\n" },
		{ "PROXY TC", 8, CLOSE_proxy_header_invalid, " detail=incomplete\n" },
		{ SIGNATURE "\x21\x11\0\xb", 16, CLOSE_proxy_header_invalid,
		  " detail=address_cut\n" },
		{ SIGNATURE "\x21\x11\0\x10" INET, 28, CLOSE_proxy_header_invalid,
		  " detail=incomplete\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[8];
		struct served s;
		bool ended;
		int client;

		logbook_set_up(state);
		logbook_open(logbook_path, LOG_TEXT);
		start(&s);
		client = served_connect(&s);
		served_send(&s, client, rows[i].bytes, rows[i].size);
		shutdown(client, SHUT_WR);
		assert_int_equal(served_read(&s, client, text, sizeof(text), &ended), 0);
		assert_ended(&s, rows[i].reason);
		logbook_expect(&s, close_reason_name(rows[i].reason), rows[i].detail,
			       " bytes_in=0 ", NULL);
		assert_int_equal(calls, 0);
		close(client);
		served_stop(&s);
		logbook_tear_down(state);
	}
}

static void header__that_names_no_client__leaves_the_address_of_the_socket(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} rows[] = {
		{ "PROXY UNKNOWN\r\n", 15 },    { "PROXY UNKNOWN ff:: 1::1 1 2\r\n", 29 },
		{ SIGNATURE "\x20\0\0\0", 16 }, { SIGNATURE "\x20\x11\0\xc" INET, 28 },
		{ SIGNATURE "\x21\0\0\0", 16 }, { SIGNATURE "\x21\x12\0\xc" INET, 28 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct served s;
		int client;

		start(&s);
		client = served_connect(&s);
		served_send(&s, client, rows[i].bytes, rows[i].size);
		served_send(&s, client, "x", 1);
		expect_payload(&s, client, "x", 1);
		assert_int_equal(served_only(&s)->remote.family, AF_UNIX);
		assert_null(conn_proxy_facts(served_view(&s)));
		proxied_end(&s, client);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header__cut_at_each_byte__is_the_same_as_in_one_piece),
		cmocka_unit_test(header__byte_by_byte__is_the_same_as_in_one_piece),
		cmocka_unit_test(header__that_comes_twice__is_payload_the_second_time),
		cmocka_unit_test(facts__of_the_header__are_kept_across_a_crash),
		cmocka_unit_test(crash__in_the_middle_of_the_header__costs_nothing),
		cmocka_unit_test(header__too_late__ends_it_also_after_a_crash),
		cmocka_unit_test(header__in_time__leaves_its_deadline_behind),
		cmocka_unit_test(header__missing_or_wrong__ends_it_with_its_reason),
		cmocka_unit_test(header__that_names_no_client__leaves_the_address_of_the_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
