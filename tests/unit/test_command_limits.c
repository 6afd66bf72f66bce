/* SPDX-License-Identifier: MIT */
/* Limits of programs above the hard limits of this process, which lowers them in a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/command_limits.h"

enum { LOW = 500, HIGH = 501, NOBODY = 65534 };

static const int resources[] = { RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_NPROC };

/* Runs in a child, which lowers the hard limits first; is_user: and cannot raise them again. */
static void in_child(bool (*run)(void), bool is_user)
{
	struct rlimit low = { LOW, LOW };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		for (size_t i = 0; i < sizeof(resources) / sizeof(*resources); i++)
			if (setrlimit(resources[i], &low) < 0)
				_exit(2);
		if (is_user && geteuid() == 0 && setuid(NOBODY) < 0)
			_exit(3);
		_exit(run() ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool refuses(const struct command_limits *limits, const char *text)
{
	struct err err;

	return !command_limits_check(limits, &err) && err.code == CODE_CONFIG &&
	       strcmp(err.text, text) == 0;
}

static bool refuse_high(void)
{
	struct err err;

	return refuses(&(struct command_limits){ .core = HIGH },
		       "limit_core: 501 is above the hard limit, 500 (raise it by ulimit -Hc or "
		       "LimitCORE=)") &&
	       refuses(&(struct command_limits){ .files = HIGH },
		       "limit_files: 501 is above the hard limit, 500 (raise it by ulimit -Hn or "
		       "LimitNOFILE=)") &&
	       refuses(&(struct command_limits){ .processes = HIGH },
		       "limit_processes: 501 is above the hard limit, 500 (raise it by ulimit -Hu "
		       "or LimitNPROC=)") &&
	       command_limits_check(
		       &(struct command_limits){ .core = LOW, .files = LOW, .processes = LOW },
		       &err) &&
	       command_limits_check(&(struct command_limits){ 0 }, &err);
}

static void limit_above_the_hard_one__is_refused(void **state)
{
	(void)state;
	in_child(refuse_high, true);
}

static bool is_hard(int resource, rlim_t wanted)
{
	struct rlimit now;

	return getrlimit(resource, &now) == 0 && now.rlim_max == wanted && now.rlim_cur == LOW;
}

static bool allow_high(void)
{
	struct command_limits high = { .files = HIGH, .processes = LOW };
	struct err err;

	return command_limits_check(&high, &err) && is_hard(RLIMIT_NOFILE, LOW) &&
	       command_limits_allow(&high, &err) && is_hard(RLIMIT_NOFILE, HIGH) &&
	       is_hard(RLIMIT_NPROC, LOW) && is_hard(RLIMIT_CORE, LOW);
}

static bool raise_one(void)
{
	struct rlimit high = { LOW, HIGH };

	return setrlimit(RLIMIT_CORE, &high) == 0;
}

/* True where root may raise a limit: a container can forbid it. */
static bool may_raise(void)
{
	struct rlimit low = { LOW, LOW };
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(setrlimit(RLIMIT_CORE, &low) == 0 && raise_one() ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void limit_above_the_hard_one__for_root__is_made_possible(void **state)
{
	(void)state;
	if (!may_raise())
		skip();
	in_child(allow_high, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_above_the_hard_one__is_refused),
		cmocka_unit_test(limit_above_the_hard_one__for_root__is_made_possible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
