/* SPDX-License-Identifier: MIT */
/*
 * What a PROXY header means for the rest of a worker: access lists, bans, prefaces and helpers of
 * services, a drain; and very long headers.
 */
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

enum { HOUR_MS = 3600 * 1000, CHUNK = 10000 };

/* A preface of its own: "hello" and a newline. */
static enum verdict read_hello(struct conn *c)
{
	static const char hello[] = "hello\n";
	size_t used = buf_used(&c->in), size = sizeof(hello) - 1;

	if (memcmp(buf_head(&c->in), hello, used < size ? used : size) != 0)
		return ABORT;
	if (used < size)
		return MORE;
	buf_drop(&c->in, size);
	return FINISH;
}

static unsigned closes;

static void close_conn(struct conn *c, enum close_reason reason)
{
	(void)c;
	(void)reason;
	closes++;
}

static const struct service plain = { .name = "proxied",
				      .input = proxied_return_input,
				      .close = close_conn };
static const struct service greeted = { .name = "proxied",
					.preface_ms = 2 * HOUR_MS,
					.preface = read_hello,
					.input = proxied_return_input };

static void start(struct served *s, const struct service *service)
{
	closes = 0;
	proxied_start(s, service);
}

static void preface__of_the_service__is_read_behind_the_header(void **state)
{
	char bytes[128];
	size_t size = (size_t)snprintf(bytes, sizeof(bytes), "%shello\n", HEADER_LINE);

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		struct recovery r;
		struct served s;
		int client;

		start(&s, &greeted);
		client = served_connect(&s);
		served_send(&s, client, bytes, cut);
		assert_int_equal(record(&s, 0)->state, CONN_PREFACE);
		assert_int_equal(record(&s, 0)->proxy,
				 cut < sizeof(HEADER_LINE) - 1 ? PROXY_AWAITED : PROXY_KNOWN);
		served_recover(&s, &r);
		assert_counts(&r, 1, 0, 0);
		served_send(&s, client, bytes + cut, size - cut);
		served_send(&s, client, "on", 2);
		served_expect(&s, client, "on", false);
		proxied_end(&s, client);
	}
}

static void preface__of_the_service__has_its_time_behind_the_header(void **state)
{
	struct served s;
	int client;

	(void)state;
	start(&s, &greeted);
	client = served_connect(&s);
	served_send(&s, client, HEADER_LINE, sizeof(HEADER_LINE) - 1);
	served_pass(&s, 2.5);
	assert_int_equal(s.pool.limit.total, 1);
	served_pass(&s, 0.5);
	assert_ended(&s, CLOSE_message_timeout);
	close(client);
	served_stop(&s);
}

static void address__of_the_header__is_asked_against_the_access_list(void **state)
{
	struct served s;

	(void)state;
	logbook_set_up(state);
	logbook_open(logbook_path, LOG_TEXT);
	start(&s, &plain);
	assert_refused(&s, "PROXY TCP4 10.1.2.3 198.51.100.2 7 443\r\nfirst");
	assert_int_equal(closes, 0); /* it was never open */
	logbook_expect(&s, " remote=10.1.2.3:7 ", " ending=refused state=P", NULL);
	served_stop(&s);
	logbook_tear_down(state);
}

static void address__of_the_header__is_asked_against_the_bans(void **state)
{
	struct served s;

	(void)state;
	start(&s, &plain);
	assert_refused_when_banned(&s, "192.0.2.1", HEADER_LINE);
	assert_int_equal(closes, 0); /* it was never open */
	served_stop(&s);
}

/* The crash of this visit would be counted against the address. */
static enum verdict assert_hand(struct conn *c)
{
	const struct slot *slot = c->pool->slot;
	char text[ADDR_TEXT];

	assert_int_equal(atomic_load(&slot->has_hand), 1);
	assert_string_equal(net_write(&slot->hand, slot->hand_port, text), "192.0.2.1:12345");
	return proxied_return_input(c);
}

static void address__of_the_header__is_the_one_in_hand_at_once(void **state)
{
	static const struct service asserting = { .name = "proxied", .input = assert_hand };
	struct served s;
	int client;

	(void)state;
	start(&s, &asserting);
	client = served_connect(&s);
	served_send(&s, client, HEADER_LINE, sizeof(HEADER_LINE) - 1);
	served_send(&s, client, "a", 1);
	served_expect(&s, client, "a", false);
	proxied_end(&s, client);
	/* and where both come at once */
	start(&s, &asserting);
	client = served_connect(&s);
	served_send(&s, client, HEADER_LINE "b", sizeof(HEADER_LINE));
	served_expect(&s, client, "b", false);
	proxied_end(&s, client);
}

