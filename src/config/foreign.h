/* SPDX-License-Identifier: MIT */
/* What other servers call an option or a verb (tables/foreign.def), for messages. Any process. */
#ifndef CONFIG_FOREIGN_H
#define CONFIG_FOREIGN_H

/*
 * What to write instead of that name, or NULL when no other server is known to have it. Capitals
 * count as small letters.
 */
const char *foreign_option(const char *name);
const char *foreign_verb(const char *name);

#endif
