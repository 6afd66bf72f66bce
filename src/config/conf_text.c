/* SPDX-License-Identifier: MIT */
/*
 * Reads a configuration file and scans its tokens once. It knows the lexical form of libconfuse's
 * language (strings, comments, variables, braces) and no option.
 */
#include "config/conf_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "base/sys.h"

enum { PIPE_WAIT_MS = 5000, STEP = 16384 };

/* The state of the scan. */
struct walk {
	char *at, *end;
	const char *name; /* of the file, for messages */
	int line;
	int depth;     /* of braces */
	int open_line; /* of the outermost open brace */
	int in_call;   /* tokens since "(": an include takes one string, then ")" */
	struct err *err;
	FILE *out;          /* the text with variables replaced */
	const char *copied; /* the text before this is in out */
};

static bool fail_at(const struct walk *walk, int line, const char *what)
{
	return err_set(walk->err, CODE_CONFIG, "%s:%d: %s", walk->name, line, what);
}

/* True for a character that ends an unquoted word. */
static bool is_special(char c)
{
	return c == '\0' || strchr(" #\"'\t\n\r={}()+,*", c) != NULL;
}

static void blank_until(struct walk *walk, const char *until)
{
	for (; walk->at < until; walk->at++)
		if (*walk->at == '\n')
			walk->line++;
		else
			*walk->at = ' ';
}

/* Skips bytes that are kept, counting lines as libconfuse does. */
static void skip_until(struct walk *walk, const char *until)
{
	for (; walk->at < until; walk->at++)
		if (*walk->at == '\n')
			walk->line++;
}

static bool line_comment(struct walk *walk)
{
	const char *until = memchr(walk->at, '\n', (size_t)(walk->end - walk->at));

	blank_until(walk, until ? until : walk->end);
	return true;
}

static bool block_comment(struct walk *walk)
{
	const char *until = strstr(walk->at + 2, "*/");

	if (until == NULL)
		return fail_at(walk, walk->line, "the comment that begins here does not end");
	blank_until(walk, until + 2);
	return true;
}

static bool is_variable(const char *at)
{
	return at[0] == '$' && at[1] == '{';
}

static bool is_copied_until(struct walk *walk, const char *at)
{
	size_t size = (size_t)(at - walk->copied);

	if (fwrite(walk->copied, 1, size, walk->out) != size)
		return err_errno(walk->err, CODE_OSERR, "%s: cannot be kept", walk->name);
	walk->copied = at;
	if (ftell(walk->out) <= CONF_TEXT_MOST)
		return true;
	return fail_at(walk, walk->line, "the file is too big with its variables (at most 4m)");
}

/*
 * Replaces the variable by its value, so that libconfuse never sees a variable: it would take an
 * unset one for empty. A bare variable becomes a string.
 */
static bool read_variable(struct walk *walk, const char *quote)
{
	size_t len = strcspn(walk->at, "}\n") + 1;
	const char *name = walk->at;

	if (name[len - 1] != '}')
		return fail_at(walk, walk->line, "the \"${\" of this line is not closed on it");
	if (!is_copied_until(walk, name))
		return false;
	walk->at += len;
	walk->copied = walk->at;
	fputs(quote, walk->out);
	if (!conf_text_variable(name, len, walk->out, walk->err))
		return err_prefix(walk->err, "%s:%d: ", walk->name, walk->line);
	fputs(quote, walk->out);
	return is_copied_until(walk, walk->at);
}

/* \0, \00, \000, \x0 and \x00 would cut the value short. */
static bool is_nul_escape(const char *at)
{
	size_t zeros;

	if (at[1] == 'x') {
		zeros = strspn(at + 2, "0");
		return zeros >= 2 || (zeros == 1 && !strchr("123456789abcdefABCDEF", at[3]));
	}
	zeros = strspn(at + 1, "0");
	return zeros >= 3 || (zeros > 0 && (at[1 + zeros] < '0' || at[1 + zeros] > '9'));
}

