/* SPDX-License-Identifier: MIT */
/* Finds the hint to a name of another server. Must not know which names there are. */
#include "config/foreign.h"

#include <stddef.h>
#include <strings.h>

enum foreign_kind { FOREIGN_option, FOREIGN_verb };

static const struct {
	enum foreign_kind kind;
	const char *name, *hint;
} rows[] = {
#define FOREIGN(kind, name, hint) { FOREIGN_##kind, name, hint },
#include "tables/foreign.def"
};

static const char *find_hint(enum foreign_kind kind, const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].kind == kind && strcasecmp(rows[i].name, name) == 0)
			return rows[i].hint;
	return NULL;
}

const char *foreign_option(const char *name)
{
	return find_hint(FOREIGN_option, name);
}

const char *foreign_verb(const char *name)
{
	return find_hint(FOREIGN_verb, name);
}
