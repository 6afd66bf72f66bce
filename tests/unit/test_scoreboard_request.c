/* SPDX-License-Identifier: MIT */
/* Tests of stats/scoreboard.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "stats/scoreboard.h"

static void read__of_the_longest_message__has_all_of_it(void **state)
{
	struct request deed = { 0 };
	struct outcome outcome;
	struct err err;

	(void)state;
	memset(err.text, 'x', sizeof(err.text) - 1);
	err.text[sizeof(err.text) - 1] = '\0';
	scoreboard_begin_request(&deed);
	scoreboard_end_request(&deed, err.text, 7, 3, 0, 0);
	scoreboard_read_request(&deed, &outcome);
	assert_string_equal(outcome.message, err.text);
	assert_int_equal(outcome.failed, 1);
	assert_int_equal(outcome.took_ms, 7);
	assert_int_equal(outcome.workers, 3);
	assert_int_equal(deed.done, deed.begun);
}

static void read__after_a_second_deed__is_the_second(void **state)
{
	struct request deed = { 0 };
	struct outcome outcome;

	(void)state;
	scoreboard_end_request(&deed, "why", 7, 3, 0, 0);
	scoreboard_end_request(&deed, NULL, 8, 4, 9812, 2);
	scoreboard_read_request(&deed, &outcome);
	assert_string_equal(outcome.message, "");
	assert_int_equal(outcome.failed, 0);
	assert_int_equal(outcome.workers, 4);
	assert_int_equal(outcome.moved, 9812);
	assert_int_equal(outcome.staying, 2);
}

static _Noreturn void write_for_ever(struct request *deed)
{
	char texts[2][1000];

	for (int i = 0; i < 2; i++) {
		memset(texts[i], 'a' + i, sizeof(texts[i]) - 1);
		texts[i][sizeof(texts[i]) - 1] = '\0';
	}
	for (unsigned i = 0;; i++)
		scoreboard_end_request(deed, texts[i % 2], 0, i % 2, 0, 0);
}

static void read__while_it_is_written__is_of_one_piece(void **state)
{
	struct request *deed = sys_mmap(NULL, sizeof(*deed), PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct outcome outcome;
	pid_t pid;

	(void)state;
	assert_ptr_not_equal(deed, MAP_FAILED);
	pid = sys_fork();
	if (pid == 0)
		write_for_ever(deed);
	while (atomic_load(&deed->done) == 0)
		continue;
	for (int i = 0; i < 20000; i++) {
		char wanted[2] = { 0 };

		scoreboard_read_request(deed, &outcome);
		wanted[0] = (char)('a' + outcome.workers);
		assert_int_equal(strspn(outcome.message, wanted), 999);
		assert_int_equal(strlen(outcome.message), 999);
	}
	assert_int_equal(sys_kill(pid, SIGKILL), 0);
	assert_int_equal(sys_waitpid(pid, NULL, 0), pid);
	sys_munmap(deed, sizeof(*deed));
}

static void due__of_a_request_that_takes_longer__counts_those_after_it(void **state)
{
	struct request deed = { 0 };

	(void)state;
	assert_int_equal(scoreboard_request_due_ms(&deed, 1, 100, 1000), 1000);
	scoreboard_begin_request(&deed);
	scoreboard_delay_request(&deed, 5000);
	assert_int_equal(scoreboard_request_due_ms(&deed, 1, 100, 1000), 5000);
	assert_int_equal(scoreboard_request_due_ms(&deed, 3, 100, 1000), 5200);
	scoreboard_end_request(&deed, NULL, 8, 4, 0, 0);
	scoreboard_begin_request(&deed);
	assert_int_equal(scoreboard_request_due_ms(&deed, 3, 100, 1000), 5100);
	assert_int_equal(scoreboard_request_due_ms(&deed, 3, 100, 9000), 9000);
	deed.begun = 0xffffffff; /* the numbers wrap around */
	assert_int_equal(scoreboard_request_due_ms(&deed, 1, 100, 1000), 5200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read__of_the_longest_message__has_all_of_it),
		cmocka_unit_test(read__after_a_second_deed__is_the_second),
		cmocka_unit_test(due__of_a_request_that_takes_longer__counts_those_after_it),
		cmocka_unit_test(read__while_it_is_written__is_of_one_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
