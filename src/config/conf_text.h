/* SPDX-License-Identifier: MIT */
/*
 * The text of a configuration file, made ready for libconfuse: read whole and bounded, with
 * comments blanked (libconfuse 3.3 counts lines wrongly after a comment), variables replaced by
 * their values, and refused where libconfuse would be silent or worse: NUL bytes, variables that
 * are not set, strings and braces without an end, characters that it drops.
 */
#ifndef CONFIG_CONF_TEXT_H
#define CONFIG_CONF_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

enum { CONF_TEXT_MOST = 4 * 1024 * 1024 }; /* bytes of one file */

struct conf_text {
	char *bytes; /* owned; a NUL follows the last */
	size_t size;
	dev_t device; /* which file it is */
	ino_t inode;
};

/*
 * Reads the file at path; `name` is what messages call it. False with err (CODE_CONFIG,
 * CODE_NOPERM): `NAME: why`. Owner: the caller, conf_text_free. A pipe is read until its end,
 * which must come within seconds.
 */
bool conf_text_read(struct conf_text *text, const char *path, const char *name, struct err *err);
void conf_text_free(struct conf_text *text);

/*
 * Checks the bytes, blanks the comments in them and puts the values of variables into them, with no
 * line more or less. False with err: `NAME:LINE: what`. Reads the environment.
 */
bool conf_text_clean(struct conf_text *text, const char *name, struct err *err);

#endif
