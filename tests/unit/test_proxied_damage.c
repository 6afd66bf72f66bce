/* SPDX-License-Identifier: MIT */
/* Damage in what a dead worker has left of a PROXY header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "unit/aftermath.h"
#include "unit/headers.h"

static void start(struct served *s)
{
	served_start(s, "echo", "accept_proxy", "yes", "accept_proxy_timeout", "1h", NULL);
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

		start(&s);
		client = served_connect(&s);
		served_send(&s, client, HEADER_LINE, sizeof(HEADER_LINE) - 1);
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

		start(&s);
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
		cmocka_unit_test(damage__in_what_is_kept__ends_the_connection),
		cmocka_unit_test(damage__of_a_header_that_is_awaited__ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
