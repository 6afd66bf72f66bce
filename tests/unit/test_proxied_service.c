/* SPDX-License-Identifier: MIT */
/*
 * What a PROXY header means for the rest of a worker: access lists, bans, prefaces and helpers of
 * services, very long headers, and damage in what is kept of one.
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
#include "unit/own_service.h"
#include "worker/preface/proxied.h"

enum { HOUR_MS = 3600 * 1000, CHUNK = 10000 };

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define INET      "\xc0\0\2\1\xc6\x33\x64\2\x30\x39\1\xbb" /* 192.0.2.1:12345, 198.51.100.2:443 */

static const char line[] = "PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n";

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

static enum verdict return_input(struct conn *c)
{
	buf_drop(&c->in, buf_put(&c->out, buf_head(&c->in), buf_used(&c->in)));
	return conn_in_ended(c) && buf_used(&c->in) == 0 ? FINISH : MORE;
}

static unsigned closes;

static void close_conn(struct conn *c, enum close_reason reason)
{
	(void)c;
	(void)reason;
	closes++;
}

static const struct service plain = { .name = "proxied",
				      .input = return_input,
				      .close = close_conn };
static const struct service greeted = {
	.name = "proxied", .preface_ms = 2 * HOUR_MS, .preface = read_hello, .input = return_input
};

static void start(struct served *s, const struct service *service)
{
	closes = 0;
	own_service(service);
	served_start(s, "proxied", "accept_proxy", "yes", "accept_proxy_timeout", "1h",
		     "idle_timeout", "20h", "linger_timeout", "0", "deny", "10.0.0.0/8", NULL);
}

static void assert_ended(struct served *s, enum close_reason reason)
{
	assert_nothing_left(s, 0);
	assert_int_equal(s->slot.tally.connections_ended_total[reason], 1);
}

static void end(struct served *s, int client)
{
	close(client);
	served_settle(s);
	assert_ended(s, CLOSE_client_closed);
	served_stop(s);
}

static void preface__of_the_service__is_read_behind_the_header(void **state)
{
	char bytes[128];
	size_t size = (size_t)snprintf(bytes, sizeof(bytes), "%shello\n", line);

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
				 cut < sizeof(line) - 1 ? PROXY_AWAITED : PROXY_KNOWN);
		served_recover(&s, &r);
		assert_counts(&r, 1, 0, 0);
		served_send(&s, client, bytes + cut, size - cut);
		served_send(&s, client, "on", 2);
		served_expect(&s, client, "on", false);
		end(&s, client);
	}
}

static void preface__of_the_service__has_its_time_behind_the_header(void **state)
{
	struct served s;
	int client;

	(void)state;
	start(&s, &greeted);
	client = served_connect(&s);
	served_send(&s, client, line, sizeof(line) - 1);
	served_pass(&s, 2.5);
	assert_int_equal(s.pool.limit.total, 1);
	served_pass(&s, 0.5);
	assert_ended(&s, CLOSE_message_timeout);
	close(client);
	served_stop(&s);
}

static void assert_refused(struct served *s, const char *header)
{
	int client = served_connect(s);
	char text[8];
	bool ended;

	served_send(s, client, header, strlen(header));
	assert_int_equal(served_read(s, client, text, sizeof(text), &ended), 0);
	assert_ended(s, CLOSE_refused);
	assert_int_equal(served_metric(s, METRIC_connections_refused_total), 1);
	assert_int_equal(closes, 0); /* it was never open */
	close(client);
}

static void address__of_the_header__is_asked_against_the_access_list(void **state)
{
	struct served s;

	(void)state;
	logbook_set_up(state);
	logbook_open(logbook_path, LOG_TEXT);
	start(&s, &plain);
	assert_refused(&s, "PROXY TCP4 10.1.2.3 198.51.100.2 7 443\r\nfirst");
	logbook_expect(&s, " remote=10.1.2.3:7 ", " ending=refused state=P", NULL);
	served_stop(&s);
	logbook_tear_down(state);
}

static void address__of_the_header__is_asked_against_the_bans(void **state)
{
	struct conf conf = { .crash_limit = 1, .crash_penalty = HOUR_MS };
	static struct bans bans;
	struct net net;
	struct served s;
	struct err err;

	(void)state;
	start(&s, &plain);
	s.pool.bans = &bans;
	assert_true(net_read("192.0.2.1", &net, &err));
	assert_true(ban_note(&bans, &conf, &net, s.loop.now_ms) > 0);
	assert_refused(&s, line);
	served_stop(&s);
}

