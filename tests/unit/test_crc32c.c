/* SPDX-License-Identifier: MIT */
/* Tests of base/crc32c, with the values of RFC 3720, B.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/crc32c.h"

static void add__of_known_bytes__gives_the_known_checksum(void **state)
{
	uint8_t bytes[32];

	(void)state;
	assert_int_equal(crc32c_add(0, "123456789", 9), 0xe3069283);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(crc32c_add(0, bytes, sizeof(bytes)), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(crc32c_add(0, bytes, sizeof(bytes)), 0x62a8ab43);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(crc32c_add(0, bytes, sizeof(bytes)), 0x46dd794e);
	assert_int_equal(crc32c_add(0, bytes, 0), 0);
}

static void add__in_pieces__gives_that_of_the_whole(void **state)
{
	static const char bytes[] = "123456789";

	(void)state;
	for (size_t cut = 0; cut <= 9; cut++)
		assert_int_equal(crc32c_add(crc32c_add(0, bytes, cut), bytes + cut, 9 - cut),
				 0xe3069283);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add__of_known_bytes__gives_the_known_checksum),
		cmocka_unit_test(add__in_pieces__gives_that_of_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
