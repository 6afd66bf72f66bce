/* SPDX-License-Identifier: MIT */
/* Tests of base/proxy_header and base/proxy_line: valid headers, cut anywhere, and wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/proxy_header.h"
#include "unit/headers.h"

#define SIXTEEN "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0" /* 15 bytes of 2001:db8::/120 */
#define INET6   SIXTEEN "\1" SIXTEEN "\2\x30\x39\1\xbb"
#define HUNDRED                                                                  \
	"0123456789012345678901234567890123456789012345678901234567890123456789" \
	"012345678901234567890123456789"

/* A literal of bytes, with its size. */
#define BYTES(literal) (literal), sizeof(literal) - 1

struct expected {
	const char *bytes;
	size_t size;
	const char *source, *destination; /* NULL: none */
	const char *authority;            /* NULL: none */
};

static const struct expected valid[] = {
	{ BYTES(HEADER_LINE), "192.0.2.1:12345", "198.51.100.2:443", NULL },
	{ BYTES("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n"), "0.0.0.0:0",
	  "255.255.255.255:65535", NULL },
	{ BYTES("PROXY TCP6 2001:db8::1 ::1 1 2\r\n"), "[2001:db8::1]:1", "[::1]:2", NULL },
	{ BYTES("PROXY TCP6 2001:DB8:0000:0000:0000:0000:0000:0001 "
		"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	  "[2001:db8::1]:65535", "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535", NULL },
	{ BYTES("PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n"), "192.0.2.1:1",
	  "[2001:db8::2]:2", NULL },
	{ BYTES("PROXY UNKNOWN\r\n"), NULL, NULL, NULL },
	{ BYTES("PROXY UNKNOWN ff:: 1::1 1 2\r\n"), NULL, NULL, NULL },
	{ BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	  NULL, NULL, NULL },
	{ BYTES("PROXY UNKNOWN a\rb\nc\0d\r\n"), NULL, NULL, NULL },
	{ BYTES(SIGNATURE "\x20\0\0\0"), NULL, NULL, NULL },
	{ BYTES(SIGNATURE "\x20\x11\0\xc" INET), NULL, NULL, NULL },
	{ BYTES(SIGNATURE "\x20\xff\0\3\1\2\3"), NULL, NULL, NULL },
	{ BYTES(SIGNATURE "\x21\0\0\0"), NULL, NULL, NULL },
	{ BYTES(SIGNATURE "\x21\0\0\2\1\2"), NULL, NULL, NULL },
	{ BYTES(SIGNATURE "\x21\x10\0\2\1\2"), NULL, NULL, NULL },
	{ BYTES(SIGNATURE "\x21\x01\0\2\1\2"), NULL, NULL, NULL },
	{ BYTES(SIGNATURE "\x21\x11\0\xc" INET), "192.0.2.1:12345", "198.51.100.2:443", NULL },
	{ BYTES(SIGNATURE "\x21\x12\0\xc" INET), NULL, NULL, NULL },
	{ BYTES(SIGNATURE "\x21\x21\0\x24" INET6), "[2001:db8::1]:12345", "[2001:db8::2]:443",
	  NULL },
	{ BYTES(SIGNATURE "\x21\x22\0\x27" INET6 "\4\0\0"), NULL, NULL, NULL },
	{ BYTES(SIGNATURE "\x21\x31\0\xd8" HUNDRED HUNDRED "0123456789012345"), NULL, NULL, NULL },
	{ BYTES(SIGNATURE "\x21\x32\0\xe2" HUNDRED HUNDRED "0123456789012345\2\0\7a.b.com"), NULL,
	  NULL, "a.b.com" },
	/* nothing to keep: no value, one of no use, one that is not known */
	{ BYTES(SIGNATURE "\x21\x11\0\x15" INET "\2\0\0\4\0\0\xea\0\0"), "192.0.2.1:12345",
	  "198.51.100.2:443", NULL },
	{ BYTES(SIGNATURE "\x21\x11\0\x1b" INET "\4\0\2\0\0\2\0\7a.b.com"), "192.0.2.1:12345",
	  "198.51.100.2:443", "a.b.com" },
	/* of two, the first */
	{ BYTES(SIGNATURE "\x21\x11\0\x1a" INET "\2\0\3a.b\2\0\5c.d.e"), "192.0.2.1:12345",
	  "198.51.100.2:443", "a.b" },
	/* an authority within the vector on SSL is none */
	{ BYTES(SIGNATURE "\x21\x11\0\x1a" INET "\x20\0\xb\1\0\0\0\0\2\0\3a.b"), "192.0.2.1:12345",
	  "198.51.100.2:443", NULL },
	/* the checksum before what it is of, and behind it */
	{ BYTES(SIGNATURE "\x21\x11\0\x19" INET "\3\0\4\xbc\xd2\x70\x82\2\0\3a.b"),
	  "192.0.2.1:12345", "198.51.100.2:443", "a.b" },
	{ BYTES(SIGNATURE "\x21\x11\0\x13" INET "\3\0\4\xc8\xcc\xd4\xb7"), "192.0.2.1:12345",
	  "198.51.100.2:443", NULL },
};

enum { VALID = sizeof(valid) / sizeof(*valid) };

/* A header with the bytes that its reader was given. */
struct read {
	struct proxy_header header;
	struct proxy_texts texts;
	size_t used;
};

/* Reads from memory of that exact size, so that a sanitizer sees a read beyond it. */
static enum proxy_progress read_on(struct read *read, const char *bytes, size_t size)
{
	char *exact = malloc(size > 0 ? size : 1);
	enum proxy_progress progress;
	size_t used;

	assert_non_null(exact);
	if (size > 0)
		memcpy(exact, bytes, size);
	progress = proxy_header_read(&read->header, &read->texts, exact, size, &used);
	free(exact);
	assert_true(used <= size);
	if (progress == PROXY_INCOMPLETE)
		assert_true(size - used <= PROXY_REST_MOST);
	if (progress != PROXY_INVALID)
		assert_true(proxy_header_is_sound(&read->header));
	read->used += used;
	return progress;
}

static void expect_net(const struct net *net, uint16_t port, const char *text)
{
	char shown[ADDR_TEXT];

	if (text)
		assert_string_equal(net_write(net, port, shown), text);
	else
		assert_int_equal(net->family, AF_UNSPEC);
}

static void expect_facts(const struct read *read, const struct expected *e)
{
	const struct proxy_facts *f = &read->header.facts;
	size_t length;
	const char *authority = proxy_facts_text(f, &read->texts, PROXY_TEXT_authority, &length);

	expect_net(&f->source, f->source_port, e->source);
	expect_net(&f->destination, f->destination_port, e->destination);
	assert_int_equal(f->version, e->bytes[0] == 'P' ? 1 : 2);
	assert_int_equal(length, e->authority ? strlen(e->authority) : 0);
	assert_true(length == 0 || memcmp(authority, e->authority, length) == 0);
	assert_int_equal(read->used, e->size);
}

static void read__of_valid_header__gives_its_facts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < VALID; i++) {
		struct read read = { 0 };

		if (read_on(&read, valid[i].bytes, valid[i].size) != PROXY_COMPLETE)
			fail_msg("header %u: %s", i,
				 proxy_error_name((enum proxy_error)read.header.error));
		expect_facts(&read, &valid[i]);
	}
}

