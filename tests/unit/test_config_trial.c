/* SPDX-License-Identifier: MIT */
/* The trial of a new configuration, and the processes that can write its result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "master/generation.h"
#include "master/trial/config_trial.h"
#include "unit/folder.h"

static const char *const listeners[] = { "127.0.0.1:0=ack" };
static const struct conf_source source = { .listeners = (const char **)(uintptr_t)listeners,
					   .listener_count = 1 };

/* True when this process has memory mapped there. */
static bool is_mapped(const void *at)
{
	unsigned char there;

	return mincore((void *)(uintptr_t)at, 1, &there) == 0;
}

static void await_end(struct config_trial *trial)
{
	pid_t pid = trial->pid;
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(config_trial_reap(trial, pid, status));
	assert_true(config_trial_has_ended(trial));
}

/* A worker is forked during the trial. */
static void page__is_the_masters_and_the_trials_alone(void **state)
{
	struct generation now = { 0 };
	struct procs procs = { .current = &now };
	struct config_trial trial;
	struct err err;
	struct conf *conf = conf_load(&source, &err);
	int status;
	pid_t pid;

	(void)state;
	assert_non_null(conf);
	now.conf = conf;
	assert_true(config_trial_start(&trial, &source, &procs, clock_ms(), &err));
	assert_true(is_mapped(trial.page));
	pid = fork();
	if (pid == 0)
		_exit(is_mapped(trial.page));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	await_end(&trial);
	if (!config_trial_passed(&trial, &err))
		fail_msg("%s", err.text);
	config_trial_abandon(&trial);
	conf_free(conf);
}

/* The child cannot let go of the page of pids: no page begins there. */
static void trial__whose_child_cannot_begin__says_why(void **state)
{
	struct generation now = { 0 };
	struct procs procs = { .current = &now, .page = (void *)1 };
	struct config_trial trial;
	struct err err = { 0 };

	(void)state;
	assert_true(config_trial_start(&trial, &source, &procs, clock_ms(), &err));
	await_end(&trial);
	assert_false(config_trial_passed(&trial, &err));
	assert_string_equal(err.text, "cannot begin to try the configuration: Invalid argument");
	config_trial_abandon(&trial);
}

static struct conf *load_path(const char *folder, const char *path)
{
	const struct conf_source file = { .file = "x.conf", .directory = folder };
	char text[512];
	struct err err;
	struct conf *conf;

	snprintf(text, sizeof(text),
		 "program app { command = {sh}  environment = {\"PATH=%s\"} }\n"
		 "listen \"127.0.0.1:0\" { service = program  program = app }\n",
		 path);
	folder_write(folder, "x.conf", text);
	conf = conf_load(&file, &err);
	if (!conf)
		fail_msg("%s", err.text);
	return conf;
}

/* The child has searched the first path, and the master would execute what it found there. */
static void path__that_changes_while_it_is_searched__is_refused(void **state)
{
	const struct conf_source file = { .file = "x.conf", .directory = *state };
	struct conf *first = load_path(*state, "/usr/bin:/bin"), *second;
	const struct listener_addresses *resolved;
	const struct identity *identity;
	struct generation now = { .conf = first };
	struct procs procs = { .current = &now };
	struct config_trial trial;
	struct err err = { 0 };

	assert_true(config_trial_start(&trial, &file, &procs, clock_ms(), &err));
	await_end(&trial);
	if (!config_trial_passed(&trial, &err))
		fail_msg("%s", err.text);
	assert_true(config_trial_found(&trial, first, &identity, &resolved, &err));
	second = load_path(*state, "/opt/bin:/usr/bin:/bin");
	assert_false(config_trial_found(&trial, second, &identity, &resolved, &err));
	assert_string_equal(err.text, "the configuration changed while it was read (reload again)");
	config_trial_abandon(&trial);
	conf_free(second);
	conf_free(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page__is_the_masters_and_the_trials_alone),
		cmocka_unit_test(trial__whose_child_cannot_begin__says_why),
		cmocka_unit_test_setup_teardown(path__that_changes_while_it_is_searched__is_refused,
						folder_make, folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
