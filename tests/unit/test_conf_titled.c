/* SPDX-License-Identifier: MIT */
/* The lists of titled sections: programs and upstreams alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf.h"
#include "config/conf_titled.h"
#include "config/option.h"

static const enum option_section sections[] = { SECTION_program, SECTION_upstream, SECTION_tls };

enum { SECTIONS = sizeof(sections) / sizeof(*sections) };

static void only__programs_upstreams_and_tls__have_lists(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SECTION_COUNT; i++)
		assert_int_equal(conf_titled_has((enum option_section)i),
				 i == SECTION_program || i == SECTION_upstream || i == SECTION_tls);
}

static void object__that_is_added__has_defaults_and_can_be_found(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SECTIONS; i++) {
		struct conf *conf = calloc(1, sizeof(*conf));
		struct titled *object;
		struct err err;

		assert_non_null(conf_titled_add(conf, sections[i], "one", "x:1", &err));
		object = conf_titled_add(conf, sections[i], "two", "x:2", &err);
		assert_non_null(object);
		assert_string_equal(object->title, "two");
		assert_string_equal(object->origin, "x:2");
		assert_int_equal(conf_titled_count(conf, sections[i]), 2);
		assert_ptr_equal(conf_titled_find(conf, sections[i], "two"), object);
		assert_ptr_equal(conf_titled_get(conf, sections[i], 1), object);
		assert_null(conf_titled_find(conf, sections[i], "tw"));
		assert_null(conf_titled_find(conf, sections[i], ""));
		conf_free(conf);
	}
}

static void defaults__of_an_upstream__are_those_of_its_rows(void **state)
{
	struct conf *conf = calloc(1, sizeof(*conf));
	struct upstream_conf *upstream;
	struct err err;

	(void)state;
	upstream = conf_titled_add(conf, SECTION_upstream, "u", "x:1", &err);
	assert_int_equal(upstream->balance, BALANCE_LEAST_CONN);
	assert_int_equal(upstream->connect_timeout, 5000);
	assert_int_equal(upstream->max_connections, 0);
	assert_true(upstream->half_close);
	conf_free(conf);
}

static void title__that_is_no_good__is_refused(void **state)
{
	static const char longest[] =
		"123456789012345678901234567890123456789012345678901234567890123";
	char longer[sizeof(longest) + 1];

	(void)state;
	snprintf(longer, sizeof(longer), "%s4", longest);
	for (unsigned i = 0; i < SECTIONS; i++) {
		struct conf *conf = calloc(1, sizeof(*conf));
		struct err err;

		assert_int_equal(strlen(longest), CONF_TITLE_MOST);
		assert_non_null(conf_titled_add(conf, sections[i], longest, "x:1", &err));
		assert_null(conf_titled_add(conf, sections[i], longer, "x:2", &err));
		assert_string_equal(err.text, "the title has to be of 1 to 63 bytes");
		assert_null(conf_titled_add(conf, sections[i], "", "x:3", &err));
		assert_string_equal(err.text, "the title has to be of 1 to 63 bytes");
		assert_null(conf_titled_add(conf, sections[i], longest, "x:4", &err));
		assert_string_equal(err.text, "the title is given twice (first: x:1)");
		assert_int_equal(err.code, CODE_CONFIG);
		assert_int_equal(conf_titled_count(conf, sections[i]), 1);
		conf_free(conf);
	}
}

static bool is_between(const struct conf *conf, const void *object)
{
	const struct titled *titled = object;

	(void)conf;
	return strcmp(titled->title, "b") >= 0 && strcmp(titled->title, "d") <= 0;
}

static void drop__of_some__keeps_the_order_of_the_others(void **state)
{
	static const char *const titles[] = { "a", "b", "c", "e", "d", "f" };

	(void)state;
	for (unsigned i = 0; i < SECTIONS; i++) {
		struct conf *conf = calloc(1, sizeof(*conf));
		struct err err;

		for (unsigned k = 0; k < sizeof(titles) / sizeof(*titles); k++)
			assert_non_null(conf_titled_add(conf, sections[i], titles[k], "x:1", &err));
		conf_titled_drop(conf, sections[i], is_between);
		assert_int_equal(conf_titled_count(conf, sections[i]), 3);
		for (unsigned k = 0; k < 3; k++) {
			const struct titled *kept = conf_titled_get(conf, sections[i], k);

			assert_int_equal(kept->title[0], "aef"[k]);
		}
		conf_titled_drop(conf, sections[i], NULL);
		assert_int_equal(conf_titled_count(conf, sections[i]), 0);
		assert_null(conf_titled_find(conf, sections[i], "a"));
		assert_non_null(conf_titled_add(conf, sections[i], "a", "x:1", &err));
		conf_free(conf);
	}
}

static void reference__to_no_object__is_refused_with_the_nearest_title(void **state)
{
	struct listen_conf listen = { .origin = (char *)"x:9" };
	struct conf *conf = calloc(1, sizeof(*conf));
	struct err err;

	(void)state;
	assert_non_null(conf_titled_add(conf, SECTION_upstream, "base", "x:1", &err));
	assert_false(conf_titled_refuse(conf, SECTION_upstream, &listen, "bas", &err));
	assert_string_equal(
		err.text,
		"x:9: listen.upstream: there is no upstream \"bas\" (did you mean base?)");
	assert_false(conf_titled_refuse(conf, SECTION_program, &listen, "bas", &err));
	assert_string_equal(err.text, "x:9: listen.program: there is no program \"bas\"");
	assert_false(conf_titled_refuse(conf, SECTION_upstream, &listen, "", &err));
	assert_string_equal(err.text,
			    "x:9: listen.upstream: is missing (the title of a section upstream)");
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only__programs_upstreams_and_tls__have_lists),
		cmocka_unit_test(object__that_is_added__has_defaults_and_can_be_found),
		cmocka_unit_test(defaults__of_an_upstream__are_those_of_its_rows),
		cmocka_unit_test(title__that_is_no_good__is_refused),
		cmocka_unit_test(drop__of_some__keeps_the_order_of_the_others),
		cmocka_unit_test(reference__to_no_object__is_refused_with_the_nearest_title),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
