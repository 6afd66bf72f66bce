/* SPDX-License-Identifier: MIT */
/* Tests of config/command: what a check finds and refuses, and the environment of a program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/command.h"
#include "unit/folder.h"

static const struct identity unchanged = { .changes = false };
static struct command_found found;
static struct err err;

/* Options of a command of up to two words, which say nothing else. */
static struct command_options of(char **words)
{
	return (struct command_options){ .words = words,
					 .word_count = words[0] ? words[1] ? 2 : 1 : 0,
					 .user = "",
					 .group = "",
					 .directory = "" };
}

static bool check(const struct command_options *asked)
{
	err.text[0] = '\0';
	return command_check(asked, &unchanged, &found, &err);
}

static void refuse(const struct command_options *asked, enum exit_code code, const char *text)
{
	assert_false(check(asked));
	assert_string_equal(err.text, text);
	assert_int_equal(err.code, code);
}

static void bare_name__is_searched_for_in_path(void **state)
{
	char *words[] = { (char[]){ "sh" }, (char[]){ "-c" } };
	struct command_options asked = of(words);

	(void)state;
	assert_true(check(&asked));
	assert_int_equal(found.path[0], '/');
	assert_string_equal(strrchr(found.path, '/'), "/sh");
	assert_false(found.identity.changes);
}

static void bare_name__is_searched_for_in_the_path_of_its_environment(void **state)
{
	char *words[] = { (char[]){ "sh" }, NULL }, *path[] = { (char[]){ "PATH=/none" } };
	struct command_options asked = of(words);

	(void)state;
	asked.environment = path;
	asked.environment_count = 1;
	refuse(&asked, CODE_CONFIG, "command: there is no \"sh\" in any folder of PATH");
}

/* The folder may have any program, and the user cannot see it. */
static void folder_of_path__that_cannot_be_searched__has_no_program(void **state)
{
	char variable[256], *words[] = { (char[]){ "tool" }, NULL }, *path[] = { variable };
	struct command_options asked = of(words);
	const char *folder = *state;

	snprintf(variable, sizeof(variable), "PATH=%s/closed", folder);
	assert_int_equal(mkdir(variable + strlen("PATH="), 0), 0);
	asked.environment = path;
	asked.environment_count = 1;
	asked.user = geteuid() == 0 ? "nobody" : "";
	assert_false(check(&asked));
	assert_non_null(strstr(err.text, "command: there is no \"tool\" in any folder of PATH"));
	assert_int_equal(rmdir(variable + strlen("PATH=")), 0);
}

static void missing_or_unsuitable__is_refused(void **state)
{
	char *none[] = { NULL }, *missing[] = { (char[]){ "/no/such" }, NULL };
	char *folder[] = { (char[]){ "/tmp" }, NULL },
	     *file[] = { (char[]){ "/etc/passwd" }, NULL };
	struct command_options asked = of(none);

	(void)state;
	refuse(&asked, CODE_CONFIG, "command: names no program");
	asked = of(missing);
	refuse(&asked, CODE_CONFIG, "command: \"/no/such\" does not exist");
	asked = of(folder);
	refuse(&asked, CODE_CONFIG, "command: \"/tmp\" cannot be executed: Permission denied");
	asked = of(file);
	refuse(&asked, CODE_CONFIG,
	       "command: \"/etc/passwd\" cannot be executed: Permission denied");
}

static void directory_and_user__are_checked(void **state)
{
	char *words[] = { (char[]){ "sh" }, NULL };
	struct command_options asked = of(words);

	(void)state;
	asked.directory = "/no/such";
	refuse(&asked, CODE_CONFIG,
	       "directory: \"/no/such\" cannot be entered: No such file or directory");
	asked.directory = "";
	asked.user = "no-such-user";
	refuse(&asked, CODE_CONFIG, "user: there is no user \"no-such-user\" on this system");
	asked.user = "";
	asked.group = "no-such-group";
	refuse(&asked, CODE_CONFIG, "group: there is no group \"no-such-group\" on this system");
}

static void relative_path__starts_at_the_directory(void **state)
{
	char *words[] = { (char[]){ "./tool" }, NULL }, path[256];
	struct command_options asked = of(words);
	const char *folder = *state;

	snprintf(path, sizeof(path), "%s/tool", folder);
	folder_write(folder, "tool", "");
	asked.directory = folder;
	refuse(&asked, CODE_CONFIG, "command: \"./tool\" cannot be executed: Permission denied");
	assert_int_equal(chmod(path, 0755), 0);
	assert_true(check(&asked));
	assert_string_equal(found.path, "./tool");
	asked.directory = "";
	refuse(&asked, CODE_CONFIG,
	       "command: \"./tool\" is a relative path (write an absolute one, or set directory, "
	       "where it starts)");
}

