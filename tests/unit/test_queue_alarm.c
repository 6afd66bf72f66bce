/* SPDX-License-Identifier: MIT */
/* Tests of master/sampling/queue_alarm.c: the report of an overflow, and its advice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "master/sampling/queue_alarm.h"

enum { NOW = 1000000, TICK = 100 };

static const struct queue_alarm_sample calm = { .limit = 8, .sockets = 1 };
static const struct queue_alarm_sample full = {
	.queue = 9, .limit = 8, .sockets = 1, .dropped = 2
};

static void note__of_a_calm_queue__is_never_due(void **state)
{
	struct queue_alarm o = { 0 };

	(void)state;
	queue_alarm_note(&o, &calm, NOW);
	queue_alarm_note(&o, &(struct queue_alarm_sample){ .queue = 8, .limit = 8 }, NOW + TICK);
	assert_false(queue_alarm_is_due(&o, NOW + TICK));
}

static void note__of_a_full_queue__is_due_at_the_next_look(void **state)
{
	struct queue_alarm o = { 0 };

	(void)state;
	queue_alarm_note(&o, &full, NOW);
	assert_false(queue_alarm_is_due(&o, NOW));
	queue_alarm_note(&o, &full, NOW + TICK);
	assert_true(queue_alarm_is_due(&o, NOW + TICK));
	assert_int_equal(o.dropped, 4);
	assert_int_equal(o.worst.queue, 9);
}

static void note__of_drops_between_two_looks__is_due(void **state)
{
	const struct queue_alarm_sample look = { .limit = 8, .sockets = 1, .dropped = 1 };
	struct queue_alarm o = { 0 };

	(void)state;
	queue_alarm_note(&o, &look, NOW);
	queue_alarm_note(&o, &calm, NOW + TICK);
	assert_true(queue_alarm_is_due(&o, NOW + TICK));
	assert_false(queue_alarm_goes_on(&o));
}

static void note__of_an_unlimited_row__is_no_overflow(void **state)
{
	struct queue_alarm o = { 0 };

	(void)state;
	queue_alarm_note(&o, &(struct queue_alarm_sample){ .queue = 3 }, NOW);
	assert_false(queue_alarm_is_due(&o, NOW + TICK));
}

static void note__of_more_and_more_drops__is_told_once_a_minute(void **state)
{
	struct queue_alarm o = { 0 };
	unsigned told = 0;

	(void)state;
	for (int64_t now = NOW; now <= NOW + 3 * QUEUE_ALARM_PAUSE_MS; now += TICK) {
		queue_alarm_note(&o, &full, now);
		if (!queue_alarm_is_due(&o, now))
			continue;
		told++;
		queue_alarm_told(&o, now);
	}
	assert_int_equal(told, 3);
}

static void note__while_nothing_may_be_told__counts_the_drops_for_later(void **state)
{
	struct queue_alarm o = { 0 };

	(void)state;
	queue_alarm_note(&o, &full, NOW);
	queue_alarm_told(&o, NOW + TICK);
	queue_alarm_note(&o, &full, NOW + 2 * TICK);
	queue_alarm_note(&o, &calm, NOW + 3 * TICK);
	assert_false(queue_alarm_is_due(&o, NOW + QUEUE_ALARM_PAUSE_MS * 2));
	assert_int_equal(o.dropped, 2);
}

static void goes_on__once_the_queue_was_short__is_over(void **state)
{
	struct queue_alarm o = { 0 };

	(void)state;
	queue_alarm_note(&o, &full, NOW);
	queue_alarm_note(&o, &full, NOW + TICK);
	assert_true(queue_alarm_goes_on(&o));
	queue_alarm_note(&o, &calm, NOW + 2 * TICK);
	queue_alarm_note(&o, &full, NOW + 3 * TICK);
	assert_false(queue_alarm_goes_on(&o));
}

static void forget__of_a_noticed_overflow__tells_nothing(void **state)
{
	struct queue_alarm o = { 0 };

	(void)state;
	queue_alarm_note(&o, &full, NOW);
	queue_alarm_forget(&o);
	assert_false(queue_alarm_is_due(&o, NOW + TICK));
	assert_int_equal(o.dropped, 2);
}

/* Busy workers and a short queue. */
static const struct queue_alarm_facts usual = {
	.limit = 8, .backlog = 8, .somaxconn = 4096, .workers = 4, .worker_connections = 10000
};

static void expect(const struct queue_alarm_facts *facts, const char *advice)
{
	char text[QUEUE_ALARM_ADVICE];

	if (!strstr(queue_alarm_advice(facts, text), advice))
		fail_msg("\"%s\" instead of \"%s\"", text, advice);
}

