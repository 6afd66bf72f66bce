/* SPDX-License-Identifier: MIT */
/* Compares names of hosts. It looks no name up, and knows no certificate. */
#include "tls/names.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_MOST = 63 };

static char to_small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* The underscore is in names of services, and browsers ask for such names. */
static bool is_of_label(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_address(const char *name)
{
	struct in_addr number;

	return inet_pton(AF_INET, name, &number) == 1;
}

/* Labels of 1 to 63 letters, digits and the like, with single dots between them. */
static bool has_good_labels(const char *name)
{
	for (const char *at = name;; at++) {
		size_t length = 0;

		while (is_of_label(at[length]))
			length++;
		if (length == 0 || length > LABEL_MOST)
			return false;
		at += length;
		if (*at != '.')
			return *at == '\0';
	}
}

/* Copies the bytes; one dot at the end means the same name (RFC 1034, section 3.1). */
static bool copy_small(const char *bytes, size_t length, char *name)
{
	if (length > 0 && bytes[length - 1] == '.')
		length--;
	if (length == 0 || length >= TLS_NAME_SIZE || memchr(bytes, '\0', length) != NULL)
		return false;
	for (size_t i = 0; i < length; i++)
		name[i] = to_small(bytes[i]);
	name[length] = '\0';
	return true;
}

bool tls_names_read(const void *bytes, size_t length, char *name)
{
	return copy_small(bytes, length, name) && has_good_labels(name) && !is_address(name);
}

bool tls_names_read_pattern(const void *bytes, size_t length, char *pattern)
{
	if (!copy_small(bytes, length, pattern) || is_address(pattern))
		return false;
	return has_good_labels(strncmp(pattern, "*.", 2) == 0 ? pattern + 2 : pattern);
}

bool tls_names_has(const struct tls_names *names, const char *pattern)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->list[i], pattern) == 0)
			return true;
	return false;
}

bool tls_names_add(struct tls_names *names, const void *bytes, size_t length)
{
	char pattern[TLS_NAME_SIZE], **more;

	if (!tls_names_read_pattern(bytes, length, pattern) || tls_names_has(names, pattern))
		return true;
	more = reallocarray(names->list, names->count + 1, sizeof(*more));
	if (more == NULL)
		return false;
	names->list = more;
	more[names->count] = strdup(pattern);
	return more[names->count] != NULL && ++names->count > 0;
}

void tls_names_free(struct tls_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
	*names = (struct tls_names){ 0 };
}

static bool is_covered(const char *pattern, const char *name)
{
	const char *dot = strchr(name, '.');

	return strncmp(pattern, "*.", 2) == 0 && dot != NULL && strcmp(pattern + 1, dot) == 0;
}

enum tls_cover tls_names_cover(const struct tls_names *names, const char *name)
{
	enum tls_cover best = COVER_NONE;

	for (size_t i = 0; i < names->count && best != COVER_EXACT; i++) {
		if (strcmp(names->list[i], name) == 0)
			best = COVER_EXACT;
		else if (is_covered(names->list[i], name))
			best = COVER_WILDCARD;
	}
	return best;
}
