/* SPDX-License-Identifier: MIT */
/* A server with an access log, and checks of that log: for the tests of the access log. */
#include "accessbook.h"

#include <regex.h>
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

void accessbook_expect_combined(struct server *s)
{
	static const char form[] =
		"^[0-9a-f.:]+ - [^][ \"]+ "
		"\\[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}(:[0-9]{2}){3} \\+0000\\] "
		"\"([^\"\\]|\\\\x[0-9A-F]{2})*\" [1-5][0-9]{2} [0-9]+ "
		"\"([^\"\\]|\\\\x[0-9A-F]{2})*\" \"([^\"\\]|\\\\x[0-9A-F]{2})*\"$";
	char *text = accessbook_read(accessbook_path), *line, *rest = NULL;
	regex_t compiled;

	assert_int_equal(regcomp(&compiled, form, REG_EXTENDED | REG_NOSUB), 0);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (regexec(&compiled, line, 0, NULL, 0) != 0)
			server_fail(s, "not the combined format: %s", line);
		for (const char *c = line; *c != '\0'; c++)
			if (*c < ' ' || *c > '~')
				server_fail(s, "a raw byte: %s", line);
	}
	regfree(&compiled);
}

void accessbook_expect_goaccess(struct server *s, unsigned lines)
{
	char command[512], report[96], *text;
	char wanted[64];

	if (system("command -v goaccess > /dev/null 2>&1") != 0)
		return;
	snprintf(report, sizeof(report), "%s/report.json", harness_folder());
	snprintf(command, sizeof(command),
		 "goaccess %s --log-format=COMBINED --no-global-config -o %s > /dev/null 2>&1 "
		 "< /dev/null",
		 accessbook_path, report);
	assert_int_equal(system(command), 0);
	text = accessbook_read(report);
	snprintf(wanted, sizeof(wanted), "\"valid_requests\": %u,", lines);
	if (!strstr(text, "\"failed_requests\": 0,") || !strstr(text, wanted))
		server_fail(s, "goaccess has read otherwise: %.700s", text);
}
