/* SPDX-License-Identifier: MIT */
/* Formats a user's text for messages and for configuration files. It knows no option. */
#include "base/quote.h"

#include <stdbool.h>
#include <string.h>

static bool is_control(unsigned char byte)
{
	return byte < 0x20 || byte == 0x7f;
}

/* Returns the cut position at or before `at` that does not split a UTF-8 character. */
static size_t whole_characters(const char *text, size_t at)
{
	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

const char *quote_show(const char *text, char *out)
{
	size_t most = QUOTE_TEXT - sizeof("\"...\"");
	size_t len = strlen(text), used = 0;
	bool is_cut = len > most;

	if (is_cut)
		len = whole_characters(text, most);
	out[used++] = '"';
	for (size_t i = 0; i < len; i++)
		out[used++] = is_control((unsigned char)text[i]) ? '?' : text[i];
	if (is_cut)
		for (int i = 0; i < 3; i++)
			out[used++] = '.';
	out[used++] = '"';
	out[used] = '\0';
	return out;
}

static void put_hex(char c, FILE *out)
{
	fprintf(out, "\\x%02x", (unsigned char)c);
}

void quote_write(const char *text, FILE *out)
{
	fputc('"', out);
	for (const char *c = text; *c != '\0'; c++) {
		/* "${" would be replaced by an environment variable */
		if (*c == '"' || *c == '\\' || (*c == '$' && c[1] == '{'))
			fprintf(out, "\\%c", *c);
		else if (is_control((unsigned char)*c))
			put_hex(*c, out);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

/* No character may combine with the text before or after it, as in \1 and 2, or in $ and {. */
void quote_write_part(const char *text, size_t length, FILE *out)
{
	for (size_t i = 0; i < length; i++)
		if (i == 0 || is_control((unsigned char)text[i]) || strchr("\"\\$", text[i]))
			put_hex(text[i], out);
		else
			fputc(text[i], out);
}

const char *quote_list(const char *const *words, size_t count, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count && used < size; i++) {
		const char *between = i == 0 ? "" : i + 1 == count ? " or " : ", ";
		int n = snprintf(out + used, size - used, "%s%s", between, words[i]);

		used += n > 0 ? (size_t)n : 0;
	}
	return out;
}
