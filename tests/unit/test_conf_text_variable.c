/* SPDX-License-Identifier: MIT */
/* Tests of config/conf_text_variable and its use in config/conf_text: ${NAME} in a file. */
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
#include "unit/folder.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct conf *load(void **state, const char *text, struct err *err)
{
	struct conf_source source = { .file = "x.conf", .directory = *state };

	folder_write(*state, "x.conf", text);
	return conf_load(&source, err);
}

static int set_variables(void **state)
{
	unsetenv("UNSET");
	setenv("EMPTY", "", 1);
	setenv("WORD", "word", 1);
	setenv("ODD", "{a} \"b\" $x ${WORD} \\n # c", 1);
	setenv("LINES", "1\n2\n", 1);
	setenv("DIGITS", "23", 1);
	setenv("ADDRESS", "8080", 1);
	setenv("INNER", "inner", 1);
	return folder_make(state);
}

/* The text after "reply = " in the file, and the reply. */
static const struct {
	const char *written, *value;
} values[] = {
	{ "${WORD}", "word" },
	{ "\"a ${WORD} b${WORD}\"", "a word bword" },
	{ "\"${EMPTY}\"", "" },
	{ "${EMPTY}", "" },
	{ "${UNSET:-text}", "text" },
	{ "${EMPTY:-text}", "text" },
	{ "\"<${EMPTY:-a \\ 'text'}>\"", "<a \\ 'text'>" },
	{ "${UNSET:-}", "" },
	{ "\"${UNSET:-:-x}\"", ":-x" },
	{ "${WORD:-text}", "word" },
	{ "${ODD}", "{a} \"b\" $x ${WORD} \\n # c" },
	{ "\"$${ODD}${ODD}\"", "${a} \"b\" $x ${WORD} \\n # c{a} \"b\" $x ${WORD} \\n # c" },
	{ "\"\\1${DIGITS}\\x4${DIGITS}1\"", "\00123\004231" },
	{ "${LINES}", "1\n2\n" },
	{ "'${UNSET} ${WORD}'", "${UNSET} ${WORD}" },
	{ "\"\\${UNSET}\"", "${UNSET}" },
	{ "\"$WORD $\"", "$WORD $" },
	{ "x # ${UNSET}", "x" },
	{ "x // ${UNSET\n", "x" },
	{ "x /* ${UNSET\n} */", "x" },
};

static void variable__stands_for_its_value_wherever_it_may_stand(void **state)
{
	for (size_t i = 0; i < COUNT(values); i++) {
		char text[256];
		struct conf *conf;
		struct err err;

		snprintf(text, sizeof(text), "listen 1 {\nservice = ack\nreply = %s\n}\n",
			 values[i].written);
		conf = load(state, text, &err);
		if (conf == NULL)
			fail_msg("%s: %s", values[i].written, err.text);
		assert_string_equal(conf->listeners[0].reply, values[i].value);
		conf_free(conf);
	}
}

static void variable__in_titles_lists_and_includes__is_taken(void **state)
{
	struct conf *conf;
	struct err err;

	folder_write(*state, "inner", "allow = {${UNSET:-10.0.0.1}, \"${UNSET:-::1}\"}\n");
	conf = load(state,
		    "listen ${ADDRESS} { service = ${UNSET:-ack} include(${INNER}) }\n"
		    "listen \"127.0.0.1:1${ADDRESS}\" { include(\"${INNER}\") service = echo }\n",
		    &err);
	assert_non_null(conf);
	assert_string_equal(conf->listeners[0].address, "8080");
	assert_string_equal(conf->listeners[1].address, "127.0.0.1:18080");
	assert_int_equal(conf->listeners[0].allow.count, 2);
	assert_string_equal(conf->listeners[1].allow.texts[1], "::1");
	conf_free(conf);
}

