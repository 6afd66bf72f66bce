/* SPDX-License-Identifier: MIT */
/* Tests of config/option and config/option_type: one option at a time, from the table's rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "config/conf.h"
#include "config/option.h"

static bool read_one(const char *name, struct listen_conf *listen, const char *word,
		     struct err *err)
{
	return option_read(option_find(SECTION_listen, name), listen, &word, 1, err);
}

static void assert_refused(enum option_section section, const char *name, const char *word,
			   const char *message)
{
	const struct option *option = option_find(section, name);
	struct err err;

	assert_non_null(option);
	assert_false(option_check(option, word, &err));
	assert_string_equal(err.text, message);
	assert_int_equal(err.code, CODE_CONFIG);
}

static char *written(const struct option *option, const void *object)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	option_write(option, object, out);
	fclose(out);
	return text;
}

static void rows__all__have_bounds_and_defaults_that_read(void **state)
{
	struct conf conf = { 0 };
	struct listen_conf listen = { 0 };
	struct program_conf program = { 0 };
	struct upstream_conf upstream = { 0 };
	struct tls_conf tls = { 0 };
	void *const objects[SECTION_COUNT] = {
		[SECTION_main] = &conf,         [SECTION_log] = &conf, [SECTION_listen] = &listen,
		[SECTION_upstream] = &upstream, [SECTION_tls] = &tls,  [SECTION_program] = &program
	};
	struct err err;

	(void)state;
	for (int section = 0; section < SECTION_COUNT; section++)
		assert_true(option_defaults((enum option_section)section, objects[section], &err));
	for (size_t i = 0; i < option_count; i++)
		assert_true(option_is_default(&options[i], objects[options[i].section]));
	for (int section = 0; section < SECTION_COUNT; section++)
		option_free((enum option_section)section, objects[section]);
}

static void rows__all__end_their_sentence_and_have_unique_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		size_t len = strlen(options[i].sentence);

		assert_int_equal(options[i].sentence[len - 1], '.');
		assert_ptr_equal(option_find(options[i].section, options[i].name), &options[i]);
	}
}

static void rows__that_name_a_service__name_a_known_one(void **state)
{
	static const char *const services[] = {
#define SERVICE(name, sentence) #name,
#include "tables/services.def"
	};
	size_t count = sizeof(services) / sizeof(services[0]);

	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		const char *at = options[i].service;
		size_t length;

		for (; *at != '\0'; at += length, at += strspn(at, " ")) {
			bool is_known = false;

			length = strcspn(at, " ");
			for (size_t s = 0; s < count; s++)
				is_known |= strncmp(at, services[s], length) == 0 &&
					    services[s][length] == '\0';
			assert_true(is_known);
		}
	}
}

static void option_find__with_a_name_of_another_section__finds_nothing(void **state)
{
	(void)state;
	assert_null(option_find(SECTION_main, "backlog"));
	assert_null(option_find(SECTION_listen, "level"));
}

static void option_full_name__names_the_section(void **state)
{
	char text[OPTION_NAME];

	(void)state;
	assert_string_equal(option_full_name(option_find(SECTION_main, "workers"), text),
			    "workers");
	assert_string_equal(option_full_name(option_find(SECTION_log, "level"), text), "log.level");
	assert_string_equal(option_full_name(option_find(SECTION_listen, "backlog"), text),
			    "listen.backlog");
}

static void option_services__joins_them(void **state)
{
	char text[OPTION_SERVICES];

	(void)state;
	assert_string_equal(option_services(option_find(SECTION_listen, "framing"), text),
			    "service ack");
	assert_string_equal(option_services(option_find(SECTION_listen, "max_header"), text),
			    "services http and status");
}

static void option_check__with_wrong_words__says_what_is_allowed(void **state)
{
	(void)state;
	assert_refused(SECTION_listen, "backlog", "lots", "\"lots\" is not a number (1 to 65535)");
	assert_refused(SECTION_listen, "backlog", "0", "\"0\" is out of range (1 to 65535)");
	assert_refused(SECTION_listen, "backlog", "65536",
		       "\"65536\" is out of range (1 to 65535)");
	assert_refused(SECTION_listen, "backlog", "", "\"\" is not a number (1 to 65535)");
	assert_refused(SECTION_main, "workers", "many",
		       "\"many\" is not a number (1 to 256, or auto)");
	assert_refused(SECTION_main, "hang_timeout", "soon",
		       "\"soon\" is not a duration (a duration such as 30s, 100ms to 24h, or off)");
	assert_refused(SECTION_main, "hang_timeout", "99ms",
		       "\"99ms\" is out of range (a duration such as 30s, 100ms to 24h, or off)");
	assert_refused(SECTION_listen, "max_message", "17m",
		       "\"17m\" is out of range (a size such as 64k, 1 to 16m)");
	assert_refused(SECTION_main, "umask", "8",
		       "\"8\" is not an octal number (octal, 0 to 0777)");
	assert_refused(SECTION_listen, "v6only", "perhaps",
		       "\"perhaps\" is not a switch (yes or no)");
	assert_refused(SECTION_listen, "framing", "lime",
		       "\"lime\" is unknown (raw, line or length; did you mean line?)");
	assert_refused(
		SECTION_log, "path", "x.log",
		"\"x.log\" is not an absolute path (a path that begins with /, stderr or syslog)");
	assert_refused(SECTION_listen, "service", "", "\"\" is 0 bytes long (1 to 63 bytes)");
}

static void option_check__with_a_word_that_stands_for_zero__takes_it(void **state)
{
	struct listen_conf listen = { .fastopen = 7 };
	struct err err;

	(void)state;
	assert_true(read_one("fastopen", &listen, "off", &err));
	assert_int_equal(listen.fastopen, 0);
	assert_refused(SECTION_listen, "fastopen", "0",
		       "\"0\" is out of range (1 to 65535, or off)");
}

static void option_read__that_fails__leaves_the_value(void **state)
{
	struct listen_conf listen = { 0 };
	struct err err;

	(void)state;
	assert_true(option_defaults(SECTION_listen, &listen, &err));
	assert_false(read_one("backlog", &listen, "x", &err));
	assert_int_equal(listen.backlog, 4096);
	assert_true(read_one("allow", &listen, "10.0.0.0/8", &err));
	assert_false(read_one("allow", &listen, "ten", &err));
	assert_int_equal(listen.allow.count, 1);
	assert_string_equal(listen.allow.texts[0], "10.0.0.0/8");
	option_free(SECTION_listen, &listen);
}

static void option_read__twice__frees_the_earlier_value(void **state)
{
	struct listen_conf listen = { 0 };
	struct err err;

	(void)state;
	assert_true(option_defaults(SECTION_listen, &listen, &err));
	assert_true(read_one("reply", &listen, "one", &err));
	assert_true(read_one("reply", &listen, "two", &err));
	assert_string_equal(listen.reply, "two");
	option_free(SECTION_listen, &listen);
}

static void option_write__quotes_text_and_braces_lists(void **state)
{
	struct listen_conf listen = { 0 };
	const char *nets[] = { "10.0.0.0/8", "unix" };
	const struct option *allow = option_find(SECTION_listen, "allow");
	struct err err;
	char *text;

	(void)state;
	assert_true(option_defaults(SECTION_listen, &listen, &err));
	assert_true(read_one("reply", &listen, "a \"b\" \\ ${HOME}\n$x", &err));
	text = written(option_find(SECTION_listen, "reply"), &listen);
	assert_string_equal(text, "reply = \"a \\\"b\\\" \\\\ \\${HOME}\\x0a$x\"");
	free(text);
	assert_true(option_read(allow, &listen, nets, 2, &err));
	text = written(allow, &listen);
	assert_string_equal(text, "allow = {\"10.0.0.0/8\", \"unix\"}");
	free(text);
	text = written(option_find(SECTION_listen, "rcvbuf"), &listen);
	assert_string_equal(text, "rcvbuf = auto");
	free(text);
	option_free(SECTION_listen, &listen);
}

static void option_equal__compares_values_not_spellings(void **state)
{
	struct listen_conf a = { 0 }, b = { 0 };
	const struct option *idle = option_find(SECTION_listen, "idle_timeout");
	struct err err;

	(void)state;
	assert_true(read_one("idle_timeout", &a, "60s", &err));
	assert_true(read_one("idle_timeout", &b, "1m", &err));
	assert_true(option_equal(idle, &a, &b));
	assert_true(read_one("idle_timeout", &b, "61s", &err));
	assert_false(option_equal(idle, &a, &b));
}

/* The key of a listener with that one option changed from its default. */
static uint64_t key_with(const char *name, const char *word)
{
	struct listen_conf listen = { 0 };
	struct err err;
	uint64_t key;

	assert_true(option_defaults(SECTION_listen, &listen, &err));
	assert_true(read_one(name, &listen, word, &err));
	key = option_state_key(&listen);
	option_free(SECTION_listen, &listen);
	assert_true(key != 0);
	return key;
}

