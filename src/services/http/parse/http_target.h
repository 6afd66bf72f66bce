/* SPDX-License-Identifier: MIT */
/*
 * The path of a request's target as the name of a file: decoded once, then its slashes merged and
 * its dot segments removed (RFC 3986 2.1, 2.4, 5.2.4). Pure: it opens nothing and
 * follows no symlink. For HTTP services, in a worker.
 *
 *   /a//b/%2e%2e/c%20d/ --> "a/c d", ends_with_slash
 */
#ifndef SERVICES_HTTP_HTTP_TARGET_H
#define SERVICES_HTTP_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "services/http/parse/http_text.h"

struct http_target {
	size_t length;        /* of the path, without its NUL; 0: the root */
	bool ends_with_slash; /* or with a dot segment: a folder is meant */
	bool has_hidden;      /* a component begins with a dot */
};

/*
 * Writes the path that raw, the request's path as it was sent, names below the root: relative, no
 * component empty, . or .., any byte but control characters, ended with a NUL. path: size bytes of
 * the caller's, at least 1. Returns 0, or the status of the refusal: 400 for a raw path that does
 * not begin with a slash, a wrong or incomplete %xx, %2f, a control character, a .. above the root;
 * 414 when size does not suffice. path and target may then hold anything.
 */
unsigned http_target_decode(struct http_text raw, char *path, size_t size,
			    struct http_target *target);

/*
 * True when the decoded path is the prefix, decoded as well, or below it: on whole names, so that
 * img is no prefix of imgage. All is below an empty one.
 */
bool http_target_is_below(const char *path, size_t length, struct http_text prefix);

/*
 * A path of a configuration, which begins with a slash, as a prefix for it: without the slashes
 * around it, and not decoded. That of an empty text is empty.
 */
struct http_text http_target_prefix(struct http_text path);

/* Writes a decoded path as the path of a target: http_target_decode has it back. */
void http_target_escape(struct strbuf *text, const char *path, size_t length);

#endif
