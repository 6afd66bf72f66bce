/* SPDX-License-Identifier: MIT */
/*
 * One array, sorted by extension, of all types. Its pages have room for the most that the file can
 * hold, of which only what is used costs memory (base/pages.h).
 */
#include "services/files/open/media_type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/pages.h"
#include "base/quote.h"
#include "base/sys.h"

#define CHARSET "; charset=utf-8"

static const struct media_type built_in[] = {
#define MEDIA_TYPE(extension, type) { extension, type },
#include "tables/media_types.def"
};

enum { BUILT_IN = sizeof(built_in) / sizeof(built_in[0]), TEXT_MOST = 256 };

struct words {
	const char *at, *end;
};

/* While the types are read: where the next text goes. */
struct filling {
	struct media_types *types;
	char *text, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Takes the next word off a line; one of no length at its end or at a comment. */
static struct words next_word(struct words *line)
{
	struct words word;

	while (line->at < line->end && is_blank(*line->at))
		line->at++;
	if (line->at < line->end && *line->at == '#')
		line->at = line->end;
	word.at = line->at;
	while (line->at < line->end && !is_blank(*line->at))
		line->at++;
	word.end = line->at;
	return word;
}

/* A character of a token (RFC 9110 5.6.2). */
static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

/* True for TOKEN/TOKEN, which ends no header line. */
static bool is_type(struct words word)
{
	const char *slash = NULL;

	if (word.end - word.at > MEDIA_TYPE_MOST)
		return false;
	for (const char *c = word.at; c < word.end; c++) {
		if (*c == '/' && !slash)
			slash = c;
		else if (!is_token_char(*c))
			return false;
	}
	return slash && slash > word.at && slash + 1 < word.end;
}

/* It may be one that is skipped, since no name is looked up by it. */
static bool can_be_extension(struct words word)
{
	for (const char *c = word.at; c < word.end; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("/;{}", *c))
			return false;
	return true;
}

static bool is_extension(struct words word)
{
	return word.end > word.at && word.end - word.at <= MEDIA_EXTENSION_MOST &&
	       !memchr(word.at, '.', (size_t)(word.end - word.at)) && can_be_extension(word);
}

static char *keep_text(struct filling *f, const char *text, size_t length, const char *tail)
{
	char *kept = f->text;
	size_t tail_size = strlen(tail) + 1;

	BUG_ON(length + tail_size > (size_t)(f->end - f->text));
	memcpy(kept, text, length);
	memcpy(kept + length, tail, tail_size);
	f->text += length + tail_size;
	return kept;
}

static bool begins_with(const char *text, size_t length, const char *start)
{
	return length >= strlen(start) && strncasecmp(text, start, strlen(start)) == 0;
}

static const char *keep_type(struct filling *f, const char *type, size_t length)
{
	bool is_xml = length == strlen("text/xml") && begins_with(type, length, "text/xml");

	return keep_text(f, type, length,
			 begins_with(type, length, "text/") && !is_xml ? CHARSET : "");
}

static void add_row(struct filling *f, const char *extension, size_t length, const char *type)
{
	char *kept = keep_text(f, extension, length, "");

	for (size_t i = 0; i < length; i++)
		kept[i] = to_lower(kept[i]);
	f->types->rows[f->types->count++] = (struct media_type){ kept, type };
}

static void add_built_in(struct filling *f)
{
	for (size_t i = 0; i < BUILT_IN; i++)
		add_row(f, built_in[i].extension, strlen(built_in[i].extension),
			keep_type(f, built_in[i].type, strlen(built_in[i].type)));
}

static void add_line(struct filling *f, struct words line)
{
	struct words type = next_word(&line), extension = next_word(&line);
	const char *kept = NULL;

	if (!is_type(type))
		return;
	for (; extension.end > extension.at; extension = next_word(&line)) {
		if (!is_extension(extension))
			continue;
		if (!kept)
			kept = keep_type(f, type.at, (size_t)(type.end - type.at));
		add_row(f, extension.at, (size_t)(extension.end - extension.at), kept);
	}
}

static void add_lines(struct filling *f, const char *text, size_t length)
{
	const char *end = text + length;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline ? newline : end;

		add_line(f, (struct words){ text, line_end });
		text = line_end + 1;
	}
}

/* By extension. Of the same extension, the row that was kept later first. */
static int compare_rows(const void *a, const void *b)
{
	const struct media_type *row_a = a, *row_b = b;
	int order = strcmp(row_a->extension, row_b->extension);

	return order != 0 ? order : row_a->extension < row_b->extension ? 1 : -1;
}

/* Drops all rows but the first one of an extension. */
static void drop_doubles(struct media_types *types)
{
	size_t kept = 0;

	for (size_t i = 0; i < types->count; i++)
		if (kept == 0 ||
		    strcmp(types->rows[i].extension, types->rows[kept - 1].extension) != 0)
			types->rows[kept++] = types->rows[i];
	types->count = kept;
}

/* The least line of the file that makes a row is "a/b c"; each further row takes two bytes. */
static bool fill_types(struct media_types *types, const char *text, size_t length)
{
	size_t rows_bytes = (BUILT_IN + length) * sizeof(struct media_type);
	struct filling f = { .types = types };

	types->size_bytes = rows_bytes + BUILT_IN * TEXT_MOST + length * 5;
	types->pages = pages_new(types->size_bytes);
	if (!types->pages)
		return false;
	types->rows = types->pages;
	f.text = (char *)types->pages + rows_bytes;
	f.end = (char *)types->pages + types->size_bytes;
	add_lines(&f, text, length);
	add_built_in(&f);
	qsort(types->rows, types->count, sizeof(*types->rows), compare_rows);
	drop_doubles(types);
	return true;
}

