/* SPDX-License-Identifier: MIT */
/*
 * Addresses, in the written form and in the kernel's form: 8080, :8080, *:8080, 127.0.0.1:8080,
 * [::1]:8080, name:8080, unix:/path; and CIDR blocks (addr_net.c). See ip(7), ipv6(7), unix(7).
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

enum { ADDR_TEXT = 160 }; /* large enough for any written address */

struct addr {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
};

/*
 * Reads text and resolves it to at most `most` addresses for bind or connect. Returns their number,
 * or 0 with err: CODE_CONFIG for a malformed text, CODE_UNAVAILABLE for an unknown name. "*", ""
 * and a bare port give one address: the IPv6 wildcard, which accepts IPv4 too, or the IPv4 wildcard
 * on a host without IPv6. The addresses of a name keep getaddrinfo(3)'s order, without duplicates;
 * IPv6 ones are skipped when this host has no IPv6 and there are IPv4 ones. Master only: calls the
 * resolver, which may block and allocates.
 */
int addr_resolve(const char *text, struct addr *found, int most, struct err *err);

/* Checks the syntax only; true when addr_resolve would accept the text. Calls no resolver. */
bool addr_check(const char *text, struct err *err);

/* The same for an address to connect to, which has a host, and a port that is not 0. */
bool addr_check_server(const char *text, struct err *err);

/*
 * Writes 127.0.0.1:80, [::1]:80 or unix:/path; an IPv4-mapped IPv6 address is written as IPv4. text
 * has ADDR_TEXT bytes. Returns text.
 */
const char *addr_write(const struct addr *addr, char *text);

/*
 * Returns what to add to the message of a bind or connect that failed with this errno, " (...)", or
 * "" when the address gives no explanation.
 */
const char *addr_hint(const struct addr *addr, int error);

/* Returns an IPv4-mapped IPv6 address as IPv4, and any other address unchanged. */
struct addr addr_unmap(const struct addr *addr);

/* True when family, address and port (or path) are the same. */
bool addr_equal(const struct addr *a, const struct addr *b);

/* A block of addresses: 10.0.0.0/8, 192.0.2.1, 2001:db8::/32, or "unix" for every unix client. */
struct net {
	sa_family_t family;
	uint8_t bits;      /* number of leading bits of bytes that count */
	uint8_t bytes[16]; /* network order; the bits after the first `bits` are zero */
};

/* Reads a block. Returns false with err (CODE_CONFIG) when text is not one. */
bool net_read(const char *text, struct net *net, struct err *err);

/* True when they are the same block. */
bool net_equal(const struct net *a, const struct net *b);

/* True for the whole address of one host: no block, and no unix client. */
bool net_is_host(const struct net *net);

/* True when the block holds the address; an IPv4-mapped IPv6 address counts as IPv4. */
bool net_holds(const struct net *net, const struct addr *addr);

/*
 * Sets *block to the block of so many leading bits that holds the address: bits4 for IPv4, mapped
 * or not, and bits6 for IPv6. False for a unix client, which has no address.
 */
bool net_block(const struct net *address, unsigned bits4, unsigned bits6, struct net *block);

/* Writes net_to_addr in the form of addr_write. text has ADDR_TEXT bytes. Returns text. */
const char *net_write(const struct net *net, uint16_t port, char *text);

/*
 * Writes 192.0.2.1 or 2001:db8::/64, without a port, to text (ADDR_TEXT bytes). Returns text, or
 * NULL when the block is of no such family, or its length is wrong.
 */
const char *net_write_block(const struct net *net, char *text);

/* Returns the address of a block of full length, with the port; a unix client has no path. */
struct addr net_to_addr(const struct net *net, uint16_t port);

/* Sets *net to the single address, with all its bits (unix: none). Returns its port, or 0. */
uint16_t net_from_addr(struct net *net, const struct addr *addr);

#endif
