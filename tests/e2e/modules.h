/* SPDX-License-Identifier: MIT */
/* Servers with the modules of tests/modules, which are copied to where any user can read them. */
#ifndef E2E_MODULES_H
#define E2E_MODULES_H

#include "harness.h"

/* The copy's path, "FOLDER/in_use.so": each test has one folder. */
extern char modules_path[96];

/* Copies the built module of that name there, as an installation does: by a rename. */
void modules_install(const char *name);

/* "127.0.0.1:0=module,module=PATH" with these options after it ("" or ",NAME=VALUE"); static. */
const char *modules_listen(const char *options);

/* A new folder and the module of that name in it; before server_start. */
void modules_begin(const char *name);

/* The number of connections that ended for that reason. */
unsigned modules_ended(struct server *s, const char *reason);

#endif
