/* SPDX-License-Identifier: MIT */
#include "client/tls_flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void alpn__is_written_with_lengths(void **state)
{
	unsigned char to[TLS_ALPN_MOST];

	(void)state;
	assert_int_equal(tls_flags_write_alpn("h2,http/1.1", to), 12);
	assert_memory_equal(to, "\2h2\10http/1.1", 12);
}

static void alpn__with_an_empty_protocol__is_refused(void **state)
{
	static const char *const texts[] = { "", ",", "h2,", ",h2", "h2,,h3" };
	unsigned char to[TLS_ALPN_MOST];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(tls_flags_write_alpn(texts[i], to), 0);
}

static void alpn__up_to_the_end_of_its_memory__is_written(void **state)
{
	unsigned char to[TLS_ALPN_MOST + 1];
	char text[TLS_ALPN_MOST + 1];

	(void)state;
	memset(text, 'a', sizeof(text));
	memset(to, 0x55, sizeof(to));
	text[TLS_ALPN_MOST - 1] = '\0';
	assert_int_equal(tls_flags_write_alpn(text, to), 0);
	text[TLS_ALPN_MOST - 2] = '\0';
	assert_int_equal(tls_flags_write_alpn(text, to), TLS_ALPN_MOST - 1);
	assert_int_equal(to[0], TLS_ALPN_MOST - 2);
	assert_int_equal(to[TLS_ALPN_MOST], 0x55);
}

static void flag__without_tls__is_refused_by_its_name(void **state)
{
	struct tls_flags flags = { .alpn = "h2" };
	struct err err = { .code = CODE_OK };

	(void)state;
	assert_false(tls_flags_check(&flags, &err));
	assert_string_equal(err.text, "--alpn: goes with --tls");
	assert_int_equal(err.code, CODE_USAGE);
	flags.is_wanted = true;
	assert_true(tls_flags_check(&flags, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alpn__is_written_with_lengths),
		cmocka_unit_test(alpn__with_an_empty_protocol__is_refused),
		cmocka_unit_test(alpn__up_to_the_end_of_its_memory__is_written),
		cmocka_unit_test(flag__without_tls__is_refused_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
