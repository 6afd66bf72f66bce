/* SPDX-License-Identifier: MIT */
/* The stand-ins for three workers, one of which passes its connections on. */
#include "unit/movers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct movers movers;

int movers_begin(void **state)
{
	(void)state;
	siblings_begin(&movers.all);
	return 0;
}

int movers_end(void **state)
{
	(void)state;
	siblings_end(&movers.all);
	return 0;
}

void movers_start(const char *service, unsigned generation_of_one, unsigned generation_of_two)
{
	movers.from = sibling_start(&movers.all, 0, MOVERS_OLD, service, NULL);
	movers.one = sibling_start(&movers.all, 1, generation_of_one, service, NULL);
	movers.two = sibling_start(&movers.all, 2, generation_of_two, service, NULL);
}

void movers_connect(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		movers.clients[i] = sibling_connect(movers.from, 0);
	siblings_settle(&movers.all);
	siblings_count_open(&movers.all);
}

void movers_look_late(void)
{
	siblings_settle(&movers.all);
	movers.from->moving.offer.began_us -= MOVERS_LATE_US;
	sibling_alarm(movers.from, MOVERS_LOOK_MS);
}

void movers_assert_work(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		siblings_say(movers.clients[i], "on");
		siblings_expect(&movers.all, movers.clients[i], "on", false);
	}
	siblings_assert_open(&movers.all);
	siblings_assert_sole(&movers.all, count);
}

uint64_t movers_staying(enum stay_reason reason)
{
	return movers.from->slot->tally.connections_not_moved_total[reason];
}
