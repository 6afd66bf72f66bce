/* SPDX-License-Identifier: MIT */
/* Shared by the tests of the limits. */
#include "unit/limited.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "config/option.h"

static void set_options(struct limited *l, va_list pairs)
{
	const char *name;
	struct err err;

	while ((name = va_arg(pairs, const char *))) {
		const char *value = va_arg(pairs, const char *);
		const struct option *option = option_find(SECTION_listen, name);

		if (!option || !option_read(option, &l->conf, &value, 1, &err))
			fail_msg("%s = %s", name, value);
	}
}

void limited_begin(struct limited *l, ...)
{
	struct err err;
	va_list pairs;

	memset(l, 0, sizeof(*l));
	assert_true(option_defaults(SECTION_listen, &l->conf, &err));
	l->conf.address = (char *)"test";
	va_start(pairs, l);
	set_options(l, pairs);
	va_end(pairs);
	l->listener.conf = &l->conf;
	l->set = (struct listener_set){ &l->listener, 1 };
	assert_true(limit_memory_new(&l->memory, 100, &err));
	l->board = scoreboard_new(NULL, &err);
	assert_non_null(l->board);
	assert_true(scoreboard_use(l->board, LIMITED_WORKERS, LIMITED_WORKERS));
	for (unsigned i = 0; i < LIMITED_WORKERS; i++) {
		atomic_store(&l->board->infos[i].is_taken, 1);
		atomic_store(&l->board->infos[i].has_limits, 1);
		atomic_store(&l->board->slots[i].state, SLOT_READY);
		atomic_store(&l->board->slots[i].heartbeat_ms, LIMITED_MS);
	}
}

void limited_end(struct limited *l)
{
	for (unsigned i = 0; i < LIMITED_WORKERS; i++)
		limiter_stop(&l->workers[i]);
	limit_memory_free(&l->memory);
	scoreboard_free(l->board, NULL, false);
	option_free(SECTION_listen, &l->conf);
}

struct limiter limited_worker(struct limited *l, unsigned number)
{
	struct limiter worker = { .memory = &l->memory,
				  .listeners = &l->set,
				  .board = l->board,
				  .slot = &l->board->slots[number],
				  .number = number };

	assert_true(limiter_start(&worker));
	limiter_publish(&worker);
	return worker;
}

struct record limited_record(const char *address)
{
	struct record r = { .state = CONN_CLOSED, .opened_us = LIMITED_US };
	struct err err;

	assert_true(net_read(address, &r.remote, &err));
	return r;
}

void limited_start_workers(struct limited *l)
{
	for (unsigned i = 0; i < LIMITED_WORKERS; i++)
		l->workers[i] = limited_worker(l, i);
}

enum limit limited_claim(struct limited *l, unsigned worker)
{
	int64_t due_ms;

	return limiter_claim(&l->workers[worker], 0, LIMITED_US, &due_ms);
}