static bool read_string(struct walk *walk)
{
	char quote = *walk->at;
	int begun = walk->line;

	walk->at++;
	while (walk->at < walk->end && *walk->at != quote) {
		bool is_escape = *walk->at == '\\';

		if (quote == '"' && is_escape && is_nul_escape(walk->at))
			return fail_at(walk, walk->line, "a value cannot hold a NUL byte");
		if (quote == '"' && is_variable(walk->at)) {
			if (!read_variable(walk, ""))
				return false;
			continue;
		}
		skip_until(walk,
			   is_escape && walk->at + 1 < walk->end ? walk->at + 2 : walk->at + 1);
	}
	if (walk->at >= walk->end)
		return fail_at(walk, begun, "the string that begins here does not end");
	walk->at++;
	return true;
}

/* libconfuse would make two values of one word: the variable, and the text beside it. */
static bool refuse_part(const struct walk *walk)
{
	return fail_at(walk, walk->line, "a value with a variable in it must stand in quotes");
}

static bool read_word(struct walk *walk)
{
	const char *begun = walk->at;
	char shown[QUOTE_TEXT], whole[QUOTE_TEXT];

	if (is_variable(walk->at))
		return read_variable(walk, "\"") && (is_special(*walk->at) || refuse_part(walk));
	while (!is_special(*walk->at))
		walk->at++;
	if (walk->at[-1] == '$' && *walk->at == '{')
		return refuse_part(walk);
	if (walk->at[-1] != ';')
		return true;
	snprintf(whole, sizeof(whole), "%.*s", (int)(walk->at - begun), begun);
	return err_set(walk->err, CODE_CONFIG,
		       "%s:%d: %s: no semicolons are needed (leave it out, or write the value in "
		       "quotes)",
		       walk->name, walk->line, quote_show(whole, shown));
}

static bool read_brace(struct walk *walk)
{
	if (*walk->at == '{' && walk->depth++ == 0)
		walk->open_line = walk->line;
	if (*walk->at == '}' && --walk->depth < 0)
		return fail_at(walk, walk->line, "\"}\" closes nothing");
	walk->at++;
	return true;
}

/*
 * After "(" comes one string, then ")". libconfuse leaks the parameters of a call that it refuses.
 */
static bool read_call(struct walk *walk)
{
	bool is_string = !is_special(*walk->at) || *walk->at == '"' || *walk->at == '\'';

	if ((walk->in_call == 1 && !is_string) || (walk->in_call == 2 && *walk->at != ')'))
		return fail_at(walk, walk->line, "write include(\"FILE\")");
	walk->in_call = walk->in_call == 1 ? 2 : 0;
	return true;
}

static bool is_comment(const char *at)
{
	return at[0] == '#' || (at[0] == '/' && (at[1] == '/' || at[1] == '*'));
}

static bool read_comment(struct walk *walk)
{
	return walk->at[0] == '/' && walk->at[1] == '*' ? block_comment(walk) : line_comment(walk);
}

static bool read_token(struct walk *walk)
{
	switch (*walk->at) {
	case '{':
	case '}':
		return read_brace(walk);
	case '"':
	case '\'':
		return read_string(walk);
	case '(':
		walk->in_call = 1;
		break;
	case '+':
		if (walk->at[1] != '=')
			return fail_at(walk, walk->line, "\"+\" must stand in quotes");
		break;
	case '*':
		return fail_at(walk, walk->line, "\"*\" must stand in quotes");
	default:
		if (!is_special(*walk->at))
			return read_word(walk);
	}
	walk->at++;
	return true;
}

static bool walk_through(struct walk *walk)
{
	if (strncmp(walk->at, "\xef\xbb\xbf", 3) == 0)
		blank_until(walk, walk->at + 3);
	while (walk->at < walk->end) {
		bool is_blank = strchr(" \t\r\n", *walk->at) != NULL;

		if (is_blank) {
			skip_until(walk, walk->at + 1);
		} else if (is_comment(walk->at)) {
			if (!read_comment(walk))
				return false;
		} else if ((walk->in_call > 0 && !read_call(walk)) || !read_token(walk)) {
			return false;
		}
	}
	if (walk->depth > 0)
		return fail_at(walk, walk->open_line, "the \"{\" of this line is not closed");
	if (walk->in_call > 0)
		return fail_at(walk, walk->line, "write include(\"FILE\")");
	return is_copied_until(walk, walk->end);
}

