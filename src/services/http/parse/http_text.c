/* SPDX-License-Identifier: MIT */
/* The grammar that the values of many fields share. Each byte of a list is read once. */
#include "services/http/parse/http_text.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct http_text http_text_trim(struct http_text text)
{
	while (text.length > 0 && is_blank(text.at[text.length - 1]))
		text.length--;
	while (text.length > 0 && is_blank(*text.at)) {
		text.at++;
		text.length--;
	}
	return text;
}

bool http_text_is(struct http_text text, const char *wanted, size_t length)
{
	if (text.length != length)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = text.at[i];

		if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != wanted[i])
			return false;
	}
	return true;
}

/* Bytes up to the separator, or all. */
static size_t measure_part(struct http_text list, char separator)
{
	bool is_quoted = false;
	size_t n;

	for (n = 0; n < list.length && (is_quoted || list.at[n] != separator); n++) {
		if (list.at[n] == '"')
			is_quoted = !is_quoted;
		else if (is_quoted && list.at[n] == '\\' && n + 1 < list.length)
			n++;
	}
	return n;
}

bool http_text_next(struct http_text *list, char separator, struct http_text *part)
{
	while (list->length > 0) {
		size_t n = measure_part(*list, separator);

		*part = http_text_trim((struct http_text){ list->at, n });
		n += n < list->length;
		list->at += n;
		list->length -= n;
		if (part->length > 0)
			return true;
	}
	return false;
}

struct http_text http_text_word(const char **line)
{
	struct http_text word = { *line + strspn(*line, " \t"), 0 };

	word.length = strcspn(word.at, " \t");
	*line = word.at + word.length;
	return word;
}

unsigned http_text_status(struct http_text text)
{
	unsigned status = 0;

	if (text.length != 3)
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return 0;
		status = status * 10 + (unsigned)(text.at[i] - '0');
	}
	return status;
}
