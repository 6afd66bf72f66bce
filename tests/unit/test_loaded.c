/* SPDX-License-Identifier: MIT */
/* Loading of modules in a keeper: worker/load/loaded.c and worker/load/leftover.c. */
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

#include "base/sys.h"
#include "unit/loading.h"
#include "worker/heritage.h"

static struct scoreboard board;

/* Loads in a child, as a keeper does; true when that went well, else err is the child's. */
static bool load_in_child(struct loading *s, void *shared, unsigned *fds)
{
	void *by_listen[] = { NULL, shared };
	struct loaded loaded = { 0 };
	struct heritage heritage = {
		.conf = &s->conf, .board = &board, .facts = s->facts, .shared = by_listen
	};
	struct err *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int status;

	assert_true(told != MAP_FAILED);
	if (s->is_untried)
		heritage.facts = NULL;
	pid = fork();
	if (pid == 0)
		_exit(heritage_load(&heritage, &loaded, told) ? 100 + (int)loaded.fd_count : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	s->err = *told;
	munmap(told, sizeof(*told));
	assert_true(WIFEXITED(status));
	*fds = (unsigned)WEXITSTATUS(status) - 100;
	return WEXITSTATUS(status) >= 100;
}

static void keeper__loads_what_the_trial_has_found(void **state)
{
	struct loading s;
	void *shared = malloc(4096);
	unsigned fds;

	(void)state;
	assert_true(loading_try(&s, "every", "file=/proc/self/stat"));
	assert_true(load_in_child(&s, shared, &fds));
	assert_int_equal(fds, 1);
	free(shared);
}

static void keeper__with_another_file_than_the_tried__does_not_load_it(void **state)
{
	static const char *const names[] = { "every_other", "every_changed", "odd_constructor" };
	char path[512];
	struct loading s;
	unsigned fds;

	(void)state;
	assert_true(loading_try(&s, "every", NULL));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/tests/modules/%s.so", getenv("TOP_BUILDDIR"),
			 names[i]);
		s.listens[1].module = path;
		assert_false(load_in_child(&s, NULL, &fds));
		assert_non_null(strstr(s.err.text, "x.conf:2: the module has changed since"));
	}
	s.listens[1].module = (char *)(uintptr_t) "/nowhere/at/all.so";
	assert_false(load_in_child(&s, NULL, &fds));
	assert_non_null(strstr(s.err.text, "No such file"));
}

static void keeper__with_a_module_that_says_something_else__refuses_it(void **state)
{
	struct loading s;
	unsigned fds;

	(void)state;
	assert_true(loading_try(&s, "every", NULL));
	s.facts[1].state_version++;
	assert_false(load_in_child(&s, NULL, &fds));
	assert_non_null(strstr(s.err.text, "x.conf:2: the module has changed since"));
	assert_true(loading_try(&s, "odd_fickle", NULL));
	s.facts[1].shared_size++;
	assert_false(load_in_child(&s, NULL, &fds));
	assert_non_null(strstr(s.err.text, "and wanted"));
	assert_int_not_equal(s.err.code, CODE_NO_RESPAWN);
}

static void keeper__with_a_module_of_many_descriptors__refuses_it(void **state)
{
	struct loading s;
	unsigned fds;

	(void)state;
	assert_true(loading_try(&s, "odd_descriptors", NULL));
	assert_false(load_in_child(&s, NULL, &fds));
	assert_non_null(strstr(s.err.text, "more than 64 descriptors"));
}

/* The module of the trial does nothing of that kind, or not at that time. */
static void keeper__with_a_module_that_leaves_something_behind__refuses_it(void **state)
{
	struct loading s;
	unsigned fds;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	loading_set(&s, "odd_daemon", NULL);
	s.is_untried = true;
	assert_false(load_in_child(&s, NULL, &fds));
	assert_non_null(strstr(s.err.text, "x.conf:2: listen.module: \""));
	assert_non_null(strstr(s.err.text, "\" leaves a process behind"));
	loading_expect_no_child();
	loading_set(&s, "odd_thread", NULL);
	s.is_untried = true;
	assert_false(load_in_child(&s, NULL, &fds));
	assert_non_null(strstr(s.err.text, "\" starts a thread"));
	assert_int_equal(s.err.code, CODE_OSERR);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void loaded__answers_for_each_listen(void **state)
{
	struct loaded loaded = { 0 };
	struct heritage heritage = { .board = &board };
	struct loading s;

	(void)state;
	loading_set(&s, "echo", NULL);
	heritage.conf = &s.conf;
	assert_true(heritage_load(&heritage, &loaded, &s.err));
	assert_ptr_equal(loaded_service(&loaded, &s.listens[0]), service_find("echo"));
	assert_string_equal(loaded_service(&loaded, &s.listens[1])->name, "module");
	assert_string_equal(loaded_service(&loaded, &s.listens[1])->loaded_name, "echo");
	assert_non_null(loaded_service(&loaded, &s.listens[1])->input);
	assert_null(loaded_service(&loaded, &s.listens[1])->open);
	assert_ptr_equal(loaded_service(NULL, &s.listens[1]), service_find("module"));
	free(loaded.list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeper__loads_what_the_trial_has_found),
		cmocka_unit_test(keeper__with_another_file_than_the_tried__does_not_load_it),
		cmocka_unit_test(keeper__with_a_module_that_says_something_else__refuses_it),
		cmocka_unit_test(keeper__with_a_module_of_many_descriptors__refuses_it),
		cmocka_unit_test(keeper__with_a_module_that_leaves_something_behind__refuses_it),
		cmocka_unit_test(loaded__answers_for_each_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
