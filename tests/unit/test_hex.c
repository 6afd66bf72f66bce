/* SPDX-License-Identifier: MIT */
/* Tests of base/hex: each digit, and leading zeros. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hex.h"

static void digits__are_written_to_the_last__and_no_further(void **state)
{
	char text[17] = "................";

	(void)state;
	hex_write(text, 0, 0xff, HEX_SMALL);
	assert_string_equal(text, "................");
	hex_write(text, 2, 0x3af, HEX_CAPITAL);
	assert_string_equal(text, "AF..............");
	hex_write(text, 4, 0x3af, HEX_SMALL);
	assert_string_equal(text, "03af............");
	hex_write(text, 16, UINT64_C(0x0123456789abcdef), HEX_SMALL);
	assert_string_equal(text, "0123456789abcdef");
	hex_write(text, 16, UINT64_MAX, HEX_CAPITAL);
	assert_string_equal(text, "FFFFFFFFFFFFFFFF");
}

static void value__of_any_byte__is_that_of_a_digit_or_none(void **state)
{
	char digit;

	(void)state;
	for (int value = 0; value < 16; value++) {
		hex_write(&digit, 1, (uint64_t)value, HEX_SMALL);
		assert_int_equal(hex_value(digit), value);
		hex_write(&digit, 1, (uint64_t)value, HEX_CAPITAL);
		assert_int_equal(hex_value(digit), value);
	}
	for (int byte = 0, count = 0; byte < 256; byte++) {
		count += hex_value((char)byte) >= 0;
		assert_int_equal(count, byte < '0'  ? 0 :
					byte <= '9' ? byte - '0' + 1 :
					byte < 'A'  ? 10 :
					byte <= 'F' ? byte - 'A' + 11 :
					byte < 'a'  ? 16 :
					byte <= 'f' ? byte - 'a' + 17 :
						      22);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits__are_written_to_the_last__and_no_further),
		cmocka_unit_test(value__of_any_byte__is_that_of_a_digit_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