/* Reads the file to text (MEDIA_TYPES_MOST + 1 bytes). */
static bool read_types(int fd, const char *path, char *text, size_t *length, struct err *err)
{
	struct stat st;
	ssize_t n;

	if (sys_fstat(fd, &st) != 0)
		return err_errno(err, CODE_OSERR, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, CODE_CONFIG, "%s: not a regular file", path);
	n = file_read(fd, text, MEDIA_TYPES_MOST + 1, 0);
	if (n < 0)
		return err_errno(err, CODE_OSERR, "%s", path);
	if (n > MEDIA_TYPES_MOST)
		return err_set(err, CODE_CONFIG, "%s: larger than %d bytes", path,
			       MEDIA_TYPES_MOST);
	*length = (size_t)n;
	return true;
}

static bool read_path(const char *path, char *text, size_t *length, struct err *err)
{
	bool may_miss = path == NULL, is_read;
	char shown[QUOTE_TEXT];
	int fd;

	*length = 0;
	if (may_miss)
		path = MEDIA_TYPES_SYSTEM;
	fd = sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0 && may_miss && (errno == ENOENT || errno == ENOTDIR))
		return true;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, err_code_of_path(errno),
			       "%s is no file (name one with lines such as \"text/html html htm\", "
			       "or write none)",
			       quote_show(path, shown));
	if (fd < 0)
		return err_errno(err, err_code_of_path(errno), "%s", path);
	is_read = read_types(fd, path, text, length, err);
	(void)sys_close(fd);
	return is_read;
}

bool media_types_load(const char *path, struct media_types *types, struct err *err)
{
	char *text = pages_new(MEDIA_TYPES_MOST + 1);
	size_t length;
	bool is_loaded;

	*types = (struct media_types){ .rows = NULL };
	if (!text)
		return err_errno(err, CODE_OSERR, "media types");
	is_loaded = read_path(path, text, &length, err);
	if (is_loaded && !fill_types(types, text, length))
		is_loaded = err_errno(err, CODE_OSERR, "media types");
	pages_free(text, MEDIA_TYPES_MOST + 1);
	return is_loaded;
}

/* What is wrong with the line; NULL: nothing. *word is where. */
static const char *find_mistake(struct words line, struct words *word)
{
	*word = next_word(&line);
	if (word->end == word->at)
		return NULL;
	if (!is_type(*word))
		return "is not a type";
	for (*word = next_word(&line); word->end > word->at; *word = next_word(&line))
		if (!can_be_extension(*word))
			return "is not an extension";
	return NULL;
}

static bool check_lines(const char *path, const char *text, size_t length, struct err *err)
{
	const char *end = text + length;
	char word_text[MEDIA_TYPE_MOST + 1], shown[QUOTE_TEXT];

	for (unsigned number = 1; text < end; number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline ? newline : end, *mistake;
		struct words word;

		mistake = find_mistake((struct words){ text, line_end }, &word);
		text = line_end + 1;
		if (!mistake)
			continue;
		snprintf(word_text, sizeof(word_text), "%.*s", (int)(word.end - word.at), word.at);
		return err_set(err, CODE_CONFIG,
			       "%s:%u: %s %s (a line is a type and its extensions, such as "
			       "\"text/html html htm\")",
			       path, number, quote_show(word_text, shown), mistake);
	}
	return true;
}

bool media_types_check(const char *path, struct err *err)
{
	char *text = pages_new(MEDIA_TYPES_MOST + 1);
	size_t length;
	bool is_good;

	if (!text)
		return err_errno(err, CODE_OSERR, "media types");
	is_good = read_path(path, text, &length, err) && check_lines(path, text, length, err);
	pages_free(text, MEDIA_TYPES_MOST + 1);
	return is_good;
}

void media_types_free(struct media_types *types)
{
	if (types->pages)
		pages_free(types->pages, types->size_bytes);
	*types = (struct media_types){ .rows = NULL };
}

/* Writes the extension to text (MEDIA_EXTENSION_MOST + 1) in small letters; false without one. */
static bool find_extension(const char *name, size_t length, char *text)
{
	size_t dot = length, n;

	while (dot > 0 && name[dot - 1] != '.' && name[dot - 1] != '/')
		dot--;
	n = length - dot;
	if (n == 0 || n > MEDIA_EXTENSION_MOST || dot < 2 || name[dot - 1] == '/' ||
	    name[dot - 2] == '/' || memchr(name + dot, '\0', n))
		return false;
	for (size_t i = 0; i < n; i++)
		text[i] = to_lower(name[dot + i]);
	text[n] = '\0';
	return true;
}

const char *media_types_find(const struct media_types *types, const char *name, size_t length,
			     const char *default_type)
{
	char extension[MEDIA_EXTENSION_MOST + 1];
	size_t low = 0, high = types->count;

	if (!find_extension(name, length, extension))
		return default_type;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(extension, types->rows[middle].extension);

		if (order == 0)
			return types->rows[middle].type;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return default_type;
}