/* The crash of this visit would be counted against the address. */
static enum verdict assert_hand(struct conn *c)
{
	const struct slot *slot = c->pool->slot;
	char text[ADDR_TEXT];

	assert_int_equal(atomic_load(&slot->has_hand), 1);
	assert_string_equal(net_write(&slot->hand, slot->hand_port, text), "192.0.2.1:12345");
	return return_input(c);
}

static void address__of_the_header__is_the_one_in_hand_at_once(void **state)
{
	static const struct service asserting = { .name = "proxied", .input = assert_hand };
	struct served s;
	int client;

	(void)state;
	start(&s, &asserting);
	client = served_connect(&s);
	served_send(&s, client, line, sizeof(line) - 1);
	served_send(&s, client, "a", 1);
	served_expect(&s, client, "a", false);
	end(&s, client);
	/* and where both come at once */
	start(&s, &asserting);
	client = served_connect(&s);
	served_send(&s, client, "PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\nb", 46);
	served_expect(&s, client, "b", false);
	end(&s, client);
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
					      .input = return_input };
	static const struct {
		const char *bytes;
		size_t size;
	} rows[] = {
		{ line, sizeof(line) - 1 },
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
			end(&s, client);
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
		end(&s, client);
	}
}

#define DAMAGES(ROW)                                                                \
	ROW(proxy_beyond, r->proxy = PROXY_COUNT)                                   \
	ROW(proxy_awaited, r->proxy = PROXY_AWAITED)                                \
	ROW(nothing_known, *h = (struct proxy_header){ .stage = PROXY_STAGE_DONE }) \
	ROW(stage_beyond, h->stage = PROXY_STAGES)                                  \
	ROW(stage_before, h->stage = PROXY_STAGE_VECTORS)                           \
	ROW(error, h->error = PROXY_ERROR_line_end)                                 \
	ROW(left, h->left = 1)                                                      \
	ROW(skip_left, h->skip_left = 1)                                            \
	ROW(ssl_left, h->ssl_left = 1)                                              \
	ROW(has_checksum, h->has_checksum = 2)                                      \
	ROW(family, h->family = 4)                                                  \
	ROW(source_family, h->facts.source.family = AF_UNIX)                        \
	ROW(source_bits, h->facts.source.bits = 33)                                 \
	ROW(destination_family, h->facts.destination.family = AF_INET6)             \
	ROW(version, h->facts.version = 3)                                          \
	ROW(has_ssl, h->facts.has_ssl = 2)                                          \
	ROW(length, h->facts.lengths[PROXY_TEXT_ssl_version] = 33)

typedef void damage_fn(struct record *r, struct proxy_header *h);

#define DEFINE(name, change)                                             \
	static void set_##name(struct record *r, struct proxy_header *h) \
	{                                                                \
		(void)r;                                                 \
		(void)h;                                                 \
		change;                                                  \
	}
DAMAGES(DEFINE)

static void damage__in_what_is_kept__ends_the_connection(void **state)
{
#define ENTRY(name, change) { #name, set_##name },
	static const struct {
		const char *name;
		damage_fn *set;
	} rows[] = { DAMAGES(ENTRY) };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct recovery r;
		struct served s;
		int client;

		start(&s, &plain);
		client = served_connect(&s);
		served_send(&s, client, line, sizeof(line) - 1);
		rows[i].set(record(&s, 0), &s.pool.arena->proxies[0]);
		served_recover(&s, &r);
		if (r.damaged != 1)
			fail_msg("%s: the damage was not seen", rows[i].name);
		close(client);
		served_stop(&s);
	}
}

/* In the middle of a header as well: nothing of it is the service's yet. */
static void damage__of_a_header_that_is_awaited__ends_the_connection(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct recovery r;
		struct served s;
		int client;

		start(&s, &plain);
		client = served_connect(&s);
		served_send(&s, client, SIGNATURE "\x21\x11\0\x40" INET "\2", 29);
		if (i == 0)
			s.pool.arena->proxies[0].stage = PROXY_STAGE_DONE;
		else if (i == 1)
			s.pool.arena->proxies[0].ssl_left = 0xffff;
		else if (i == 2)
			record(&s, 0)->in.end = ARENA_BUF_SIZE;
		else
			record(&s, 0)->state = CONN_OPEN;
		served_recover(&s, &r);
		assert_counts(&r, 0, 0, 1);
		close(client);
		served_stop(&s);
	}
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
		cmocka_unit_test(damage__in_what_is_kept__ends_the_connection),
		cmocka_unit_test(damage__of_a_header_that_is_awaited__ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