bool conf_text_clean(struct conf_text *text, const char *name, struct err *err)
{
	struct walk walk = { .at = text->bytes,
			     .end = text->bytes + text->size,
			     .name = name,
			     .line = 1,
			     .err = err,
			     .copied = text->bytes };
	char *nul = memchr(text->bytes, '\0', text->size), *made = NULL;
	size_t size = 0;
	bool is_good;

	if (nul != NULL) {
		walk.end = nul;
		skip_until(&walk, nul);
		return fail_at(&walk, walk.line, "a NUL byte (this is not a text file)");
	}
	walk.out = open_memstream(&made, &size);
	if (walk.out == NULL)
		return err_errno(err, CODE_OSERR, "%s: cannot be kept", name);
	is_good = walk_through(&walk);
	if (fclose(walk.out) != 0 && is_good)
		is_good = err_errno(err, CODE_OSERR, "%s: cannot be kept", name);
	if (!is_good) {
		free(made);
		return false;
	}
	free(text->bytes);
	text->bytes = made;
	text->size = size;
	return true;
}

/* Returns 1 for bytes or the end, 0 for a timeout, -1 with errno set. */
static int wait_readable(int fd)
{
	struct pollfd watch = { .fd = fd, .events = POLLIN };
	int ready;

	do
		ready = sys_poll(&watch, 1, PIPE_WAIT_MS);
	while (ready < 0 && errno == EINTR);
	return ready;
}

static bool read_some(struct conf_text *text, int fd, size_t *room, bool *is_done)
{
	ssize_t n;

	if (*room - text->size < STEP) {
		char *more = realloc(text->bytes, *room + 4 * STEP + 1);

		if (more == NULL)
			return false;
		text->bytes = more;
		*room += 4 * STEP;
	}
	n = sys_read(fd, text->bytes + text->size, STEP);
	if (n < 0 && errno == EAGAIN) {
		int ready = wait_readable(fd);

		errno = ready == 0 ? ETIMEDOUT : errno;
		return ready > 0;
	}
	if (n < 0)
		return errno == EINTR;
	text->size += (size_t)n;
	*is_done = n == 0;
	return true;
}

static bool read_all(struct conf_text *text, int fd, const char *name, struct err *err)
{
	bool is_done = false;
	size_t room = 0;

	while (!is_done) {
		if (!read_some(text, fd, &room, &is_done))
			return err_errno(err, CODE_CONFIG, "%s: cannot be read", name);
		if (text->size > CONF_TEXT_MOST)
			return err_set(err, CODE_CONFIG, "%s: is too big (at most 4m)", name);
	}
	text->bytes[text->size] = '\0';
	return true;
}

/* What is no regular file must give bytes; /dev/null is the one that is empty on purpose. */
static bool check_source(const struct conf_text *text, const struct stat *st, const char *path,
			 const char *name, struct err *err)
{
	if (S_ISREG(st->st_mode) || text->size > 0 || strcmp(path, "/dev/null") == 0)
		return true;
	return err_set(err, CODE_CONFIG,
		       "%s: is no regular file, and there is nothing to read in it (a pipe can be "
		       "read once, while a process writes to it; a reload needs a file)",
		       name);
}

bool conf_text_read(struct conf_text *text, const char *path, const char *name, struct err *err)
{
	int fd = sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;
	bool is_good;

	*text = (struct conf_text){ 0 };
	if (fd < 0)
		return err_errno(err, err_code(errno, CODE_CONFIG), "%s: cannot be opened", name);
	if (sys_fstat(fd, &st) < 0) {
		is_good = err_errno(err, CODE_CONFIG, "%s: cannot be read", name);
	} else if (S_ISDIR(st.st_mode)) {
		is_good = err_set(err, CODE_CONFIG, "%s: is a directory (a file is needed)", name);
	} else if (S_ISBLK(st.st_mode)) {
		is_good = err_set(err, CODE_CONFIG, "%s: is a device (a file is needed)", name);
	} else {
		text->device = st.st_dev;
		text->inode = st.st_ino;
		is_good = read_all(text, fd, name, err) && check_source(text, &st, path, name, err);
	}
	sys_close(fd);
	if (!is_good)
		conf_text_free(text);
	return is_good;
}

void conf_text_free(struct conf_text *text)
{
	free(text->bytes);
	*text = (struct conf_text){ 0 };
}
