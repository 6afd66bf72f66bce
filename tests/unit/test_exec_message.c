/* SPDX-License-Identifier: MIT */
/* The messages between a worker and a helper: what either side takes for sound. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/exec/exec_message.h"
#include "worker/record.h"

static const struct exec_request request = { .magic = EXEC_REQUEST_MAGIC,
					     .worker = 3,
					     .generation = 2,
					     .remote_port = 80,
					     .number = 7,
					     .remote = { .family = AF_INET, .bits = 32 } };

static bool is_sound_request(struct exec_request r)
{
	return exec_request_is_sound(&r, sizeof(r));
}

static bool is_sound_report(struct exec_report r)
{
	return exec_report_is_sound(&r, sizeof(r));
}

static void request__of_an_honest_worker__is_sound(void **state)
{
	struct exec_request r = request;

	(void)state;
	assert_true(is_sound_request(r));
	r.remote = (struct net){ .family = AF_INET6, .bits = 128 };
	assert_true(is_sound_request(r));
	r.remote = (struct net){ .family = AF_UNIX };
	assert_true(is_sound_request(r));
	r.number = RECORD_NUMBER_MOST;
	r.generation = RECORD_GENERATION_MOST;
	r.worker = RECORD_WORKER_MOST;
	assert_true(is_sound_request(r));
}

static void request__with_any_field_out_of_bounds__is_not(void **state)
{
	struct exec_request bad[7];

	(void)state;
	for (unsigned i = 0; i < 7; i++)
		bad[i] = request;
	bad[0].magic = EXEC_REPORT_MAGIC;
	bad[1].number = RECORD_NUMBER_MOST + 1;
	bad[2].generation = RECORD_GENERATION_MOST + 1;
	bad[3].worker = RECORD_WORKER_MOST + 1;
	bad[4].remote.bits = 31;
	bad[5].remote.family = AF_INET6;
	bad[6].remote.family = AF_UNSPEC;
	for (unsigned i = 0; i < 7; i++)
		assert_false(is_sound_request(bad[i]));
	assert_false(exec_request_is_sound(&request, sizeof(request) - 1));
	assert_false(exec_request_is_sound(&request, sizeof(request) + 1));
}

static void report__is_sound_within_the_bounds_of_its_outcome(void **state)
{
	static const struct {
		uint32_t outcome, code;
		bool is_sound;
	} cases[] = {
		{ EXEC_NOT_STARTED, 0, true },  { EXEC_NOT_STARTED, 1, false },
		{ EXEC_EXITED, 0, true },       { EXEC_EXITED, 255, true },
		{ EXEC_EXITED, 256, false },    { EXEC_KILLED, 0, false },
		{ EXEC_KILLED, SIGKILL, true }, { EXEC_KILLED, 65, false },
		{ EXEC_OUTCOMES, 0, false },    { UINT32_MAX, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(is_sound_report((struct exec_report){ .magic = EXEC_REPORT_MAGIC,
								       .outcome = cases[i].outcome,
								       .code = cases[i].code }),
				 cases[i].is_sound);
}

static void report__with_any_other_field_out_of_bounds__is_not(void **state)
{
	const struct exec_report good = { .magic = EXEC_REPORT_MAGIC,
					  .outcome = EXEC_EXITED,
					  .timed_out = 1,
					  .took_us = INT64_MAX };
	struct exec_report bad = good;

	(void)state;
	assert_true(is_sound_report(good));
	bad.magic = EXEC_REQUEST_MAGIC;
	assert_false(is_sound_report(bad));
	bad = good;
	bad.timed_out = 2;
	assert_false(is_sound_report(bad));
	bad = good;
	bad.took_us = UINT64_MAX;
	assert_false(is_sound_report(bad));
	assert_false(exec_report_is_sound(&good, sizeof(good) - 1));
	assert_false(exec_report_is_sound(&good, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request__of_an_honest_worker__is_sound),
		cmocka_unit_test(request__with_any_field_out_of_bounds__is_not),
		cmocka_unit_test(report__is_sound_within_the_bounds_of_its_outcome),
		cmocka_unit_test(report__with_any_other_field_out_of_bounds__is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
