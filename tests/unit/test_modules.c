/* SPDX-License-Identifier: MIT */
/* Modules: the trial in a child, and what a generation keeps of them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sys.h"
#include "master/modules.h"
#include "master/trial/service_trial.h"
#include "unit/loading.h"

/* The trial fails, and says where, of what file, and why. */
static void expect_refusal(const char *name, const char *why)
{
	struct loading s;

	assert_false(loading_try(&s, name, NULL));
	if (!strstr(s.err.text, why) || strncmp(s.err.text, "x.conf:2: listen.module: ", 25) != 0 ||
	    !strstr(s.err.text, s.path))
		fail_msg("%s: %s", name, s.err.text);
	assert_int_equal(s.err.code, CODE_CONFIG);
}

static void module__sound__is_described(void **state)
{
	struct loading s;

	(void)state;
	if (!loading_try(&s, "every", "size=8k"))
		fail_msg("%s", s.err.text);
	assert_string_equal(s.facts[0].name, "");
	assert_string_equal(s.facts[1].name, "every");
	assert_int_equal(s.facts[1].state_version, 1);
	assert_int_equal(s.facts[1].state_size, 16 + SERVICE_NAME);
	assert_int_equal(s.facts[1].shared_size, 8192);
	assert_string_equal(s.facts[1].counters[0], "commands");
	assert_string_equal(s.facts[1].counters[1], "bytes_sent");
	assert_string_equal(s.facts[1].counters[2], "");
}

static void module__that_cannot_be_loaded__is_named(void **state)
{
	(void)state;
	expect_refusal("absent", "No such file");
	expect_refusal("odd_symbol", "has no symbol prefork_service");
	expect_refusal("odd_abi", "has ABI 2, and this server has ABI 1");
	expect_refusal("odd_short", "has a struct prefork_service of 16 bytes");
	expect_refusal("odd_name", "has a name that is missing, too long or not plain");
	expect_refusal("odd_counter", "has a counter whose name is not of a-z, 0-9, _");
	expect_refusal("odd_state", "wants more state");
	expect_refusal("odd_share", "wants to share more than 64 GiB");
}

/* The path leads to the file outside alone. */
static void module__that_is_a_name_alone__is_refused(void **state)
{
	const struct service *service = service_find("module");
	struct loading s;

	(void)state;
	loading_set(&s, "echo", NULL);
	assert_true(service->check(&s.listens[1], &s.err));
	s.listens[1].module = (char *)(uintptr_t) "echo.so";
	assert_false(service->check(&s.listens[1], &s.err));
	assert_non_null(strstr(s.err.text, "\"echo.so\" is a name and no path (\"./echo.so\")"));
}

static void module__that_is_not_in_the_chroot__is_named_with_it(void **state)
{
	struct loading s;

	(void)state;
	if (geteuid() != 0)
		skip();
	loading_set(&s, "echo", NULL);
	s.conf.chroot = (char *)(uintptr_t) "/usr";
	assert_false(service_trial_run(&s.conf, &s.identity, s.facts, &s.err));
	assert_non_null(strstr(s.err.text, "x.conf:2: in the chroot \"/usr\": listen.module: "));
	assert_non_null(strstr(s.err.text, "No such file"));
}

static void module__that_refuses__says_why(void **state)
{
	struct loading s;

	(void)state;
	expect_refusal("odd_refuse", "refuses its arguments: it takes 7 arguments");
	expect_refusal("odd_silent", "refuses its arguments");
	assert_false(loading_try(&s, "every", "size=many"));
	assert_non_null(strstr(s.err.text, "size=many is no size"));
	assert_false(loading_try(&s, "every", "file=/nowhere/at/all"));
	assert_non_null(strstr(s.err.text, "cannot start: /nowhere/at/all cannot be opened"));
}

/* cmocka's handlers would go on in the child. */
static void forget_handlers(void)
{
	static const int numbers[] = { SIGSEGV, SIGABRT, SIGILL, SIGBUS, SIGFPE, SIGTRAP };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		signal(numbers[i], SIG_DFL);
}

