/* SPDX-License-Identifier: MIT */
/* libconfuse's syntax errors, in this program's words. */
#ifndef CONFIG_CONF_ERROR_H
#define CONFIG_CONF_ERROR_H

#include <stdarg.h>

#include "base/err.h"
#include "config/place.h"

/* Fills err from libconfuse's format and parameters; section is its name there. */
void conf_error_translate(const char *section, const char *format, va_list parameters,
			  struct place place, struct err *err);

/* Fills err: `FILE:LINE: backlgo: unknown option (did you mean backlog?)`. */
void conf_error_unknown(const char *section, const char *name, struct place place, struct err *err);

/* Fills err when libconfuse failed without a message. */
void conf_error_last_resort(struct place place, struct err *err);

#endif
