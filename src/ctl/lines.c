/* SPDX-License-Identifier: MIT */
/*
 * Writes lines, character by character, and counts their columns. Must not depend on their meaning.
 */
#include "ctl/lines.h"

#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/stdio.h"
#include "base/units.h"

enum { PIPE_WIDTH = 1000, PIPE_WIDTH_LEAST = 20, TEXT_MOST = 2048 };

/* A character in the form in which it is shown. */
struct glyph {
	char bytes[8];
	unsigned length, columns;
	size_t taken; /* bytes of the text that it stands for */
};

static struct glyph escape_byte(unsigned char byte)
{
	static const char letters[] = "\aa\bb\tt\nn\vv\ff\rr";
	struct glyph glyph = { .taken = 1 };

	for (const char *l = letters; *l != '\0'; l += 2)
		if ((unsigned char)*l == byte) {
			memcpy(glyph.bytes, (const char[]){ '\\', l[1] }, 2);
			glyph.length = glyph.columns = 2;
			return glyph;
		}
	snprintf(glyph.bytes, sizeof(glyph.bytes), "\\x%02x", byte);
	glyph.length = glyph.columns = 4;
	return glyph;
}

static struct glyph read_glyph(const struct lines *lines, const char *text)
{
	unsigned char byte = (unsigned char)*text;
	struct glyph glyph = { .length = 1, .columns = 1, .taken = 1 };
	mbstate_t state = { 0 };
	wchar_t wide;
	size_t taken;
	int columns;

	if (byte >= ' ' && byte < 0x7f) {
		glyph.bytes[0] = *text;
		return glyph;
	}
	if (byte < 0x80 || !lines->is_utf8)
		return escape_byte(byte);
	taken = mbrtowc(&wide, text, strnlen(text, MB_LEN_MAX), &state);
	if (taken == 0 || taken > sizeof(glyph.bytes))
		return escape_byte(byte);
	columns = wcwidth(wide);
	if (columns < 1)
		return escape_byte(byte);
	memcpy(glyph.bytes, text, taken);
	glyph.length = (unsigned)taken;
	glyph.taken = taken;
	glyph.columns = (unsigned)columns;
	return glyph;
}

void lines_detect(struct lines *lines)
{
	lines->has_colour = stdio_has_colour(STDOUT_FILENO);
	setlocale(LC_CTYPE, "");
	lines->is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

unsigned lines_pipe_width(void)
{
	const char *given = getenv("COLUMNS");
	int64_t columns;

	if (given == NULL || !units_read_count(given, &columns) || columns < PIPE_WIDTH_LEAST ||
	    columns > PIPE_WIDTH)
		return PIPE_WIDTH;
	return (unsigned)columns;
}

unsigned lines_text_width(const struct lines *lines, const char *text)
{
	unsigned columns = 0;

	while (*text != '\0') {
		struct glyph glyph = read_glyph(lines, text);

		columns += glyph.columns;
		text += glyph.taken;
	}
	return columns;
}

static void begin_style(const struct lines *lines, enum style style)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "",        [STYLE_HEAD] = "\033[1m",    [STYLE_DIM] = "\033[2m",
		[STYLE_GOOD] = "\033[32m", [STYLE_WARN] = "\033[33m",   [STYLE_BAD] = "\033[1;31m",
		[STYLE_BAR] = "\033[7m",   [STYLE_ALERT] = "\033[1;7m",
	};

	if (lines->has_colour)
		fputs(codes[style], lines->out);
}

static void end_style(const struct lines *lines, enum style style)
{
	if (lines->has_colour && style != STYLE_PLAIN)
		fputs("\033[0m", lines->out);
}

static void write_blanks(struct lines *lines, unsigned columns)
{
	for (; columns > 0 && lines->column < lines->width; columns--) {
		fputc(' ', lines->out);
		lines->column++;
	}
}

/* Writes text in at most `room` columns, with the mark of a cut. */
static void write_text(struct lines *lines, const char *text, unsigned room)
{
	bool is_cut = lines_text_width(lines, text) > room;
	unsigned left = is_cut && room > 0 ? room - 1 : room;

	while (*text != '\0') {
		struct glyph glyph = read_glyph(lines, text);

		if (glyph.columns > left)
			break;
		fwrite(glyph.bytes, 1, glyph.length, lines->out);
		left -= glyph.columns;
		lines->column += glyph.columns;
		text += glyph.taken;
	}
	if (!is_cut || room == 0)
		return;
	fputs(lines->is_utf8 ? "\xe2\x80\xa6" : "~", lines->out);
	lines->column++;
}

void lines_put(struct lines *lines, enum style style, const char *text)
{
	begin_style(lines, style);
	write_text(lines, text, lines->width - lines->column);
	end_style(lines, style);
}

void lines_put_cell(struct lines *lines, enum style style, const char *text, unsigned width,
		    bool is_left)
{
	unsigned room = lines->width - lines->column, columns = lines_text_width(lines, text);

	if (width > room)
		width = room;
	if (!is_left && columns < width)
		write_blanks(lines, width - columns);
	begin_style(lines, style);
	write_text(lines, text, width);
	end_style(lines, style);
	if (is_left && columns < width)
		write_blanks(lines, width - columns);
}

void lines_printf(struct lines *lines, enum style style, const char *format, ...)
{
	char text[TEXT_MOST];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	lines_put(lines, style, text);
}

/* Returns the number of bytes of text that fit in `room` columns, up to a blank if there is one. */
static size_t fit_line(const struct lines *lines, const char *text, unsigned room)
{
	size_t at = 0, blank = 0;

	while (text[at] != '\0') {
		struct glyph glyph = read_glyph(lines, text + at);

		if (text[at] == ' ')
			blank = at;
		if (glyph.columns > room)
			return blank > 0 ? blank : at;
		room -= glyph.columns;
		at += glyph.taken;
	}
	return at;
}

void lines_wrap(struct lines *lines, enum style style, unsigned indent, const char *text)
{
	char part[TEXT_MOST];
	size_t length;

	if (indent >= lines->width)
		indent = 0;
	for (;;) {
		length = fit_line(lines, text, lines->width - lines->column);
		if (length == 0 && lines->column <= indent)
			break;
		snprintf(part, sizeof(part), "%.*s", (int)length, text);
		lines_put(lines, style, part);
		text += length;
		text += strspn(text, " ");
		if (*text == '\0')
			break;
		lines_end_line(lines);
		write_blanks(lines, indent);
	}
	lines_end_line(lines);
}

void lines_end_line(struct lines *lines)
{
	/* at the end of a full line this would clear the last column */
	if (lines->is_frame && lines->column < lines->width)
		fputs("\033[K", lines->out);
	fputc('\n', lines->out);
	lines->column = 0;
}

void lines_title(struct lines *lines, const char *title, const char *remark)
{
	lines_end_line(lines);
	lines_put(lines, STYLE_HEAD, title);
	if (remark[0] != '\0') {
		lines_put(lines, STYLE_PLAIN, "  ");
		lines_put(lines, STYLE_DIM, remark);
	}
	lines_end_line(lines);
}
