/* SPDX-License-Identifier: MIT */
/* The rows of tables/foreign.def. It knows no option. */
#include "config/foreign.h"

#include <stddef.h>
#include <strings.h>

static const struct {
	enum foreign_kind kind;
	const char *name, *hint;
} rows[] = {
#define FOREIGN(kind, name, hint) { FOREIGN_##kind, name, hint },
#include "tables/foreign.def"
};

const char *foreign_find(enum foreign_kind kind, const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].kind == kind && strcasecmp(rows[i].name, name) == 0)
			return rows[i].hint;
	return NULL;
}
