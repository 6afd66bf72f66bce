/* SPDX-License-Identifier: MIT */
/*
 * Blocks of addresses (declared in base/addr.h): reads them, and tests whether one holds an
 * address. It calls no resolver.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/units.h"

static bool refuse_block(struct err *err, const char *text)
{
	return err_set(
		err, CODE_CONFIG,
		"\"%s\" is not a block of addresses (192.0.2.1, 10.0.0.0/8, 2001:db8::/32 or unix)",
		text);
}

/* Bits of an address; 0: the family has none. */
static unsigned bits_of(sa_family_t family)
{
	return family == AF_INET ? 32 : family == AF_INET6 ? 128 : 0;
}

static void clear_rest(struct net *net)
{
	for (unsigned bit = net->bits; bit < 128; bit++)
		net->bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static bool is_mapped(const uint8_t *bytes)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(bytes, prefix, sizeof(prefix)) == 0;
}

/* A block inside ::ffff:0:0/96 means IPv4 clients, so it is stored as that IPv4 block. */
static void unmap_net(struct net *net)
{
	if (net->family != AF_INET6 || net->bits < 96 || !is_mapped(net->bytes))
		return;
	memmove(net->bytes, net->bytes + 12, 4);
	memset(net->bytes + 4, 0, 12);
	net->family = AF_INET;
	net->bits = (uint8_t)(net->bits - 96);
}

bool net_read(const char *text, struct net *net, struct err *err)
{
	struct net read = { .family = AF_UNIX };
	char host[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "/");
	int64_t bits;

	if (strcmp(text, "unix") == 0) {
		*net = read;
		return true;
	}
	if (length >= sizeof(host))
		return refuse_block(err, text);
	memcpy(host, text, length);
	host[length] = '\0';
	read.family = strchr(host, ':') ? AF_INET6 : AF_INET;
	bits = bits_of(read.family);
	if (inet_pton(read.family, host, read.bytes) != 1)
		return refuse_block(err, text);
	if (text[length] == '/') {
		int64_t most = bits;

		if (!units_read_count(text + length + 1, &bits) || bits > most)
			return refuse_block(err, text);
	}
	read.bits = (uint8_t)bits;
	clear_rest(&read);
	unmap_net(&read);
	*net = read;
	return true;
}

bool net_block(const struct net *address, unsigned bits4, unsigned bits6, struct net *block)
{
	if (bits_of(address->family) == 0)
		return false;
	*block = *address;
	block->bits = (uint8_t)bits_of(block->family);
	unmap_net(block);
	block->bits = (uint8_t)(block->family == AF_INET ? bits4 : bits6);
	clear_rest(block);
	return true;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) & (uint8_t)(0xff00 >> rest)) == 0;
}

bool net_equal(const struct net *a, const struct net *b)
{
	return a->family == b->family && a->bits == b->bits &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool net_holds(const struct net *net, const struct addr *addr)
{
	sa_family_t family = addr->sa.sa_family;
	const uint8_t *bytes = NULL;

	if (family == AF_INET) {
		bytes = (const uint8_t *)&addr->in.sin_addr;
	} else if (family == AF_INET6) {
		bytes = addr->in6.sin6_addr.s6_addr;
		if (is_mapped(bytes)) {
			bytes += 12;
			family = AF_INET;
		}
	}
	return family == net->family && (!bytes || same_bits(net->bytes, bytes, net->bits));
}

struct addr net_to_addr(const struct net *net, uint16_t port)
{
	struct addr addr = { .sa.sa_family = net->family };

	if (net->family == AF_INET) {
		memcpy(&addr.in.sin_addr, net->bytes, 4);
		addr.in.sin_port = htons(port);
		addr.len = sizeof(addr.in);
	} else if (net->family == AF_INET6) {
		memcpy(&addr.in6.sin6_addr, net->bytes, 16);
		addr.in6.sin6_port = htons(port);
		addr.len = sizeof(addr.in6);
	} else {
		addr.sa.sa_family = AF_UNIX;
		addr.len = sizeof(addr.un.sun_family);
	}
	return addr;
}

bool net_is_host(const struct net *net)
{
	return net->bits > 0 && net->bits == bits_of(net->family);
}

const char *net_write_block(const struct net *net, char *text)
{
	unsigned most = bits_of(net->family);
	char host[INET6_ADDRSTRLEN];

	if (most == 0 || net->bits > most)
		return NULL;
	inet_ntop(net->family, net->bytes, host, sizeof(host));
	if (net->bits == most)
		snprintf(text, ADDR_TEXT, "%s", host);
	else
		snprintf(text, ADDR_TEXT, "%s/%u", host, net->bits);
	return text;
}

const char *net_write(const struct net *net, uint16_t port, char *text)
{
	struct addr addr = net_to_addr(net, port);

	return addr_write(&addr, text);
}

uint16_t net_from_addr(struct net *net, const struct addr *remote)
{
	*net = (struct net){ .family = remote->sa.sa_family };
	if (remote->sa.sa_family == AF_INET) {
		memcpy(net->bytes, &remote->in.sin_addr, 4);
		net->bits = 32;
		return ntohs(remote->in.sin_port);
	}
	if (remote->sa.sa_family == AF_INET6) {
		memcpy(net->bytes, &remote->in6.sin6_addr, 16);
		net->bits = 128;
		return ntohs(remote->in6.sin6_port);
	}
	return 0;
}
