/* SPDX-License-Identifier: MIT */
/* Tests of client/output.c: the bytes of a response that may reach a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "client/output.h"

static void assert_escaped(const char *bytes, const char *wanted)
{
	struct output_escape escape = { .count = 0 };
	char out[256 + OUTPUT_ESCAPE_MAX];
	size_t used = 0;

	for (const char *c = bytes; *c != '\0'; c++)
		used += output_escape_byte(&escape, (uint8_t)*c, out + used);
	used += output_escape_end(&escape, out + used);
	out[used] = '\0';
	assert_string_equal(out, wanted);
}

static void text__passes(void **state)
{
	(void)state;
	assert_escaped("I am client\n\ttab ~", "I am client\n\ttab ~");
	assert_escaped("我已经收到\n", "我已经收到\n");
	assert_escaped("\xc2\xa0 \xed\x9f\xbf \xf4\x8f\xbf\xbf",
		       "\xc2\xa0 \xed\x9f\xbf \xf4\x8f\xbf\xbf");
	assert_escaped("HTTP\r\n\r\n", "HTTP\r\n\r\n");
}

static void commands__become_visible(void **state)
{
	(void)state;
	assert_escaped("\033[2J\a\b\x7f", "\\x1b[2J\\x07\\x08\\x7f");
	assert_escaped("hidden\rshown", "hidden\\x0dshown");
	assert_escaped("\r\r\n\r", "\\x0d\r\n\\x0d");
	/* CSI and OSC in one byte, and in the two of UTF-8 */
	assert_escaped("\x9b"
		       "31m\x9d",
		       "\\x9b31m\\x9d");
	assert_escaped("\xc2\x9b"
		       "31m\xc2\x80",
		       "\\xc2\\x9b31m\\xc2\\x80");
}

static void wrong_utf8__becomes_visible(void **state)
{
	(void)state;
	assert_escaped("\xc0\x9b", "\\xc0\\x9b");
	assert_escaped("\xe0\x82\x9b", "\\xe0\\x82\\x9b");
	assert_escaped("\xed\xa0\x80", "\\xed\\xa0\\x80");
	assert_escaped("\xf0\x80\x80\x9b", "\\xf0\\x80\\x80\\x9b");
	assert_escaped("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	assert_escaped("\xe6\x88", "\\xe6\\x88");
	assert_escaped("\xe6\x88\033\xe6\x88\x91", "\\xe6\\x88\\x1b我");
	assert_escaped("\xff\xfe", "\\xff\\xfe");
}

/*
 * For any input, no byte below blank but newline and tab is written, and a CR only before a
 * LF.
 */
static void any_bytes__never_command(void **state)
{
	uint32_t x = 7;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct output_escape escape = { .count = 0 };
		char out[8 * OUTPUT_ESCAPE_MAX];
		size_t used = 0;

		for (int i = 0; i < 6; i++) {
			x = x * 1664525 + 1013904223;
			used += output_escape_byte(&escape, (uint8_t)(x >> 24), out + used);
		}
		used += output_escape_end(&escape, out + used);
		for (size_t i = 0; i < used; i++) {
			uint8_t c = (uint8_t)out[i], next = i + 1 < used ? (uint8_t)out[i + 1] : 0;

			assert_true(c >= ' ' || c == '\n' || c == '\t' ||
				    (c == '\r' && next == '\n'));
			assert_int_not_equal(c, 0x7f);
			assert_false(c == 0xc2 && next < 0xa0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text__passes),
		cmocka_unit_test(commands__become_visible),
		cmocka_unit_test(wrong_utf8__becomes_visible),
		cmocka_unit_test(any_bytes__never_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
