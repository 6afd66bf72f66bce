/* SPDX-License-Identifier: MIT */
/* Tests of config/privs.c: each in a child, because dropped privileges cannot be regained. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "config/privs.h"

/* Runs privs_drop in a child and returns its code; CODE_OK on success. */
static int drop(const char *chroot_path, const struct identity *identity)
{
	struct conf conf = { .user = (char[]){ "no-such-user" },
			     .group = (char[]){ "no-such-group" },
			     .chroot = strdup(chroot_path) };
	pid_t pid = sys_fork();
	struct err err;
	int status;

	if (pid == 0)
		_exit(privs_drop(&conf, identity, &err) ? CODE_OK : (int)err.code);
	free(conf.chroot);
	assert_int_equal(sys_waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const struct identity same = { .changes = false };

static void drop__of_an_identity__asks_for_no_name(void **state)
{
	(void)state;
	assert_int_equal(drop("", &same), CODE_OK);
}

static void drop__of_an_identity_as_root__becomes_that(void **state)
{
	const struct identity other = { .changes = true, .user = 12345, .group = 54321 };

	(void)state;
	assert_int_equal(drop("", &other), CODE_OK);
}

static void drop__to_a_root_that_is_gone__is_for_good(void **state)
{
	(void)state;
	assert_int_equal(drop("/none/at/all", &same), CODE_NO_RESPAWN);
	assert_int_equal(drop("/dev/null", &same), CODE_NO_RESPAWN);
}

static void drop__refused_for_another_reason__may_be_tried_again(void **state)
{
	char path[8192];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(drop(path, &same), CODE_OSERR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drop__of_an_identity__asks_for_no_name),
		cmocka_unit_test(drop__to_a_root_that_is_gone__is_for_good),
		cmocka_unit_test(drop__refused_for_another_reason__may_be_tried_again),
	};
	const struct CMUnitTest as_root[] = {
		cmocka_unit_test(drop__of_an_identity_as_root__becomes_that),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (geteuid() == 0)
		failed += cmocka_run_group_tests(as_root, NULL, NULL);
	return failed;
}
