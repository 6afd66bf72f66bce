/* SPDX-License-Identifier: MIT */
/* Tests of base/proxy_build: what it writes, and that the reader gives the same facts back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/proxy_header.h"

static struct addr addr_of(const char *text)
{
	struct addr addr;
	struct err err;

	assert_int_equal(addr_resolve(text, &addr, 1, &err), 1);
	return addr;
}

static size_t build(unsigned version, const char *source, const char *destination, char *to)
{
	struct addr from = addr_of(source), at = addr_of(destination);
	struct proxy_build build = { .version = version, .source = &from, .destination = &at };

	return proxy_header_build(&build, to);
}

static void expect_line(const char *source, const char *destination, const char *line)
{
	char header[PROXY_BUILD_MOST];
	size_t size = build(1, source, destination, header);

	assert_int_equal(size, strlen(line));
	assert_memory_equal(header, line, size);
}

static void build__of_version_1__writes_the_line(void **state)
{
	(void)state;
	expect_line("192.0.2.1:1", "198.51.100.2:65535",
		    "PROXY TCP4 192.0.2.1 198.51.100.2 1 65535\r\n");
	expect_line("[2001:db8::1]:1", "[::1]:2", "PROXY TCP6 2001:db8::1 ::1 1 2\r\n");
	expect_line("[::ffff:192.0.2.1]:1", "192.0.2.2:2",
		    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n");
	expect_line("192.0.2.1:1", "[::1]:2", "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n");
	expect_line("unix:/a", "unix:/b", "PROXY UNKNOWN\r\n");
	expect_line("192.0.2.1:1", "unix:/b", "PROXY UNKNOWN\r\n");
}

static void read(const char *bytes, size_t size, struct proxy_header *header,
		 struct proxy_texts *texts)
{
	size_t used;

	*header = (struct proxy_header){ 0 };
	assert_int_equal(proxy_header_read(header, texts, bytes, size, &used), PROXY_COMPLETE);
	assert_int_equal(used, size);
}

static void expect_read(const char *source, const char *destination, const char *read_source,
			const char *read_destination)
{
	char bytes[PROXY_BUILD_MOST], shown[ADDR_TEXT];
	struct proxy_header header;
	const struct proxy_facts *f = &header.facts;

	for (unsigned version = 1; version <= 2; version++) {
		read(bytes, build(version, source, destination, bytes), &header, NULL);
		assert_int_equal(f->version, version);
		assert_string_equal(net_write(&f->source, f->source_port, shown), read_source);
		assert_string_equal(net_write(&f->destination, f->destination_port, shown),
				    read_destination);
	}
}

static void build__of_addresses__is_read_back(void **state)
{
	(void)state;
	expect_read("192.0.2.1:1", "198.51.100.2:65535", "192.0.2.1:1", "198.51.100.2:65535");
	expect_read("[2001:db8::1]:1", "[::1]:2", "[2001:db8::1]:1", "[::1]:2");
	expect_read("192.0.2.1:1", "[::1]:2", "192.0.2.1:1", "[::1]:2");
	expect_read("[2001:db8::1]:1", "192.0.2.1:2", "[2001:db8::1]:1", "192.0.2.1:2");
	expect_read("[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.2]:2", "192.0.2.1:1", "192.0.2.2:2");
}

static void build__of_paths__writes_the_block_of_unix(void **state)
{
	char bytes[PROXY_BUILD_MOST];
	struct proxy_header header;

	(void)state;
	assert_int_equal(build(2, "unix:/a", "unix:/run/b", bytes), 16 + 216);
	assert_int_equal((uint8_t)bytes[13], 0x31);
	assert_string_equal(bytes + 16, "/a");
	assert_string_equal(bytes + 16 + 108, "/run/b");
	read(bytes, 16 + 216, &header, NULL);
	assert_false(proxy_facts_are_any(&header.facts));
}

static void build__of_unknown_ends__says_so(void **state)
{
	const struct addr one = addr_of("192.0.2.1:1"), path = addr_of("unix:/a");
	struct proxy_build build = { .version = 2, .source = &one };
	char bytes[PROXY_BUILD_MOST];

	(void)state;
	assert_int_equal(proxy_header_build(&build, bytes), 16);
	assert_memory_equal(bytes + 12, "\x21\0\0\0", 4);
	build.destination = &path;
	assert_int_equal(proxy_header_build(&build, bytes), 16);
	assert_memory_equal(bytes + 12, "\x21\0\0\0", 4);
}

static void build__of_local__has_nothing_else(void **state)
{
	const struct addr one = addr_of("192.0.2.1:1");
	struct proxy_build build = { .version = 2,
				     .is_local = true,
				     .source = &one,
				     .destination = &one,
				     .has_ssl = true,
				     .has_checksum = true };
	char bytes[PROXY_BUILD_MOST];

	(void)state;
	assert_int_equal(proxy_header_build(&build, bytes), 16);
	assert_memory_equal(bytes, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);
	build.version = 1;
	assert_int_equal(proxy_header_build(&build, bytes), 15);
	assert_memory_equal(bytes, "PROXY UNKNOWN\r\n", 15);
}

/* Every text, as long as its row allows. */
static void build__with_all_there_is__is_read_back(void **state)
{
	const struct addr one = addr_of("[2001:db8::1]:1");
	struct proxy_build build = { .version = 2,
				     .source = &one,
				     .destination = &one,
				     .has_ssl = true,
				     .ssl_client = PROXY_SSL_USED | PROXY_SSL_CERT_CONN,
				     .ssl_verify = 0x12345678,
				     .has_checksum = true };
	static struct proxy_texts texts, found;
	struct proxy_build again = {
		.version = 2, .source = &one, .destination = &one, .has_checksum = true
	};
	char bytes[PROXY_BUILD_MOST], copy[PROXY_BUILD_MOST];
	struct proxy_header header;
	size_t size;

	(void)state;
	for (unsigned i = 0; i < PROXY_TEXTS; i++) {
		build.texts[i] = (char *)&texts + proxy_text_rows[i].at;
		build.lengths[i] = proxy_text_rows[i].most;
		memset((char *)&texts + proxy_text_rows[i].at, 'a' + (int)i,
		       proxy_text_rows[i].most);
	}
	size = proxy_header_build(&build, bytes);
	assert_true(size <= sizeof(bytes));
	read(bytes, size, &header, &found);
	assert_int_equal(header.has_checksum, 1);
	assert_int_equal(header.facts.ssl_verify, 0x12345678);
	assert_memory_equal(&found, &texts, sizeof(texts));
	/* the facts of one header build the next */
	proxy_build_set_facts(&again, &header.facts, &found);
	assert_int_equal(proxy_header_build(&again, copy), size);
	assert_memory_equal(copy, bytes, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(build__of_version_1__writes_the_line),
		cmocka_unit_test(build__of_addresses__is_read_back),
		cmocka_unit_test(build__of_paths__writes_the_block_of_unix),
		cmocka_unit_test(build__of_unknown_ends__says_so),
		cmocka_unit_test(build__of_local__has_nothing_else),
		cmocka_unit_test(build__with_all_there_is__is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
