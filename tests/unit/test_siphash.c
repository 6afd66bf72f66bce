/* SPDX-License-Identifier: MIT */
/* The hash, against values that an independent program has computed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/siphash.h"

static struct siphash_key key_of(uint64_t low, uint64_t high)
{
	return (struct siphash_key){ { low, high } };
}

static void bytes__of_all_lengths_of_the_last_word__have_their_hash(void **state)
{
	static const struct {
		size_t size;
		uint64_t hash;
	} rows[] = {
		{ 0, UINT64_C(0xabac0158050fc4dc) },  { 1, UINT64_C(0xc9f49bf37d57ca93) },
		{ 7, UINT64_C(0xd3927d989bb11140) },  { 8, UINT64_C(0x369095118d299a8e) },
		{ 15, UINT64_C(0xd320d86d2a519956) }, { 24, UINT64_C(0xf464aeb267349c8c) },
	};
	struct siphash_key key = key_of(UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908));
	unsigned char bytes[24];

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(siphash(&key, bytes, rows[i].size), rows[i].hash);
}

static void key__that_differs_in_one_bit__gives_another_hash(void **state)
{
	struct siphash_key one = key_of(1, 2), other = key_of(1, 3);

	(void)state;
	assert_int_not_equal(siphash(&one, "source", 6), siphash(&other, "source", 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes__of_all_lengths_of_the_last_word__have_their_hash),
		cmocka_unit_test(key__that_differs_in_one_bit__gives_another_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
