/* SPDX-License-Identifier: MIT */
/*
 * The text of a configuration file, prepared for libconfuse: read whole with a size limit, comments
 * blanked (libconfuse 3.3 miscounts lines after a comment), variables replaced by their values. It
 * refuses text that libconfuse would accept silently or mishandle: NUL bytes, unset variables,
 * strings and braces without an end, characters that libconfuse drops.
 */
#ifndef CONFIG_CONF_TEXT_H
#define CONFIG_CONF_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/err.h"

enum { CONF_TEXT_MOST = 4 * 1024 * 1024 }; /* bytes of one file */

struct conf_text {
	char *bytes; /* owned; a NUL follows the last byte */
	size_t size;
	dev_t device; /* with inode, the identity of the file */
	ino_t inode;
};

/*
 * Reads the file at path; `name` is its name in messages. Returns false with err (CODE_CONFIG,
 * CODE_NOPERM): `NAME: why`. The caller owns the text (conf_text_free). A pipe is read until its
 * end, which must come within seconds; one that gives no byte is refused, because it has been read
 * before, or no process writes to it.
 */
bool conf_text_read(struct conf_text *text, const char *path, const char *name, struct err *err);
void conf_text_free(struct conf_text *text);

/*
 * Checks the bytes, blanks the comments and replaces the variables by their values; the number of
 * lines is unchanged. Returns false with err: `NAME:LINE: what`. Reads the environment.
 */
bool conf_text_clean(struct conf_text *text, const char *name, struct err *err);

/*
 * Writes the replacement of the variable of `length` bytes at text, from "$" to "}", as part of a
 * double-quoted string: its value, or TEXT when it is unset or empty. Returns false with err
 * (CODE_CONFIG) when it is unset and has no TEXT, or when it is malformed.
 */
bool conf_text_variable(const char *text, size_t length, FILE *out, struct err *err);

#endif