static const char *value_of(const struct command *command, const char *name)
{
	for (size_t i = 0; i < command->environment_count; i++)
		if (strncmp(command->environment[i], name, strlen(name)) == 0 &&
		    command->environment[i][strlen(name)] == '=')
			return command->environment[i] + strlen(name) + 1;
	return NULL;
}

static void environment__is_the_servers_without_its_managers(void **state)
{
	char *words[] = { (char[]){ "sh" }, NULL };
	char *items[] = { (char[]){ "OWN=1" }, (char[]){ "OWN=2" }, (char[]){ "INHERITED=new" } };
	struct command_options asked = of(words);
	struct command *command;

	(void)state;
	setenv("NOTIFY_SOCKET", "/run/x", 1);
	setenv("LISTEN_FDNAMES", "x", 1);
	setenv("WATCHDOG_USEC", "1", 1);
	setenv("INHERITED", "old", 1);
	setenv("INHERITED_TOO", "yes", 1);
	asked.environment = items;
	asked.environment_count = 3;
	assert_true(check(&asked));
	command = command_new(&asked, &found, &err);
	assert_non_null(command);
	assert_null(value_of(command, "NOTIFY_SOCKET"));
	assert_null(value_of(command, "LISTEN_FDNAMES"));
	assert_null(value_of(command, "WATCHDOG_USEC"));
	assert_string_equal(value_of(command, "INHERITED"), "new");
	assert_string_equal(value_of(command, "INHERITED_TOO"), "yes");
	assert_string_equal(value_of(command, "OWN"), "2");
	command_free(command);
}

static void environment__cleared__is_the_options_alone(void **state)
{
	char *words[] = { (char[]){ "sh" }, NULL };
	char *items[] = { (char[]){ "OWN=1" }, (char[]){ "clear" } };
	struct command_options asked = of(words);
	struct command *command;

	(void)state;
	asked.environment = items;
	asked.environment_count = 2;
	assert_true(check(&asked));
	command = command_new(&asked, &found, &err);
	assert_non_null(command);
	assert_int_equal(command->environment_count, 1);
	assert_string_equal(command->environment[0], "OWN=1");
	assert_null(command->environment[1]);
	command_free(command);
}

static void other_user__sees_what_root_does_not_mind(void **state)
{
	char *words[] = { (char[]){ "./tool" }, NULL };
	struct command_options asked = of(words);
	const char *folder = *state;

	assert_int_equal(chmod(folder, 0700), 0);
	asked.directory = folder;
	asked.user = "nobody";
	assert_false(check(&asked));
	assert_int_equal(err.code, CODE_NOPERM);
	assert_non_null(strstr(err.text, "cannot be entered: Permission denied (as user "));
	words[0] = (char[]){ "sh" };
	asked.directory = "/";
	assert_true(check(&asked));
	assert_true(found.identity.changes);
	assert_string_equal(found.user, "nobody");
}

static void other_user__is_refused_to_all_but_root(void **state)
{
	char *words[] = { (char[]){ "sh" }, NULL };
	struct command_options asked = of(words);

	(void)state;
	asked.user = "root";
	refuse(&asked, CODE_NOPERM,
	       "user: only root may run a program as another user (leave it empty)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bare_name__is_searched_for_in_path),
		cmocka_unit_test(bare_name__is_searched_for_in_the_path_of_its_environment),
		cmocka_unit_test(missing_or_unsuitable__is_refused),
		cmocka_unit_test(directory_and_user__are_checked),
		cmocka_unit_test_setup_teardown(
			folder_of_path__that_cannot_be_searched__has_no_program, folder_make,
			folder_remove),
		cmocka_unit_test_setup_teardown(relative_path__starts_at_the_directory, folder_make,
						folder_remove),
		cmocka_unit_test(environment__is_the_servers_without_its_managers),
		cmocka_unit_test(environment__cleared__is_the_options_alone),
	};
	const struct CMUnitTest as_root[] = {
		cmocka_unit_test_setup_teardown(other_user__sees_what_root_does_not_mind,
						folder_make, folder_remove),
	};
	const struct CMUnitTest as_user[] = {
		cmocka_unit_test(other_user__is_refused_to_all_but_root),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (geteuid() == 0)
		return failed + cmocka_run_group_tests(as_root, NULL, NULL);
	return failed + cmocka_run_group_tests(as_user, NULL, NULL);
}
