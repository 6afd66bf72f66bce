/* SPDX-License-Identifier: MIT */
/* A server with an access log, and checks of that log: for the tests of the access log. */
#include "accessbook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 20 };

char accessbook_path[96];

struct server *accessbook_start(struct plan plan)
{
	static char option[128];

	snprintf(accessbook_path, sizeof(accessbook_path), "%s/access", harness_folder());
	snprintf(option, sizeof(option), "log.access=%s", accessbook_path);
	for (unsigned i = 0; i < 10; i++) {
		if (plan.set[i])
			continue;
		plan.set[i] = option;
		return server_start(&plan);
	}
	fail_msg("too many options");
	return NULL;
}

char *accessbook_read(const char *name)
{
	FILE *file = fopen(name, "re");
	static char *text;
	size_t used = 0, n = 1;

	free(text);
	text = malloc(MOST);
	assert_non_null(text);
	while (file && n > 0) {
		n = fread(text + used, 1, MOST - 1 - used, file);
		used += n;
	}
	if (file)
		fclose(file);
	text[used] = '\0';
	return text;
}

unsigned accessbook_count(const char *in, const char *what)
{
	unsigned n = 0;

	while ((in = strstr(in, what)) != NULL) {
		in += strlen(what);
		n++;
	}
	return n;
}

unsigned accessbook_lines(void)
{
	return accessbook_count(accessbook_read(accessbook_path), "\n");
}

void accessbook_expect(struct server *s, const char *what)
{
	if (accessbook_count(accessbook_read(accessbook_path), what) != 1)
		server_fail(s, "not once \"%s\" in the access log:\n%s", what,
			    accessbook_read(accessbook_path));
}
