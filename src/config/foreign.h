/* SPDX-License-Identifier: MIT */
/* The names that other servers have for what has another name here (tables/foreign.def). Pure. */
#ifndef CONFIG_FOREIGN_H
#define CONFIG_FOREIGN_H

/* Where a name was written; the table says it of each. */
enum foreign_kind {
	FOREIGN_option,
	FOREIGN_main,
	FOREIGN_listen,
	FOREIGN_upstream,
	FOREIGN_tls,
	FOREIGN_l,
	FOREIGN_word,
	FOREIGN_value,
	FOREIGN_verb
};

/*
 * Returns a hint on what to write instead of the name, or NULL when the table does not have it.
 * Case is ignored.
 */
const char *foreign_find(enum foreign_kind kind, const char *name);

#endif
