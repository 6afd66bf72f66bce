/* SPDX-License-Identifier: MIT */
/* Tests of base/units: strict reading, writing that reads back, the nearest word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/units.h"

typedef bool (*reader)(const char *text, int64_t *value);
typedef const char *(*writer)(int64_t value, char *text);

struct row {
	reader read;
	const char *text;
	int64_t value; /* -1: refused */
};

static const struct row rows[] = {
	{ units_read_count, "0", 0 },
	{ units_read_count, "4096", 4096 },
	{ units_read_count, "9223372036854775807", INT64_MAX },
	{ units_read_count, "9223372036854775808", -1 },
	{ units_read_count, "", -1 },
	{ units_read_count, "-1", -1 },
	{ units_read_count, "+1", -1 },
	{ units_read_count, " 1", -1 },
	{ units_read_count, "1 ", -1 },
	{ units_read_count, "0x10", -1 },
	{ units_read_count, "1k", -1 },
	{ units_read_duration, "0", 0 },
	{ units_read_duration, "250ms", 250 },
	{ units_read_duration, "30s", 30000 },
	{ units_read_duration, "30", 30000 },
	{ units_read_duration, "5m", 300000 },
	{ units_read_duration, "2h", 7200000 },
	{ units_read_duration, "2 h", -1 },
	{ units_read_duration, "1h30m", -1 },
	{ units_read_duration, "1.5s", -1 },
	{ units_read_duration, "ms", -1 },
	{ units_read_duration, "2d", -1 },
	{ units_read_duration, "2562047788015h", 2562047788015 * 3600000 },
	{ units_read_duration, "9223372036854775807s", -1 },
	{ units_read_duration, "2562047788016h", -1 },
	{ units_read_seconds, "0.5", 500 },
	{ units_read_seconds, "1.25", 1250 },
	{ units_read_seconds, "0.001", 1 },
	{ units_read_seconds, "10.0", 10000 },
	{ units_read_seconds, "2", 2000 },
	{ units_read_seconds, "250ms", 250 },
	{ units_read_seconds, "5m", 300000 },
	{ units_read_seconds, "0.0001", -1 },
	{ units_read_seconds, "1.", -1 },
	{ units_read_seconds, ".5", -1 },
	{ units_read_seconds, "1.5s", 1500 },
	{ units_read_seconds, "1.5ss", -1 },
	{ units_read_seconds, "1.s", -1 },
	{ units_read_seconds, "1.5m", -1 },
	{ units_read_seconds, "-0.5", -1 },
	{ units_read_seconds, "1.2.3", -1 },
	{ units_read_seconds, "", -1 },
	{ units_read_seconds, "9223372036854775.807", INT64_MAX },
	{ units_read_seconds, "9223372036854775.808", -1 },
	{ units_read_seconds, "9223372036854776.0", -1 },
	{ units_read_size, "512", 512 },
	{ units_read_size, "4k", 4096 },
	{ units_read_size, "4K", 4096 },
	{ units_read_size, "1m", 1048576 },
	{ units_read_size, "2g", INT64_C(2147483648) },
	{ units_read_size, "4kb", -1 },
	{ units_read_size, "9223372036854775807k", -1 },
	{ units_read_size, "00000000000000000000000000000000000001", -1 },
	{ units_read_mode, "0644", 0644 },
	{ units_read_mode, "644", 0644 },
	{ units_read_mode, "0", 0 },
	{ units_read_mode, "888", -1 },
	{ units_read_mode, "rw-r--r--", -1 },
};

static void reading__takes_what_is_right_and_leaves_the_value_otherwise(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t value = -7;
		bool good = rows[i].read(rows[i].text, &value);

		if (good != (rows[i].value >= 0) || value != (good ? rows[i].value : -7))
			fail_msg("row %zu: \"%s\" gave %lld", i, rows[i].text, (long long)value);
	}
}

static void read_flag__knows_six_words(void **state)
{
	bool value = false;

	(void)state;
	assert_true(units_read_flag("yes", &value) && value);
	assert_true(units_read_flag("no", &value) && !value);
	assert_true(units_read_flag("on", &value) && value);
	assert_true(units_read_flag("off", &value) && !value);
	assert_true(units_read_flag("true", &value) && value);
	assert_true(units_read_flag("false", &value) && !value);
	value = true;
	assert_false(units_read_flag("1", &value));
	assert_false(units_read_flag("", &value));
	assert_false(units_read_flag("yess", &value));
	assert_true(value);
}

static void writing__reads_back_to_the_same(void **state)
{
	static const int64_t values[] = { 0,       1,       7,       8,          250,      999,
					  1000,    1024,    1500,    60000,      65536,    90000,
					  1 << 20, 3600000, 7200000, 1073741824, INT64_MAX };
	static const struct {
		writer write;
		reader read;
	} pairs[] = {
		{ units_write_count, units_read_count },
		{ units_write_duration, units_read_duration },
		{ units_write_size, units_read_size },
		{ units_write_mode, units_read_mode },
	};
	char text[UNITS_TEXT];
	int64_t back;

	(void)state;
	for (size_t p = 0; p < sizeof(pairs) / sizeof(pairs[0]); p++) {
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			assert_true(pairs[p].read(pairs[p].write(values[i], text), &back));
			assert_true(back == values[i]);
		}
	}
}

static void writing__takes_the_largest_unit(void **state)
{
	char text[UNITS_TEXT];

	(void)state;
	assert_string_equal(units_write_duration(0, text), "0");
	assert_string_equal(units_write_duration(30000, text), "30s");
	assert_string_equal(units_write_duration(300000, text), "5m");
	assert_string_equal(units_write_duration(1500, text), "1500ms");
	assert_string_equal(units_write_size(65536, text), "64k");
	assert_string_equal(units_write_size(1000, text), "1000");
	assert_string_equal(units_write_mode(0666, text), "0666");
	assert_string_equal(units_write_mode(022, text), "022");
}

static const char *nearest(const char *text)
{
	static const char *const words[] = {
		"workers", "user", "group", "umask", "framing", "ack"
	};

	return units_nearest(text, words, sizeof(words) / sizeof(words[0]));
}

static void nearest__finds_a_slip_of_the_hand(void **state)
{
	(void)state;
	assert_string_equal(nearest("wrokers"), "workers");
	assert_string_equal(nearest("worker"), "workers");
	assert_string_equal(nearest("WORKERS"), "workers");
	assert_string_equal(nearest("usre"), "user");
	assert_string_equal(nearest("framming"), "framing");
	assert_string_equal(nearest("akc"), "ack");
}

static void nearest__of_another_word__is_none(void **state)
{
	char many[4000];

	(void)state;
	memset(many, 'w', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	assert_null(nearest("listen"));
	assert_null(nearest("xyz"));
	assert_null(nearest(""));
	assert_null(nearest(many));
	assert_null(units_nearest("ack", NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading__takes_what_is_right_and_leaves_the_value_otherwise),
		cmocka_unit_test(read_flag__knows_six_words),
		cmocka_unit_test(writing__reads_back_to_the_same),
		cmocka_unit_test(writing__takes_the_largest_unit),
		cmocka_unit_test(nearest__finds_a_slip_of_the_hand),
		cmocka_unit_test(nearest__of_another_word__is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
