/* SPDX-License-Identifier: MIT */
/*
 * Addresses as people write them and as the kernel takes them: 8080, :8080, *:8080, 127.0.0.1:8080,
 * [::1]:8080, name:8080, unix:/path; and CIDR blocks (net.c). ip(7), ipv6(7), unix(7).
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

enum { ADDR_TEXT = 160 }; /* room for any written address */

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
 * Reads text and resolves it to at most `most` addresses to bind or to connect to; returns how
 * many, or 0 with err (CODE_CONFIG for a wrong text, CODE_UNAVAILABLE for an unknown name). "*", ""
 * and a bare port give one address: the IPv6 wildcard, which takes IPv4 too, or the IPv4 one on a
 * host without IPv6. Several results of a name are in getaddrinfo(3)'s order without duplicates,
 * the IPv6 ones left out where this host has no IPv6 and IPv4 ones are there. Master only: asks the
 * resolver, which may wait and allocates.
 */
int addr_resolve(const char *text, struct addr *found, int most, struct err *err);

/* Only reads text; true when addr_resolve would not call it wrong. Asks no resolver. */
bool addr_check(const char *text, struct err *err);

/*
 * Writes 127.0.0.1:80, [::1]:80 or unix:/path; IPv4 mapped in IPv6 as IPv4. Returns text (ADDR_TEXT
 * bytes).
 */
const char *addr_write(const struct addr *addr, char *text);

/* IPv4 mapped in IPv6 as IPv4, any other as it is. */
struct addr addr_unmap(const struct addr *addr);

/* Same family, address and port (or path). */
bool addr_equal(const struct addr *a, const struct addr *b);

/* A block of addresses: 10.0.0.0/8, 192.0.2.1, 2001:db8::/32, or unix for every unix client. */
struct net {
	sa_family_t family;
	uint8_t bits;      /* how many leading bits of bytes count */
	uint8_t bytes[16]; /* network order; what bits leaves over is zero */
};

/* Reads a block; false with err (CODE_CONFIG) when text is not one. */
bool net_read(const char *text, struct net *net, struct err *err);

/* True when the block holds the address; an IPv4 address mapped in IPv6 counts as IPv4. */
bool net_holds(const struct net *net, const struct addr *addr);

/*
 * Writes the client's address that a net with all its bits is, with the port, as addr_write does; a
 * unix client has no path. text: ADDR_TEXT bytes. Returns text.
 */
const char *net_write(const struct net *net, uint16_t port, char *text);

/* Sets *net to the address alone, with all its bits (unix has none), and returns its port or 0. */
uint16_t net_from_addr(struct net *net, const struct addr *addr);

#endif