static void read__with_payload_behind__uses_the_header_alone(void **state)
{
	char bytes[512];

	(void)state;
	for (unsigned i = 0; i < VALID; i++) {
		struct read read = { 0 };

		memcpy(bytes, valid[i].bytes, valid[i].size);
		memcpy(bytes + valid[i].size, "PROXY \r\n", 8);
		assert_int_equal(read_on(&read, bytes, valid[i].size + 8), PROXY_COMPLETE);
		expect_facts(&read, &valid[i]);
	}
}

static void read__of_each_prefix__is_incomplete(void **state)
{
	(void)state;
	for (unsigned i = 0; i < VALID; i++)
		for (size_t size = 0; size < valid[i].size; size++) {
			struct read read = { 0 };

			assert_int_equal(read_on(&read, valid[i].bytes, size), PROXY_INCOMPLETE);
		}
}

static void read__cut_at_each_byte__goes_on(void **state)
{
	(void)state;
	for (unsigned i = 0; i < VALID; i++)
		for (size_t cut = 0; cut < valid[i].size; cut++) {
			struct read read = { 0 };

			read_on(&read, valid[i].bytes, cut);
			assert_int_equal(read_on(&read, valid[i].bytes + read.used,
						 valid[i].size - read.used),
					 PROXY_COMPLETE);
			expect_facts(&read, &valid[i]);
		}
}

