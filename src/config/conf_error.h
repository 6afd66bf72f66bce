/* SPDX-License-Identifier: MIT */
/* libconfuse's syntax errors, in this program's words. */
#ifndef CONFIG_CONF_ERROR_H
#define CONFIG_CONF_ERROR_H

#include <stdarg.h>
#include <stddef.h>

#include "base/err.h"
#include "base/file.h"

/* Where an error is, in the configuration's files. */
struct place {
	const char *file; /* owned by a struct conf_error_files */
	int line;         /* 0: no place */
};

/* Writes FILE:LINE to text (CONF_ERROR_PLACE bytes). Returns text. */
enum { CONF_ERROR_PLACE = FILE_PATH + 16 };
const char *conf_error_place(struct place place, char *text);

/* File names that must outlive the places which refer to them. Initially zeroed. */
struct conf_error_files {
	char **names;
	size_t count;
};

/* Keeps a copy of name and returns it, or NULL without memory. conf_error_drop frees all copies. */
const char *conf_error_keep(struct conf_error_files *files, const char *name);
void conf_error_drop(struct conf_error_files *files);

/* Fills err from libconfuse's format and parameters; section is its name there. */
void conf_error_translate(const char *section, const char *format, va_list parameters,
			  struct place place, struct err *err);

/* Fills err: `FILE:LINE: backlgo: unknown option (did you mean backlog?)`. */
void conf_error_unknown(const char *section, const char *name, struct place place, struct err *err);

/* Fills err when libconfuse failed without a message. */
void conf_error_last_resort(struct place place, struct err *err);

#endif
