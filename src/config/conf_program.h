/* SPDX-License-Identifier: MIT */
/*
 * The programs of a configuration (sections program, and the words after --), and the listeners
 * that belong to them. Master only; allocates.
 */
#ifndef CONFIG_CONF_PROGRAM_H
#define CONFIG_CONF_PROGRAM_H

#include <stdbool.h>

#include "base/err.h"
#include "config/conf_fields.h"

/* Frees the programs that have no listener: -l has replaced the file's. */
void conf_program_drop_unused(struct conf *conf);

/* Returns the program with that title, or NULL. */
const struct program_conf *conf_program_find(const struct conf *conf, const char *title);

/* True when the listener's connections are accepted by the copies of a program, not by workers. */
bool conf_program_owns(const struct listen_conf *listen);

/* True when a listener of conf names the program. */
bool conf_program_has_listener(const struct conf *conf, const struct program_conf *program);

/*
 * Returns false with err when a listener names no program or one that does not exist, or when a
 * program has no command or no listener.
 */
bool conf_program_check(const struct conf *conf, struct err *err);

#endif
