/* SPDX-License-Identifier: MIT */
/* Contexts of a configuration in a text, for tests. */
#ifndef UNIT_CONTEXTS_H
#define UNIT_CONTEXTS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/conf.h"
#include "tls/context.h"

/* What @ stands for is the folder. NAME is that of a certificate (unit/certified.h). */
#define FILES(name)                   "certificate = \"@/" name ".pem\"  key = \"@/" name ".key\" "
#define SECTION(title, name, options) "tls " title " { " FILES(name) options "}\n"
#define LISTEN(title)                 "listen 1 { service = echo  tls = " title " }\n"

struct contexts {
	struct conf *conf;
	struct tls_sites *sites;
	struct tls_ticket_keys keys;
};

/* The text with the folder in the place of each @. */
void contexts_write(const char *folder, const char *text, char *to, size_t size);

/* False with err: the files are wrong. contexts_close frees then too. */
bool contexts_try(struct contexts *set, const char *folder, const char *text, struct err *err);

/* Makes and warms up, or fails the test. */
void contexts_open(struct contexts *set, const char *folder, const char *text);
void contexts_close(struct contexts *set);

/* cmocka's setup of a group: a folder (unit/folder.h) of certificates. */
int contexts_make_files(void **state);

#endif