/* A program that gets the socket finds the payload in it. */
static enum verdict look_at_socket(struct conn *c)
{
	char text[8];

	assert_int_equal(buf_used(&c->in), 0);
	assert_int_equal(recv(c->record->fd, text, sizeof(text), MSG_PEEK | MSG_DONTWAIT), 7);
	assert_memory_equal(text, "payload", 7);
	return MORE;
}

static void payload__of_a_service_with_a_helper__stays_in_the_socket(void **state)
{
	static const struct service given = { .name = "proxied",
					      .gives_sockets = true,
					      .open = look_at_socket,
					      .input = proxied_return_input };
	static const struct {
		const char *bytes;
		size_t size;
	} rows[] = {
		{ HEADER_LINE, sizeof(HEADER_LINE) - 1 },
		{ "PROXY UNKNOWN\r\n", 15 },
		{ "PROXY TCP6 ::1 ::1 1 2\r\n", 24 },
		{ SIGNATURE "\x20\0\0\0", 16 },
		{ SIGNATURE "\x21\x11\0\x14" INET "\2\0\5a.b.c", 36 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t cut = 1; cut <= rows[i].size; cut++) {
			struct served s;
			char bytes[96];
			int client;

			memcpy(bytes, rows[i].bytes, rows[i].size);
			memcpy(bytes + rows[i].size, "payload", 7);
			start(&s, &given);
			client = served_connect(&s);
			served_send(&s, client, bytes, cut < rows[i].size ? cut : 0);
			served_send(&s, client, bytes + (cut < rows[i].size ? cut : 0),
				    rows[i].size + 7 - (cut < rows[i].size ? cut : 0));
			served_expect(&s, client, "payload", false);
			proxied_end(&s, client);
		}
}

/* As long as the protocol allows, of vectors that are skipped. */
static void header__of_any_length__is_read(void **state)
{
	static const size_t sizes[] = { 12, 536, 4096, 4097, 0xffff };
	static char bytes[PROXY_HEADER_MOST + 7];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t all = 16 + sizes[i], at = 28;
		struct served s;
		int client;

		memset(bytes, 'v', sizeof(bytes));
		memcpy(bytes, SIGNATURE "\x21\x11\0\0" INET, 28);
		bytes[14] = (char)(sizes[i] >> 8);
		bytes[15] = (char)sizes[i];
		for (unsigned n = 0; at < all; n++) {
			size_t value = all - at - 3 > CHUNK ? CHUNK : all - at - 3;

			bytes[at] = n % 2 == 0 ? 4 : (char)0xea;
			bytes[at + 1] = (char)(value >> 8);
			bytes[at + 2] = (char)value;
			at += 3 + value;
		}
		memcpy(bytes + all, "payload", 7);
		start(&s, &plain);
		client = served_connect(&s);
		served_send(&s, client, bytes, all + 7);
		served_expect(&s, client, "payload", false);
		assert_int_equal(served_only(&s)->remote.family, AF_INET);
		proxied_end(&s, client);
	}
}

/* As one that has sent nothing at all; one that has begun may finish. */
static void drain__while_the_header_is_awaited__ends_the_silent_soon(void **state)
{
	struct served s;
	int silent, begun;

	(void)state;
	start(&s, &plain);
	silent = served_connect(&s);
	begun = served_connect(&s);
	served_send(&s, begun, HEADER_LINE, 6);
	served_pass(&s, 0.1);
	assert_int_equal(s.pool.limit.total, 2);
	dispatch_drain(&s.pool);
	served_settle(&s);
	served_pass(&s, 0.1);
	assert_int_equal(s.slot.tally.connections_ended_total[CLOSE_drained], 1);
	served_send(&s, begun, "TCP4 192.0.2.1 198.51.100.2 12345 443\r\nlast", 43);
	served_expect(&s, begun, "last", true);
	assert_int_equal(s.slot.tally.connections_ended_total[CLOSE_drained], 2);
	close(silent);
	close(begun);
	served_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(preface__of_the_service__is_read_behind_the_header),
		cmocka_unit_test(preface__of_the_service__has_its_time_behind_the_header),
		cmocka_unit_test(address__of_the_header__is_asked_against_the_access_list),
		cmocka_unit_test(address__of_the_header__is_asked_against_the_bans),
		cmocka_unit_test(address__of_the_header__is_the_one_in_hand_at_once),
		cmocka_unit_test(payload__of_a_service_with_a_helper__stays_in_the_socket),
		cmocka_unit_test(header__of_any_length__is_read),
		cmocka_unit_test(drain__while_the_header_is_awaited__ends_the_silent_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