static void advice__below_somaxconn__raises_the_backlog(void **state)
{
	(void)state;
	expect(&usual, "raise backlog of this listen (now 8)");
}

static void advice__of_a_backlog_that_was_cut__raises_somaxconn(void **state)
{
	struct queue_alarm_facts facts = usual;

	(void)state;
	facts.backlog = 5000;
	facts.limit = 4096;
	expect(&facts, "raise net.core.somaxconn (now 4096)");
	facts.backlog = 4096;
	expect(&facts, "raise net.core.somaxconn (now 4096) and backlog of this listen (now 4096)");
}

static void advice__of_a_somaxconn_that_was_raised__reloads(void **state)
{
	struct queue_alarm_facts facts = usual;

	(void)state;
	facts.backlog = 1024;
	facts.limit = 128;
	expect(&facts, "reload: net.core.somaxconn (now 4096) was smaller");
}

static void advice__of_an_unknown_somaxconn__goes_by_the_limit(void **state)
{
	struct queue_alarm_facts facts = usual;

	(void)state;
	facts.somaxconn = 0;
	expect(&facts, "raise backlog of this listen (now 8)");
	facts.backlog = 1024;
	facts.limit = 128;
	expect(&facts, "raise net.core.somaxconn (now 128)");
}

static void advice__of_a_long_queue_that_stays_full__raises_workers(void **state)
{
	struct queue_alarm_facts facts = usual;

	(void)state;
	facts.limit = facts.backlog = 1024;
	expect(&facts, "raise backlog of this listen (now 1024)");
	facts.is_lasting = true;
	expect(&facts, "raise workers (now 4)");
	facts.limit = facts.backlog = 8;
	expect(&facts, "raise backlog of this listen (now 8)");
}

static void advice__of_silent_workers__says_that_they_do_not_accept(void **state)
{
	struct queue_alarm_facts facts = usual;

	(void)state;
	facts.silent = 3;
	expect(&facts, "raise backlog");
	facts.silent = 4;
	expect(&facts, "the workers do not accept");
	facts.silent = 1;
	facts.full = 3;
	expect(&facts, "the workers do not accept");
}

static void advice__after_a_pause__raises_the_descriptors(void **state)
{
	struct queue_alarm_facts facts = usual;

	(void)state;
	facts.has_paused = true;
	expect(&facts,
	       "a worker paused for want of descriptors or memory (accept_paused says why): "
	       "raise rlimit_nofile; backlog (now 8) helps against short pauses alone");
	facts.full = 4;
	expect(&facts, "all workers are full");
}

static void advice__of_full_workers__raises_worker_connections(void **state)
{
	struct queue_alarm_facts facts = usual;

	(void)state;
	facts.full = 4;
	expect(&facts, "raise worker_connections (now 10000) or workers (now 4)");
}

static void advice__without_workers__says_so(void **state)
{
	struct queue_alarm_facts facts = usual;

	(void)state;
	facts.workers = 0;
	expect(&facts, "no worker accepts");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(note__of_a_calm_queue__is_never_due),
		cmocka_unit_test(note__of_a_full_queue__is_due_at_the_next_look),
		cmocka_unit_test(note__of_drops_between_two_looks__is_due),
		cmocka_unit_test(note__of_an_unlimited_row__is_no_overflow),
		cmocka_unit_test(note__of_more_and_more_drops__is_told_once_a_minute),
		cmocka_unit_test(note__while_nothing_may_be_told__counts_the_drops_for_later),
		cmocka_unit_test(goes_on__once_the_queue_was_short__is_over),
		cmocka_unit_test(forget__of_a_noticed_overflow__tells_nothing),
		cmocka_unit_test(advice__below_somaxconn__raises_the_backlog),
		cmocka_unit_test(advice__of_a_backlog_that_was_cut__raises_somaxconn),
		cmocka_unit_test(advice__of_a_somaxconn_that_was_raised__reloads),
		cmocka_unit_test(advice__of_an_unknown_somaxconn__goes_by_the_limit),
		cmocka_unit_test(advice__of_a_long_queue_that_stays_full__raises_workers),
		cmocka_unit_test(advice__of_silent_workers__says_that_they_do_not_accept),
		cmocka_unit_test(advice__after_a_pause__raises_the_descriptors),
		cmocka_unit_test(advice__of_full_workers__raises_worker_connections),
		cmocka_unit_test(advice__without_workers__says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
