/* SPDX-License-Identifier: MIT */
/*
 * Writes numbers and escaped text. It knows no line, no document and no descriptor; the caller
 * chooses the form.
 */
#include "base/strbuf.h"

#include "base/hex.h"

enum { DIGITS_MOST = 20, UTF8_MOST = 4, ESCAPED_MOST = 8 };

/* The bytes that need escaping, one bit for each form. */
enum {
	LOGFMT = 1 << STRBUF_LOGFMT,
	JSON = 1 << STRBUF_JSON,
	HTML = 1 << STRBUF_HTML,
	LABEL = 1 << STRBUF_LABEL,
	SLASHED = LOGFMT | JSON | LABEL, /* forms that put a backslash before a quote */
	ALL = SLASHED | HTML
};

static const uint8_t needs_care[256] = {
	[0x00 ... 0x1f] = ALL, ['"'] = ALL,  ['&'] = HTML,     ['\''] = HTML,
	['<'] = HTML,          ['>'] = HTML, ['\\'] = SLASHED, [0x7f ... 0xff] = ALL,
};

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
			    "25262728293031323334353637383940414243444546474849"
			    "50515253545556575859606162636465666768697071727374"
			    "75767778798081828384858687888990919293949596979899";

/* Writes the digits so that they end before `end`. Returns where they start. */
static char *write_digits(char *end, uint64_t value)
{
	for (; value >= 100; value /= 100) {
		end -= 2;
		memcpy(end, pairs + value % 100 * 2, 2);
	}
	if (value >= 10) {
		end -= 2;
		memcpy(end, pairs + value * 2, 2);
	} else {
		*--end = (char)('0' + value);
	}
	return end;
}

void strbuf_hex(struct strbuf *text, uint64_t value)
{
	char digits[2 * sizeof(value)];
	unsigned count = 1;

	while (count < sizeof(digits) && value >> 4 * count > 0)
		count++;
	hex_write(digits, count, value, HEX_SMALL);
	strbuf_put(text, digits, count);
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void strbuf_uri(struct strbuf *text, const char *bytes, size_t n, const char *also)
{
	for (size_t i = 0; i < n; i++) {
		const char c = bytes[i];
		char escape[3] = { '%' };

		if (is_unreserved(c) || (c != '\0' && strchr(also, c))) {
			strbuf_put(text, &c, 1);
			continue;
		}
		hex_write(escape + 1, 2, (unsigned char)c, HEX_CAPITAL);
		strbuf_put(text, escape, sizeof(escape));
	}
}

void strbuf_u64(struct strbuf *text, uint64_t value)
{
	char digits[DIGITS_MOST], *end = digits + sizeof(digits);
	const char *from = write_digits(end, value);

	strbuf_put(text, from, (size_t)(end - from));
}

void strbuf_grouped(struct strbuf *text, uint64_t value)
{
	char digits[DIGITS_MOST], grouped[DIGITS_MOST + DIGITS_MOST / 3];
	const char *end = digits + sizeof(digits);
	size_t used = 0;

	for (const char *from = write_digits(digits + sizeof(digits), value); from < end; from++) {
		if (used > 0 && (end - from) % 3 == 0)
			grouped[used++] = ',';
		grouped[used++] = *from;
	}
	strbuf_put(text, grouped, used);
}

void strbuf_i64(struct strbuf *text, int64_t value)
{
	char digits[1 + DIGITS_MOST], *end = digits + sizeof(digits);
	char *from = write_digits(end, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);

	if (value < 0)
		*--from = '-';
	strbuf_put(text, from, (size_t)(end - from));
}

void strbuf_micros(struct strbuf *text, uint64_t millionths)
{
	char digits[DIGITS_MOST + 7], *end = digits + sizeof(digits), *point = end - 7, *from;
	uint64_t fraction = millionths % 1000000;

	/* a leading 1 keeps the zeros after the point; the point then replaces it */
	write_digits(end, 1000000 + fraction);
	*point = '.';
	from = write_digits(point, millionths / 1000000);
	while (end[-1] == '0')
		end--;
	if (end[-1] == '.')
		end--;
	strbuf_put(text, from, (size_t)(end - from));
}

/*
 * Returns the bytes of the well-formed UTF-8 character at c (RFC 3629), or 0 for none. A NUL ends
 * the string and is never a continuation byte.
 */
static size_t utf8_length(const unsigned char *c)
{
	static const struct {
		unsigned char first, last, second_first, second_last, length;
	} rows[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (c[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (c[0] < rows[i].first || c[0] > rows[i].last)
			continue;
		if (c[1] < rows[i].second_first || c[1] > rows[i].second_last)
			return 0;
		for (size_t k = 2; k < rows[i].length; k++) {
			if ((c[k] & 0xc0) != 0x80)
				return 0;
		}
		return rows[i].length;
	}
	return 0;
}

/* C0, DEL and C1. A C1 character is two bytes of UTF-8, and terminals obey it too. */
static bool is_control(const unsigned char *c)
{
	return c[0] < ' ' || c[0] == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0);
}

static size_t put_string(char *to, const char *string)
{
	size_t n = strlen(string);

	memcpy(to, string, n);
	return n;
}

static size_t put_hex(char *to, const char *before, unsigned char c)
{
	size_t n = put_string(to, before);

	hex_write(to + n, 2, c, HEX_SMALL);
	return n + 2;
}

/* Writes \n and the like. Returns 0 for a control character without a letter. */
static size_t put_letter(char *to, unsigned char c)
{
	static const char letters[] = "\bb\tt\nn\ff\rr";

	for (const char *l = letters; *l; l += 2) {
		if (*l == (char)c) {
			to[0] = '\\';
			to[1] = l[1];
			return 2;
		}
	}
	return 0;
}

static size_t put_control(enum strbuf_form form, char *to, const unsigned char *c)
{
	size_t n;

	if (form == STRBUF_LABEL && *c == '\n')
		return put_string(to, "\\n");
	if (form == STRBUF_LABEL || form == STRBUF_HTML)
		return put_string(to, "\ufffd");
	n = put_letter(to, *c);
	return n > 0 ? n : put_hex(to, "\\u00", *c == 0xc2 ? c[1] : *c);
}

static size_t put_wrong(enum strbuf_form form, char *to, unsigned char c)
{
	if (form == STRBUF_LOGFMT)
		return put_hex(to, "\\x", c);
	return put_string(to, form == STRBUF_JSON ? "\\ufffd" : "\ufffd");
}

/* Writes an ASCII character that has a meaning in the form. */
static size_t put_marked(enum strbuf_form form, char *to, char c)
{
	static const struct {
		char c;
		const char *entity;
	} rows[] = {
		{ '&', "&amp;" },
		{ '<', "&lt;" },
		{ '>', "&gt;" },
		{ '"', "&quot;" },
	};

	if (form != STRBUF_HTML) {
		to[0] = '\\';
		to[1] = c;
		return 2;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].c == c)
			return put_string(to, rows[i].entity);
	}
	return put_string(to, "&#39;");
}