static void module__that_crashes__harms_nobody(void **state)
{
	(void)state;
	forget_handlers();
	expect_refusal("odd_constructor", "crashed while it was loaded (signal 11");
	expect_refusal("odd_check", "crashed while it was loaded (signal 6");
	expect_refusal("odd_init", "crashed while it was loaded (signal ");
	expect_refusal("odd_exit", "ended the process that loaded it (exit code 7)");
}

static void module__that_lives_on__is_ended_with_what_it_has_started(void **state)
{
	static const char *const rows[][2] = {
		{ "odd_daemon", "leaves a process behind that it has started" },
		{ "odd_lives", "closed the pipe of its trial, or was killed" },
		{ "odd_orphan", "crashed while it was loaded (signal 11" },
	};

	(void)state;
	forget_handlers();
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect_refusal(rows[i][0], rows[i][1]);
		loading_expect_no_child();
	}
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void module__that_starts_a_thread__is_refused(void **state)
{
	(void)state;
	expect_refusal("odd_thread", "starts a thread, which workers would not have");
}

static void module__that_hangs__is_killed(void **state)
{
	int64_t begun_ms = clock_ms();

	(void)state;
	expect_refusal("odd_hang", "was not loaded within 10 s");
	assert_in_range(clock_ms() - begun_ms, SERVICE_TRIAL_MS, 2 * SERVICE_TRIAL_MS);
	loading_expect_no_child();
}

/* --- In a generation --- */

static void *share(struct modules *modules, struct loading *s, const struct modules *before)
{
	struct err err;

	*modules = (struct modules){ 0 };
	assert_true(modules_take(modules, &s->conf, s->facts, before, &err));
	assert_null(modules->shared[0]);
	return modules->shared[1];
}

static void memory__goes_on_in_the_next_generation(void **state)
{
	struct loading s, t;
	struct modules first, second, third;
	char *at;

	(void)state;
	loading_set(&s, "every", NULL);
	memset(s.facts, 0, sizeof(s.facts));
	s.facts[1] =
		(struct service_facts){ .name = "every", .state_version = 1, .shared_size = 8192 };
	t = s;
	t.conf.listeners = t.listens;
	at = share(&first, &s, NULL);
	assert_non_null(at);
	assert_int_equal(at[8191], 0);
	at[8191] = 7;
	assert_ptr_equal(share(&second, &t, &first), at);
	modules_free(&first);
	assert_int_equal(at[8191], 7);
	t.facts[1].state_version = 2;
	assert_ptr_not_equal(share(&third, &t, &second), at);
	modules_free(&third);
	t.facts[1].state_version = 1;
	s.facts[1].state_version = 1;
	s.listens[1].address = "a:3";
	assert_ptr_not_equal(share(&third, &s, &second), at);
	modules_free(&third);
	modules_free(&second);
	assert_null(second.facts);
}

static void memory__of_others_is_left(void **state)
{
	struct modules own, other, same;
	unsigned char there;
	struct loading s;
	void *at;

	(void)state;
	loading_set(&s, "every", NULL);
	memset(s.facts, 0, sizeof(s.facts));
	s.facts[1].shared_size = 4096;
	at = share(&own, &s, NULL);
	(void)share(&other, &s, NULL);
	(void)share(&same, &s, &own);
	modules_leave(&same, &own);
	assert_int_equal(mincore(at, 1, &there), 0);
	at = other.shared[1];
	modules_leave(&other, &own);
	assert_int_equal(mincore(at, 1, &there), -1);
	modules_free(&same);
	modules_free(&other);
	modules_free(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(module__sound__is_described),
		cmocka_unit_test(module__that_cannot_be_loaded__is_named),
		cmocka_unit_test(module__that_is_a_name_alone__is_refused),
		cmocka_unit_test(module__that_is_not_in_the_chroot__is_named_with_it),
		cmocka_unit_test(module__that_refuses__says_why),
		cmocka_unit_test(module__that_crashes__harms_nobody),
		cmocka_unit_test(module__that_lives_on__is_ended_with_what_it_has_started),
		cmocka_unit_test(module__that_starts_a_thread__is_refused),
		cmocka_unit_test(module__that_hangs__is_killed),
		cmocka_unit_test(memory__goes_on_in_the_next_generation),
		cmocka_unit_test(memory__of_others_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