static void read__byte_by_byte__goes_on(void **state)
{
	(void)state;
	for (unsigned i = 0; i < VALID; i++) {
		struct read read = { 0 };
		size_t size = 1;

		for (;
		     read_on(&read, valid[i].bytes + read.used, size - read.used) != PROXY_COMPLETE;
		     size++)
			assert_true(size < valid[i].size);
		expect_facts(&read, &valid[i]);
	}
}

/* A reader that takes what is missing, and no more, never takes payload. */
static void missing__never_goes_beyond_the_header(void **state)
{
	(void)state;
	for (unsigned i = 0; i < VALID; i++) {
		struct read read = { 0 };
		size_t size = 0;

		do {
			size_t missing = proxy_header_missing(
				&read.header, valid[i].bytes + read.used, size - read.used);

			assert_in_range(missing, 1, valid[i].size - size);
			size += missing;
		} while (read_on(&read, valid[i].bytes + read.used, size - read.used) ==
			 PROXY_INCOMPLETE);
		expect_facts(&read, &valid[i]);
	}
}

static const struct {
	const char *bytes;
	size_t size;
	enum proxy_error error;
} wrong[] = {
	{ BYTES("G"), PROXY_ERROR_no_header },
	{ BYTES("GET / HTTP/1.0\r\n\r\n"), PROXY_ERROR_no_header },
	{ BYTES("POST / HTTP/1.0\r\n\r\n"), PROXY_ERROR_no_header },
	{ BYTES("PROXY\tTCP4"), PROXY_ERROR_no_header },
	{ BYTES("PROXY\r\n"), PROXY_ERROR_no_header },
	{ BYTES("proxy TCP4 "), PROXY_ERROR_no_header },
	{ BYTES(" PROXY TCP4"), PROXY_ERROR_no_header },
	{ BYTES("\r\n\r\n\r\n"), PROXY_ERROR_no_header },
	{ BYTES("\r\n\r\n\0\r\nQUIT\r"), PROXY_ERROR_no_header },
	{ BYTES("\x16\3\1\2\0"), PROXY_ERROR_no_header },
	{ BYTES("\0"), PROXY_ERROR_no_header },
	{ BYTES("PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n"), PROXY_ERROR_line_protocol },
	{ BYTES("PROXY TCP5 "), PROXY_ERROR_line_protocol },
	{ BYTES("PROXY TCP4\r\n"), PROXY_ERROR_line_protocol },
	{ BYTES("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n"), PROXY_ERROR_line_protocol },
	{ BYTES("PROXY UNKNOWNS\r\n"), PROXY_ERROR_line_protocol },
	{ BYTES("PROXY UNKNOWN\n"), PROXY_ERROR_line_protocol },
	{ BYTES("PROXY \r\n"), PROXY_ERROR_line_protocol },
	{ BYTES("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n"), PROXY_ERROR_line_source },
	{ BYTES("PROXY TCP4 \r\n"), PROXY_ERROR_line_source },
	{ BYTES("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n"), PROXY_ERROR_line_source },
	{ BYTES("PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n"), PROXY_ERROR_line_source },
	{ BYTES("PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n"), PROXY_ERROR_line_source },
	{ BYTES("PROXY TCP4 1.2.3.4\0 1.2.3.4 1 2\r\n"), PROXY_ERROR_line_source },
	{ BYTES("PROXY TCP4 ::1 ::1 1 2\r\n"), PROXY_ERROR_line_source },
	{ BYTES("PROXY TCP6 1.2.3.4 ::1 1 2\r\n"), PROXY_ERROR_line_source },
	{ BYTES("PROXY TCP6 1::2::3 ::1 1 2\r\n"), PROXY_ERROR_line_source },
	{ BYTES("PROXY TCP6 fe80::1%lo ::1 1 2\r\n"), PROXY_ERROR_line_source },
	{ BYTES("PROXY TCP6 [::1] ::1 1 2\r\n"), PROXY_ERROR_line_source },
	{ BYTES("PROXY TCP6 12345::1 ::1 1 2\r\n"), PROXY_ERROR_line_source },
	{ BYTES("PROXY TCP4 1.2.3.4\r\n"), PROXY_ERROR_line_destination },
	{ BYTES("PROXY TCP4 1.2.3.4 ::1 1 2\r\n"), PROXY_ERROR_line_destination },
	{ BYTES("PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n"), PROXY_ERROR_line_destination },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4\r\n"), PROXY_ERROR_line_source_port },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n"), PROXY_ERROR_line_source_port },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n"), PROXY_ERROR_line_source_port },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 100000 2\r\n"), PROXY_ERROR_line_source_port },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n"), PROXY_ERROR_line_source_port },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n"), PROXY_ERROR_line_source_port },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"), PROXY_ERROR_line_destination_port },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n"), PROXY_ERROR_line_destination_port },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 0x2\r\n"), PROXY_ERROR_line_destination_port },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 00\r\n"), PROXY_ERROR_line_destination_port },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n"), PROXY_ERROR_line_end },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n"), PROXY_ERROR_line_end },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n"), PROXY_ERROR_line_end },
	{ BYTES("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rX"), PROXY_ERROR_line_end },
	{ BYTES("PROXY TCP4 1.2.3.4\n"), PROXY_ERROR_line_end },
	{ BYTES("PROXY TCP4 " HUNDRED), PROXY_ERROR_line_too_long },
	{ BYTES("PROXY UNKNOWN " HUNDRED "\r\n"), PROXY_ERROR_line_too_long },
	{ BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 655350\r\n"),
	  PROXY_ERROR_line_too_long },
	{ BYTES(SIGNATURE "\x11\x11\0\xc" INET), PROXY_ERROR_version },
	{ BYTES(SIGNATURE "\x31\x11\0\xc" INET), PROXY_ERROR_version },
	{ BYTES(SIGNATURE "\0\0\0\0"), PROXY_ERROR_version },
	{ BYTES(SIGNATURE "\x22\x11\0\xc" INET), PROXY_ERROR_command },
	{ BYTES(SIGNATURE "\x2f\0\0\0"), PROXY_ERROR_command },
	{ BYTES(SIGNATURE "\x21\x41\0\xc" INET), PROXY_ERROR_family },
	{ BYTES(SIGNATURE "\x21\xf1\0\0"), PROXY_ERROR_family },
	{ BYTES(SIGNATURE "\x21\x13\0\xc" INET), PROXY_ERROR_transport },
	{ BYTES(SIGNATURE "\x21\x1f\0\xc" INET), PROXY_ERROR_transport },
	{ BYTES(SIGNATURE "\x21\x11\0\0"), PROXY_ERROR_address_cut },
	{ BYTES(SIGNATURE "\x21\x11\0\xb"), PROXY_ERROR_address_cut },
	{ BYTES(SIGNATURE "\x21\x12\0\xb"), PROXY_ERROR_address_cut },
	{ BYTES(SIGNATURE "\x21\x21\0\x23"), PROXY_ERROR_address_cut },
	{ BYTES(SIGNATURE "\x21\x31\0\xd7"), PROXY_ERROR_address_cut },
	{ BYTES(SIGNATURE "\x21\x11\0\xd" INET), PROXY_ERROR_vector_cut },
	{ BYTES(SIGNATURE "\x21\x11\0\xe" INET "\4\0"), PROXY_ERROR_vector_cut },
	{ BYTES(SIGNATURE "\x21\x11\0\xf" INET "\4\0\1"), PROXY_ERROR_vector_cut },
	{ BYTES(SIGNATURE "\x21\x11\0\xf" INET "\4\xff\xff"), PROXY_ERROR_vector_cut },
	{ BYTES(SIGNATURE "\x21\x11\0\x11" INET "\2\0\3a."), PROXY_ERROR_vector_cut },
	{ BYTES(SIGNATURE "\x21\x11\0\x12" INET "\4\0\1x\4\0"), PROXY_ERROR_vector_cut },
	{ BYTES(SIGNATURE "\x21\x11\2\0" INET "\2\1\0"), PROXY_ERROR_authority_too_long },
	{ BYTES(SIGNATURE "\x21\x11\2\0" INET "\5\0\x81"), PROXY_ERROR_unique_id_too_long },
	{ BYTES(SIGNATURE "\x21\x11\0\x13" INET "\x20\0\4\1\0\0\0"), PROXY_ERROR_ssl_cut },
	{ BYTES(SIGNATURE "\x21\x11\0\x18" INET "\x20\0\6\1\0\0\0\0\x21\4\0\0"),
	  PROXY_ERROR_ssl_vector_cut },
	{ BYTES(SIGNATURE "\x21\x11\0\x1b" INET "\x20\0\x8\1\0\0\0\0\x21\0\1\4\0\0\0"),
	  PROXY_ERROR_ssl_vector_cut },
	{ BYTES(SIGNATURE "\x21\x11\0\x12" INET "\3\0\3\0\0\0"), PROXY_ERROR_checksum_size },
	{ BYTES(SIGNATURE "\x21\x11\0\x14" INET "\3\0\5\0\0\0\0\0"), PROXY_ERROR_checksum_size },
	{ BYTES(SIGNATURE "\x21\x11\0\x1a" INET "\3\0\4\0\0\0\0\3\0\4\0\0\0\0"),
	  PROXY_ERROR_checksum_twice },
	{ BYTES(SIGNATURE "\x21\x11\0\x13" INET "\3\0\4\0\0\0\0"), PROXY_ERROR_checksum_wrong },
	{ BYTES(SIGNATURE "\x21\x11\0\x13" INET "\3\0\4\xc8\xcc\xd4\xb6"),
	  PROXY_ERROR_checksum_wrong },
};