/* Appends the first character, which needs escaping. Returns the number of bytes read. */
static size_t put_character(struct strbuf *text, enum strbuf_form form, const char *string,
			    size_t left)
{
	unsigned char c[UTF8_MOST + 1] = { 0 };
	char escaped[ESCAPED_MOST];
	size_t length, n;

	memcpy(c, string, strnlen(string, left < UTF8_MOST ? left : UTF8_MOST));
	length = utf8_length(c);
	if (length > 0)
		c[length] = '\0';
	if (length == 0)
		n = put_wrong(form, escaped, *c);
	else if (is_control(c))
		n = put_control(form, escaped, c);
	else if (length == 1)
		n = put_marked(form, escaped, (char)*c);
	else
		n = put_string(escaped, (const char *)c);
	strbuf_put(text, escaped, n);
	return length > 0 ? length : 1;
}

/* Appends the bytes before the first that needs escaping. Returns the number of bytes read. */
static size_t put_plain(struct strbuf *text, enum strbuf_form form, const char *string, size_t most)
{
	size_t room = text->size - text->used, n = 0;
	char *to = text->base + text->used;

	/* each byte is read once, for check and copy: another process may still be writing */
	for (; n < most; n++) {
		const char c = string[n];

		if (needs_care[(unsigned char)c] >> form & 1)
			break;
		if (n == room) {
			text->is_cut = true;
			break;
		}
		to[n] = c;
	}
	text->used += n;
	return n;
}

void strbuf_escaped(struct strbuf *text, enum strbuf_form form, const char *string, size_t most)
{
	size_t at = 0;

	while (!text->is_cut) {
		at += put_plain(text, form, string + at, most - at);
		if (text->is_cut || at == most || string[at] == '\0')
			return;
		at += put_character(text, form, string + at, most - at);
	}
}

bool strbuf_is_bare(const char *string)
{
	const unsigned char *c = (const unsigned char *)string;
	size_t length;

	for (; *c; c += length) {
		if (*c == ' ' || *c == '=' || *c == '"' || *c == '\\')
			return false;
		length = utf8_length(c);
		if (length == 0 || is_control(c))
			return false;
	}
	return c != (const unsigned char *)string;
}
