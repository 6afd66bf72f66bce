/* SPDX-License-Identifier: MIT */
/* What -t warns of: the server can start all the same. */
#ifndef CTL_WARNINGS_H
#define CTL_WARNINGS_H

#include <stdio.h>

#include "config/conf.h"
#include "tls/context.h"

/* Prints a warning; out may be NULL: nothing. */
void __attribute__((format(printf, 2, 3))) warnings_print(FILE *out, const char *format, ...);

/* Prints a warning for each option that is unlikely to do what is wanted. */
void warnings_of_options(const struct conf *conf, FILE *out);

/* Prints a warning for each certificate, key and name that is unlikely to do what is wanted. */
void warnings_of_tls(const struct tls_sites *sites, FILE *out);

#endif
