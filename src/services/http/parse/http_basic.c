/* SPDX-License-Identifier: MIT */
/* Decodes credentials. It does not know who may have them. */
#include "services/http/parse/http_basic.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { SCHEME = 5 }; /* bytes of "Basic" */

/* The six bits of a character, or -1. */
static int find_bits(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Padding makes the length a multiple of four; without it the end says the same. */
static bool drop_padding(struct http_text *text)
{
	size_t padded = text->length;

	while (text->length > 0 && padded - text->length < 2 && text->at[text->length - 1] == '=')
		text->length--;
	return text->length == padded || padded % 4 == 0;
}

static bool decode(struct http_basic *basic, struct http_text text)
{
	uint32_t bits = 0;
	unsigned count = 0;

	if (!drop_padding(&text) || text.length % 4 == 1)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		int value = find_bits(text.at[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		if (basic->length == HTTP_BASIC_MOST)
			return false;
		basic->bytes[basic->length++] = (char)(bits >> count & 0xff);
	}
	basic->bytes[basic->length] = '\0';
	return true;
}

static bool has_control(const struct http_basic *basic)
{
	for (size_t i = 0; i < basic->length; i++)
		if ((unsigned char)basic->bytes[i] < ' ' || basic->bytes[i] == 0x7f)
			return true;
	return false;
}

bool http_basic_read(struct http_basic *basic, struct http_text value)
{
	char *colon;

	basic->length = 0;
	if (value.at == NULL || value.length <= SCHEME || value.at[SCHEME] != ' ' ||
	    strncasecmp(value.at, "Basic", SCHEME) != 0)
		return false;
	if (!decode(basic, http_text_trim((struct http_text){ value.at + SCHEME,
							      value.length - SCHEME })) ||
	    has_control(basic))
		return false;
	colon = memchr(basic->bytes, ':', basic->length);
	if (colon == NULL)
		return false;
	*colon = '\0';
	basic->user = basic->bytes;
	basic->password = colon + 1;
	return true;
}