static const struct {
	const char *text, *message;
} wrongs[] = {
	{ "\nuser = ${UNSET}\n",
	  "x.conf:2: ${UNSET}: the variable is not set (set it, or write ${UNSET:-TEXT})" },
	{ "chroot = \"/a\n/${WORD}/\n${UNSET}\"\n",
	  "x.conf:3: ${UNSET}: the variable is not set (set it, or write ${UNSET:-TEXT})" },
	{ "user = ${LINES}\nlog { path = ${UNSET} }\n",
	  "x.conf:2: ${UNSET}: the variable is not set (set it, or write ${UNSET:-TEXT})" },
	{ "include(${UNSET})\n",
	  "x.conf:1: ${UNSET}: the variable is not set (set it, or write ${UNSET:-TEXT})" },
	{ "listen 1 { allow = {::1,\n\"${UNSET}\"} }\n",
	  "x.conf:2: ${UNSET}: the variable is not set (set it, or write ${UNSET:-TEXT})" },
	{ "include(\"wrong\")\n",
	  "wrong:2: ${UNSET}: the variable is not set (set it, or write ${UNSET:-TEXT})" },
	{ "listen \"${UNSET}\" { service = ack }\n",
	  "x.conf:1: ${UNSET}: the variable is not set (set it, or write ${UNSET:-TEXT})" },
	{ "user = ${}\n", "x.conf:1: \"${}\" is not a variable (${NAME} or ${NAME:-TEXT})" },
	{ "user = ${UNSET-x}\n",
	  "x.conf:1: \"${UNSET-x}\" is not a variable (${NAME} or ${NAME:-TEXT})" },
	{ "user = \"${WORD:=x}\"\n",
	  "x.conf:1: \"${WORD:=x}\" is not a variable (${NAME} or ${NAME:-TEXT})" },
	{ "user = \"${UNSET:-${WORD}}\"\n",
	  "x.conf:1: ${UNSET:-...}: its text cannot hold a variable" },
	{ "user = ${WORD}x\n", "x.conf:1: a value with a variable in it must stand in quotes" },
	{ "user = ${WORD}${WORD}\n",
	  "x.conf:1: a value with a variable in it must stand in quotes" },
	{ "user = x${WORD}\n", "x.conf:1: a value with a variable in it must stand in quotes" },
	{ "user = \"${UNSET\n}\"\n", "x.conf:1: the \"${\" of this line is not closed on it" },
	/* line breaks in a value do not change the line numbers of the file after it */
	{ "user = ${LINES}\n\nworkers = ${WORD}\n",
	  "x.conf:3: workers: \"word\" is not a number (1 to 256, or auto)" },
};

static void variable__that_is_not_set_or_written_wrongly__is_refused_by_line(void **state)
{
	folder_write(*state, "wrong", "# ${UNSET}\nuser = ${UNSET}\n");
	for (size_t i = 0; i < COUNT(wrongs); i++) {
		struct err err;

		assert_null(load(state, wrongs[i].text, &err));
		assert_string_equal(err.text, wrongs[i].message);
		assert_int_equal(err.code, CODE_CONFIG);
	}
}

static void variables__that_make_a_file_too_big__are_refused(void **state)
{
	const size_t size = 64 * 1024;
	char *value = malloc(size), text[1024] = "user = \"";
	struct err err;

	memset(value, 'x', size - 1);
	value[size - 1] = '\0';
	setenv("BIG", value, 1);
	for (int i = 0; i < 65; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "${BIG}");
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "\"\n");
	assert_null(load(state, text, &err));
	assert_string_equal(err.text,
			    "x.conf:1: the file is too big with its variables (at most 4m)");
	unsetenv("BIG");
	free(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variable__stands_for_its_value_wherever_it_may_stand),
		cmocka_unit_test(variable__in_titles_lists_and_includes__is_taken),
		cmocka_unit_test(variable__that_is_not_set_or_written_wrongly__is_refused_by_line),
		cmocka_unit_test(variables__that_make_a_file_too_big__are_refused),
	};

	return cmocka_run_group_tests(tests, set_variables, folder_remove);
}
