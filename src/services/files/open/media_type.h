/* SPDX-License-Identifier: MIT */
/*
 * The media type of a file, by the last extension of its name: that of tables/media_types.def, else
 * that of a mime.types file, else the configured default. Text is UTF-8: a type of text/ has
 * "; charset=utf-8", so that no client guesses. text/xml has none, and neither have XML, SVG and
 * JSON: these say their encoding themselves, and a charset would overrule it (RFC 7303 3, RFC 8259
 * 11). nginx adds none, unless its option charset is set.
 */
#ifndef SERVICES_FILES_OPEN_MEDIA_TYPE_H
#define SERVICES_FILES_OPEN_MEDIA_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define MEDIA_TYPES_SYSTEM "/etc/mime.types"

enum {
	MEDIA_TYPES_MOST = 1024 * 1024, /* bytes of a mime.types file */
	MEDIA_TYPE_MOST = 127,          /* characters of a type in it */
	MEDIA_EXTENSION_MOST = 31       /* characters of an extension */
};

struct media_type {
	const char *extension, *type;
};

struct media_types {
	struct media_type *rows; /* by extension */
	size_t count;
	void *pages; /* hold the rows and their texts */
	size_t size_bytes;
};

/*
 * Reads the file at path, lines of "type extension extension ..." with comments from "#" on; the
 * last line with an extension counts, as in Apache. A malformed type or extension is skipped. Where
 * path is NULL the file is MEDIA_TYPES_SYSTEM, which may be missing. Returns false with err
 * (CODE_CONFIG, CODE_NOPERM, CODE_OSERR). The caller frees the types. Called when the configuration
 * is loaded; workers inherit the pages.
 */
bool media_types_load(const char *path, struct media_types *types, struct err *err);
void media_types_free(struct media_types *types);

/*
 * At load: false with err when the file at path cannot be read or has a line of another form, such
 * as those of nginx's mime.types.
 */
bool media_types_check(const char *path, struct err *err);

/*
 * Returns the value of Content-Type for a file of that name (`length` bytes, with or without
 * folders before it): the types' text, or default_type as it is. A name that begins with its only
 * dot has no extension. Any process; does not allocate.
 */
const char *media_types_find(const struct media_types *types, const char *name, size_t length,
			     const char *default_type);

#endif
