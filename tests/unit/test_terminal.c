/* SPDX-License-Identifier: MIT */
/* Tests of ctl/terminal: keys from a terminal's bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/terminal.h"

static const struct {
	const char *bytes;
	enum key last; /* the key of its last byte; the others give none */
} rows[] = {
	{ "q", KEY_QUIT },
	{ " ", KEY_REFRESH },
	{ "\r", KEY_REFRESH },
	{ "j", KEY_DOWN },
	{ "k", KEY_UP },
	{ "g", KEY_TOP },
	{ "G", KEY_BOTTOM },
	{ "x", KEY_NONE },
	{ "\033[A", KEY_UP },
	{ "\033[B", KEY_DOWN },
	{ "\033OA", KEY_UP },
	{ "\033OF", KEY_BOTTOM },
	{ "\033[5~", KEY_PAGE_UP },
	{ "\033[6~", KEY_PAGE_DOWN },
	{ "\033[1~", KEY_TOP },
	{ "\033[1;5A", KEY_UP },
	{ "\033[6;2~", KEY_PAGE_DOWN },
	{ "\033[3~", KEY_NONE },
	{ "\033[200~", KEY_NONE },
	{ "\033[99999999999q", KEY_NONE },
	{ "\033q", KEY_NONE },
	{ "\033\033[A", KEY_UP },
	{ "\033Oq", KEY_NONE },
};

static void keys__come_of_their_last_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct terminal_keys keys = { 0 };
		const unsigned char *byte = (const unsigned char *)rows[i].bytes;

		for (; byte[1] != '\0'; byte++)
			assert_int_equal(terminal_decode_key(&keys, *byte), KEY_NONE);
		assert_int_equal(terminal_decode_key(&keys, *byte), rows[i].last);
		/* the next key is read as usual */
		assert_int_equal(terminal_decode_key(&keys, 'q'), KEY_QUIT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys__come_of_their_last_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