static void option_state_key__tells_apart_what_open_rows_say(void **state)
{
	uint64_t key = key_with("framing", "raw");

	(void)state;
	assert_true(key == key_with("framing", "raw"));
	assert_true(key == key_with("idle_timeout", "7s"));
	assert_true(key == key_with("reply", "framing = line"));
	assert_true(key != key_with("framing", "line"));
	assert_true(key != key_with("service", "ack"));
	assert_true(key_with("service", "ack") != key_with("service", "echo"));
	assert_true(key_with("framing", "line") != key_with("framing", "length"));
}

static void option_check__with_a_long_or_wild_text__shows_it_cut_and_clean(void **state)
{
	const struct option *option = option_find(SECTION_listen, "backlog");
	char text[5000];
	struct err err;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[3] = '\n';
	assert_false(option_check(option, text, &err));
	assert_non_null(strstr(err.text, "...\" is not a number (1 to 65535)"));
	assert_null(strchr(err.text, '\n'));
	assert_true(strlen(err.text) < 160);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows__all__have_bounds_and_defaults_that_read),
		cmocka_unit_test(rows__all__end_their_sentence_and_have_unique_names),
		cmocka_unit_test(rows__that_name_a_service__name_a_known_one),
		cmocka_unit_test(option_find__with_a_name_of_another_section__finds_nothing),
		cmocka_unit_test(option_full_name__names_the_section),
		cmocka_unit_test(option_services__joins_them),
		cmocka_unit_test(option_check__with_wrong_words__says_what_is_allowed),
		cmocka_unit_test(option_check__with_a_word_that_stands_for_zero__takes_it),
		cmocka_unit_test(option_read__that_fails__leaves_the_value),
		cmocka_unit_test(option_read__twice__frees_the_earlier_value),
		cmocka_unit_test(option_write__quotes_text_and_braces_lists),
		cmocka_unit_test(option_equal__compares_values_not_spellings),
		cmocka_unit_test(option_state_key__tells_apart_what_open_rows_say),
		cmocka_unit_test(option_check__with_a_long_or_wild_text__shows_it_cut_and_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
