/* SPDX-License-Identifier: MIT */
/* Writes the few mdoc(7) macros that the tables need. It must not know any table. */
#include "config/manual.h"

#include <stdbool.h>
#include <string.h>

enum { WIDTH = 78 };

/* An unescaped backslash would be an escape, and a quote would end a macro's parameter. */
static void put_escaped(const char *text, size_t len, bool in_macro, FILE *out)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			fputs("\\e", out);
		else if (text[i] == '"' && in_macro)
			fputs("\\(dq", out);
		else
			fputc(text[i], out);
	}
}

static void put_parameter(const char *text, FILE *out)
{
	fputs("\"\\&", out);
	put_escaped(text, strlen(text), true, out);
	fputc('"', out);
}

void manual_begin_list(FILE *out)
{
	fputs(".Bl -tag -width Ds\n", out);
}

void manual_end_list(FILE *out)
{
	fputs(".El\n", out);
}

void manual_term(const char *macro, const char *name, const char *value, FILE *out)
{
	fprintf(out, ".It %s ", macro);
	put_parameter(name, out);
	if (value != NULL && value[0] != '\0') {
		fputs(" Ar ", out);
		put_parameter(value, out);
	}
	fputc('\n', out);
}

static bool ends_sentence(const char *word, size_t len)
{
	return len > 0 && word[len - 1] == '.';
}

void manual_text(const char *text, FILE *out)
{
	size_t column = 0;

	while (*(text += strspn(text, " ")) != '\0') {
		size_t len = strcspn(text, " ");

		if (column > 0 && column + len > WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		if (column == 0 && (text[0] == '.' || text[0] == '\''))
			fputs("\\&", out);
		else if (column > 0)
			fputc(' ', out);
		put_escaped(text, len, false, out);
		column += len + 1;
		if (ends_sentence(text, len)) {
			fputc('\n', out);
			column = 0;
		}
		text += len;
	}
	if (column > 0)
		fputc('\n', out);
}
