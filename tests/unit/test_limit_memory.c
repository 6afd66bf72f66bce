/* SPDX-License-Identifier: MIT */
/* The memory of the limits: its parts, and what a worker of a slot can write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "stats/limit_memory.h"
#include "stats/scoreboard.h"

static struct limit_memory memory;

static int set_up(void **state)
{
	struct err err;

	(void)state;
	return limit_memory_new(&memory, 10000, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	limit_memory_free(&memory);
	return memory.base ? -1 : 0;
}

/* 32768 words for each of the two tables of a slot. */
static void size__for_ten_thousand_connections__is_half_a_mebibyte_a_slot(void **state)
{
	(void)state;
	assert_int_equal(memory.entries, 32768);
	assert_int_equal(memory.stride, 2 * 32768 * 8 + SCOREBOARD_PAGE);
	assert_true(limit_memory_fits(&memory, 10000, 10));
	assert_true(limit_memory_fits(&memory, 16000, 384));
	assert_false(limit_memory_fits(&memory, 16000, 385));
	assert_false(limit_memory_fits(&(struct limit_memory){ .base = NULL }, 1, 1));
}

static void key__is_another_one_each_time(void **state)
{
	struct limit_memory other;
	struct err err;

	(void)state;
	assert_true(limit_memory_new(&other, 10, &err));
	assert_true(other.key.halves[0] != memory.key.halves[0] ||
		    other.key.halves[1] != memory.key.halves[1]);
	limit_memory_free(&other);
}

static void parts__of_the_slots__do_not_overlap(void **state)
{
	const char *end = memory.base + sizeof(struct limit_rates);

	(void)state;
	for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++) {
		struct limit_counts counts = limit_memory_counts(&memory, i);

		assert_true((const char *)counts.head >= end);
		assert_true((const char *)counts.tables > (const char *)(counts.head + 1) - 1);
		end = (const char *)(counts.tables + 2 * (size_t)counts.entries);
	}
	assert_true(end <= memory.base + memory.size);
}

enum place { OWN_FIRST, OWN_LAST, RATES, BEFORE, BEHIND, PLACES };

static void write_to(enum place place)
{
	struct limit_counts own = limit_memory_counts(&memory, 5);
	struct limit_counts before = limit_memory_counts(&memory, 4);
	struct limit_counts behind = limit_memory_counts(&memory, 6);
	_Atomic uint64_t *places[PLACES] = { (_Atomic uint64_t *)own.head,
					     own.tables + 2 * own.entries - 1,
					     &limit_memory_rates(&memory)->sources[0][0],
					     before.tables + 2 * before.entries - 1,
					     (_Atomic uint64_t *)behind.head };

	atomic_store(places[place], 1);
}

/* A child confines itself to slot 5, writes, and is killed or exits. */
static int try_write(enum place place)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		if (!limit_memory_confine(&memory, 5))
			_exit(2);
		write_to(place);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void worker__writes_the_counts_of_its_slot_and_the_rates(void **state)
{
	(void)state;
	for (enum place place = OWN_FIRST; place <= RATES; place++)
		assert_int_equal(try_write(place), 0);
	assert_int_equal(limit_memory_rates(&memory)->sources[0][0], 1);
}

static void worker__writes_no_other_counts(void **state)
{
	(void)state;
	for (enum place place = BEFORE; place < PLACES; place++) {
		int status = try_write(place);

		assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) != 0 &&
						    WEXITSTATUS(status) != 2));
	}
}

static void file__cannot_be_made_smaller(void **state)
{
	(void)state;
	assert_int_equal(ftruncate(memory.fd, 4096), -1);
	assert_int_equal(errno, EPERM);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(size__for_ten_thousand_connections__is_half_a_mebibyte_a_slot),
		CASE(key__is_another_one_each_time),
		CASE(parts__of_the_slots__do_not_overlap),
		CASE(worker__writes_the_counts_of_its_slot_and_the_rates),
		CASE(worker__writes_no_other_counts),
		CASE(file__cannot_be_made_smaller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
