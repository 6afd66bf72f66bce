/* SPDX-License-Identifier: MIT */
/*
 * An address or a block of addresses. A text that addr_check accepts and that needs no resolver
 * must be written and read back to the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "config/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A name needs the resolver, which may wait: only literals are tested. */
static bool is_literal(const char *text)
{
	return text[0] == '[' || strncmp(text, "unix:", 5) == 0 ||
	       strspn(text, "0123456789.:*") == strlen(text);
}

static void round_trip(const char *text)
{
	struct addr first, second;
	char written[ADDR_TEXT];
	struct err err;

	if (addr_resolve(text, &first, 1, &err) != 1)
		return;
	/* an IPv4-mapped address is written as IPv4 */
	if (first.sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&first.in6.sin6_addr))
		return;
	addr_write(&first, written);
	if (addr_resolve(written, &second, 1, &err) != 1 || !addr_equal(&first, &second))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char text[512];
	struct net net;
	struct err err;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, bytes, size);
	text[size] = '\0';
	err.text[0] = '\0';
	if (!addr_check(text, &err)) {
		if (err.text[0] == '\0')
			abort();
	} else if (is_literal(text)) {
		round_trip(text);
	}
	conf_same_address(text, "8080");
	if (net_read(text, &net, &err) && net.bits > 128)
		abort();
	return 0;
}