enum { WRONG = sizeof(wrong) / sizeof(*wrong) };

static void read__of_wrong_header__names_what_is_wrong(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WRONG; i++) {
		struct read read = { 0 };

		if (read_on(&read, wrong[i].bytes, wrong[i].size) != PROXY_INVALID)
			fail_msg("header %u, which is wrong (%s), was taken", i,
				 proxy_error_name(wrong[i].error));
		if (read.header.error != wrong[i].error)
			fail_msg("header %u: %s, not %s", i,
				 proxy_error_name((enum proxy_error)read.header.error),
				 proxy_error_name(wrong[i].error));
	}
}

/* As soon as the byte has come that makes it wrong, if not before. */
static void read__of_wrong_header_byte_by_byte__names_the_same(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WRONG; i++) {
		struct read read = { 0 };
		enum proxy_progress progress = PROXY_INCOMPLETE;

		for (size_t size = 1; size <= wrong[i].size && progress == PROXY_INCOMPLETE; size++)
			progress = read_on(&read, wrong[i].bytes + read.used, size - read.used);
		assert_int_equal(progress, PROXY_INVALID);
		assert_int_equal(read.header.error, wrong[i].error);
	}
}

static void errors__have_a_test_each(void **state)
{
	bool is_tested[PROXY_ERRORS] = {
		[PROXY_ERROR_none] = true, [PROXY_ERROR_incomplete] = true
	};

	(void)state;
	for (unsigned i = 0; i < WRONG; i++)
		is_tested[wrong[i].error] = true;
	for (unsigned i = 0; i < PROXY_ERRORS; i++)
		if (!is_tested[i])
			fail_msg("no header is wrong by %s", proxy_error_name((enum proxy_error)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read__of_valid_header__gives_its_facts),
		cmocka_unit_test(read__with_payload_behind__uses_the_header_alone),
		cmocka_unit_test(read__of_each_prefix__is_incomplete),
		cmocka_unit_test(read__cut_at_each_byte__goes_on),
		cmocka_unit_test(read__byte_by_byte__goes_on),
		cmocka_unit_test(missing__never_goes_beyond_the_header),
		cmocka_unit_test(read__of_wrong_header__names_what_is_wrong),
		cmocka_unit_test(read__of_wrong_header_byte_by_byte__names_the_same),
		cmocka_unit_test(errors__have_a_test_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
