/* SPDX-License-Identifier: MIT */
/*
 * Which certificate serves the name that a client asks for: names are compared without case, and
 * "*" stands for one label, the leftmost (RFC 6125). Any process; only tls_names_add allocates.
 */
#ifndef TLS_NAMES_H
#define TLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { TLS_NAME_SIZE = 254 }; /* of the longest name, with its NUL */

/* The names that a certificate covers: in small letters, without a dot at the end. */
struct tls_names {
	char **list;
	size_t count;
};

/*
 * Writes the name of a client (SNI) in small letters and without a dot at the end to `name`
 * (TLS_NAME_SIZE bytes). Returns false for bytes that are no name of a host, such as an address
 * (RFC 6066, section 3): the client has given none.
 */
bool tls_names_read(const void *bytes, size_t length, char *name);

/* The same for the name in a certificate, whose leftmost label may be "*". */
bool tls_names_read_pattern(const void *bytes, size_t length, char *pattern);

/*
 * Adds the name of a certificate if it is one, once. Returns false without memory. tls_names_free
 * frees the list.
 */
bool tls_names_add(struct tls_names *names, const void *bytes, size_t length);
void tls_names_free(struct tls_names *names);

/* True when the list has that pattern, as it is written. */
bool tls_names_has(const struct tls_names *names, const char *pattern);

/* How one of the list covers the name. */
enum tls_cover { COVER_NONE, COVER_WILDCARD, COVER_EXACT };
enum tls_cover tls_names_cover(const struct tls_names *names, const char *name);

#endif
