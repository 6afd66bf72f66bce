/* SPDX-License-Identifier: MIT */
/* Tests of config/conf_program, of lists, and of the program and the paths of the command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf.h"
#include "config/conf_load.h"
#include "config/conf_program.h"
#include "unit/configured.h"
#include "unit/folder.h"

#define LISTEN "listen \"8000\" { service = program  program = app }\n"

static struct conf *load_words(const char **listeners, size_t count, char *const *program,
			       struct err *err)
{
	struct conf_source source = { .file = "/dev/null",
				      .directory = "/here",
				      .listeners = listeners,
				      .listener_count = count,
				      .program = program };

	return conf_load(&source, err);
}

static void program__of_a_file__has_its_words(void **state)
{
	struct conf *conf = configured_load_good(
		*state, "workers = 3\n"
			"program app {\n command = {\"/bin/a\", \"-b\", \"c d\"}  "
			"environment = {\"A=b=c\", "
			"clear}\n ready_after = notify  limit_core = 1m\n}\n" LISTEN);
	const struct program_conf *app;

	app = conf_program_find(conf, "app");
	assert_non_null(app);
	assert_null(conf_program_find(conf, "ap"));
	assert_int_equal(app->command.count, 3);
	assert_string_equal(app->command.texts[2], "c d");
	assert_null(app->command.texts[3]);
	assert_string_equal(app->environment.texts[0], "A=b=c");
	assert_int_equal(app->ready_after, 0);
	assert_int_equal(app->limit_core, 1024 * 1024);
	assert_int_equal(app->limit_files, 0);
	assert_int_equal(conf_copies(conf, app), 3);
	assert_true(conf_program_owns(&conf->listeners[0]));
	conf_free(conf);
}

static void programs__that_are_wrong__are_refused_with_their_place(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "program app { command = {a} }\nlisten 1 { service = ack }\n",
		  "x.conf:1: program \"app\": no listen belongs to it (listen \":8000\" { service "
		  "= program  program = \"app\" })" },
		{ "program app { }\n" LISTEN, "x.conf:1: program.command: is missing (command = "
					      "{\"/path/to/program\"})" },
		{ "program app { command = {} }\n" LISTEN,
		  "x.conf:1: program.command: is missing (command = {\"/path/to/program\"})" },
		{ "program ap { command = {a} }\n" LISTEN,
		  "x.conf:2: listen.program: there is no program \"app\" (did you mean ap?)" },
		{ "listen 1 { service = program }\n",
		  "x.conf:1: listen.program: is missing (the title of a section program)" },
		{ "program app { command = {a} }\nprogram app { command = {b} }\n" LISTEN,
		  "x.conf:2: program \"app\": the title is given twice (first: x.conf:1)" },
		{ "program \"\" { command = {a} }\n" LISTEN,
		  "x.conf:1: program \"\": the title has to be of 1 to 63 bytes" },
		{ "program app {\n command = {a}\n environment = {\"=b\"}\n}\n" LISTEN,
		  "x.conf:3: program.environment: \"=b\" is not an assignment (a list of "
		  "NAME=VALUE, or clear)" },
		{ "program app {\n command = {a}\n environment = {cle}\n}\n" LISTEN,
		  "x.conf:3: program.environment: \"cle\" is not an assignment (a list of "
		  "NAME=VALUE, or clear)" },
		{ "program app { command = {a, \"\"} }\n" LISTEN,
		  "x.conf:1: program.command: \"\" is 0 bytes long (1 to 4095 bytes)" },
		{ "program app { command = {a} command = {b} }\n" LISTEN,
		  "x.conf:1: program.command: is given twice (first: x.conf:1)" },
		{ "listen 1 { service = ack  command = {a} }\n",
		  "x.conf:1: command: belongs to service exec, not ack" },
		{ "listen 1 { service = module  module = kv.so }\n",
		  "x.conf:1: listen.module: \"kv.so\" is not an absolute path (a path that begins "
		  "with / or empty)" },
	};
	struct err err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(configured_load(*state, rows[i].text, &err));
		assert_string_equal(err.text, rows[i].message);
		assert_int_equal(err.code, CODE_CONFIG);
	}
}

static void conf_print__of_guests__reads_back_to_the_same(void **state)
{
	struct conf *conf = configured_load_good(
		*state,
		"program app { command = {\"/bin/a\", \"\\\"q\"} copies = 7 stop_signal = INT }\n"
		"listen 1 { service = exec  command = {cat, \"-n\"}  stderr = connection "
		"}\n" LISTEN);
	char *first, *second;

	first = configured_print(conf);
	conf_free(conf);
	conf = configured_load_good(*state, first);
	second = configured_print(conf);
	assert_string_equal(strchr(first, '\n'), strchr(second, '\n'));
	assert_non_null(strstr(first, "command = {\"cat\", \"-n\"}"));
	conf_free(conf);
	free(first);
	free(second);
}

static void words__after_dashes__are_a_program_of_the_bare_listeners(void **state)
{
	char *const program[] = { (char *)"./bin/app", (char *)"-x", NULL };
	const char *listeners[] = { "8000", "8080=status",
				    "9000=module,module=./kv.so,arguments=a,"
				    "arguments=b",
				    "7000=exec,command=./run,command=./x",
				    "7001=exec,command=run" };
	struct err err;
	struct conf *conf = load_words(listeners, 5, program, &err);

	(void)state;
	if (conf == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(conf->program_count, 1);
	assert_string_equal(conf->programs[0].title, "app");
	assert_string_equal(conf->programs[0].origin, "-- ./bin/app -x");
	assert_string_equal(conf->programs[0].command.texts[0], "/here/./bin/app");
	assert_string_equal(conf->programs[0].directory, "/here");
	assert_string_equal(conf->listeners[0].service, "program");
	assert_string_equal(conf->listeners[0].program, "app");
	assert_string_equal(conf->listeners[1].service, "status");
	assert_string_equal(conf->listeners[2].module, "/here/./kv.so");
	assert_int_equal(conf->listeners[2].arguments.count, 2);
	assert_string_equal(conf->listeners[3].command.texts[0], "/here/./run");
	assert_string_equal(conf->listeners[3].command.texts[1], "./x");
	assert_string_equal(conf->listeners[4].command.texts[0], "run");
	conf_free(conf);
}

static void listeners__of_the_command_line__drop_programs_that_have_none(void **state)
{
	const char *listeners[] = { "8000=program,program=b" };
	struct conf_source source = {
		.file = "x.conf", .directory = *state, .listeners = listeners, .listener_count = 1
	};
	struct err err;
	struct conf *conf;

	folder_write(*state, "x.conf",
		     "program app { command = {a} }\nprogram b { command = {b} }\n" LISTEN);
	conf = conf_load(&source, &err);
	if (conf == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(conf->program_count, 1);
	assert_string_equal(conf->programs[0].title, "b");
	conf_free(conf);
}

static void words__without_a_listener_of_their_own__are_refused(void **state)
{
	char *const program[] = { (char *)"app", NULL };
	const char *listeners[] = { "8080=status" };
	struct err err;

	(void)state;
	assert_null(load_words(listeners, 1, program, &err));
	assert_string_equal(
		err.text,
		"-- app: a listener without a service is missing (-l ADDRESS before the --)");
	assert_int_equal(err.code, CODE_USAGE);
	assert_null(load_words(listeners, 0, program, &err));
	assert_int_equal(err.code, CODE_USAGE);
}

static void dash_o__of_a_program__sets_it_on_all(void **state)
{
	const char *overrides[] = { "program.copies=5", "program.environment=A=b,C=d" };
	char *const program[] = { (char *)"app", NULL };
	const char *listeners[] = { "8000" };
	struct conf_source source = { .file = "/dev/null",
				      .listeners = listeners,
				      .listener_count = 1,
				      .overrides = overrides,
				      .override_count = 2,
				      .program = program };
	struct err err;
	struct conf *conf = conf_load(&source, &err);

	(void)state;
	if (conf == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(conf->programs[0].copies, 5);
	assert_int_equal(conf->programs[0].environment.count, 2);
	conf_free(conf);
	source.program = NULL;
	listeners[0] = "8000=ack";
	assert_null(conf_load(&source, &err));
	assert_string_equal(err.text, "-o program.copies=5: there is no program");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(program__of_a_file__has_its_words),
		cmocka_unit_test(programs__that_are_wrong__are_refused_with_their_place),
		cmocka_unit_test(conf_print__of_guests__reads_back_to_the_same),
		cmocka_unit_test(words__after_dashes__are_a_program_of_the_bare_listeners),
		cmocka_unit_test(listeners__of_the_command_line__drop_programs_that_have_none),
		cmocka_unit_test(words__without_a_listener_of_their_own__are_refused),
		cmocka_unit_test(dash_o__of_a_program__sets_it_on_all),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
