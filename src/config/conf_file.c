/* SPDX-License-Identifier: MIT */
/*
 * Runs libconfuse over a file and its includes, and gives each value to config/conf_section.
 *
 * The include function is our own: libconfuse's keeps its stack in globals that a failed load would
 * leave behind, and it would open a directory, at which its scanner ends the process.
 */
#include "config/conf_file.h"

#include <stdlib.h>
#include <string.h>

#include "config/conf.h"
#include "config/conf_error.h"
#include "config/conf_section.h"
#include "config/conf_text.h"

enum { DEPTH_MOST = 10, FILES_MOST = 1000 };

struct load {
	struct conf_reading reading;
	struct err *err;
	const char *directory;
	struct conf_error_files files;
	struct {
		const char *name;
		dev_t device;
		ino_t inode;
	} stack[DEPTH_MOST];
	unsigned depth, opened;
};

/*
 * Written by conf_file_load only, for the time of one call: libconfuse's callbacks carry no user
 * pointer.
 */
static struct load *loading;

static struct place cfg_at(const cfg_t *cfg)
{
	return (struct place){ loading->reading.file, cfg->line };
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *word, void *result)
{
	*(const char **)result = word;
	return conf_section_value(&loading->reading, cfg, opt, word) ? 0 : -1;
}

static int on_section_end(cfg_t *cfg, cfg_opt_t *opt)
{
	return conf_section_end(&loading->reading, cfg, opt) ? 0 : -1;
}

/* The file that is read now, for the places of what is in it. */
static void tell_file(void)
{
	loading->reading.file = loading->depth > 0 ? loading->stack[loading->depth - 1].name : NULL;
}

static bool push_file(const char *name, const struct conf_text *text)
{
	for (unsigned i = 0; i < loading->depth; i++)
		if (loading->stack[i].device == text->device &&
		    loading->stack[i].inode == text->inode)
			return err_set(loading->err, CODE_CONFIG, "%s: includes itself", name);
	if (loading->depth == DEPTH_MOST)
		return err_set(loading->err, CODE_CONFIG, "%s: is included too deeply (at most %d)",
			       name, DEPTH_MOST);
	loading->stack[loading->depth].name = name;
	loading->stack[loading->depth].device = text->device;
	loading->stack[loading->depth].inode = text->inode;
	loading->depth++;
	tell_file();
	return true;
}

static bool parse_text(cfg_t *cfg, const struct conf_text *text)
{
	FILE *stream;
	bool is_good;

	if (text->size == 0)
		return true;
	stream = fmemopen(text->bytes, text->size, "r");
	if (stream == NULL)
		return err_errno(loading->err, CODE_OSERR, "cannot read the configuration");
	is_good = cfg_parse_fp(cfg, stream) == CFG_SUCCESS;
	fclose(stream);
	if (!is_good)
		conf_error_last_resort(cfg_at(cfg), loading->err);
	return is_good;
}

static bool open_file(const char *name, struct conf_text *text)
{
	char path[FILE_PATH];

	if (++loading->opened > FILES_MOST)
		return err_set(loading->err, CODE_CONFIG, "%s: one file too many (at most %d)",
			       name, FILES_MOST);
	if (!file_join(loading->directory, name, path))
		return err_set(loading->err, CODE_CONFIG, "%s: the path is too long", name);
	if (!conf_text_read(text, path, name, loading->err))
		return false;
	if (push_file(name, text))
		return true;
	conf_text_free(text);
	return false;
}

/* Reads an open file into cfg, a section or the root. */
static bool read_file(cfg_t *cfg, const char *name, struct conf_text *text)
{
	bool is_good = conf_text_clean(text, name, loading->err) && parse_text(cfg, text);

	loading->depth--;
	tell_file();
	conf_text_free(text);
	return is_good;
}

/*
 * A file that cannot be opened is an error of the including line; an error inside it has its own
 * line.
 */
static bool include_file(cfg_t *cfg, const char *wanted)
{
	char joined[FILE_PATH], at[CONF_ERROR_PLACE];
	struct conf_text text;
	const char *name;
	int line = cfg->line;
	bool is_good;

	conf_error_place(cfg_at(cfg), at);
	if (!file_join_beside(cfg_at(cfg).file, wanted, joined))
		return err_set(loading->err, CODE_CONFIG, "%s: include: the path is too long", at);
	name = conf_error_keep(&loading->files, joined);
	if (name == NULL)
		return err_errno(loading->err, CODE_OSERR, "cannot keep a file's name");
	if (!open_file(name, &text))
		return err_prefix(loading->err, "%s: include: ", at);
	is_good = read_file(cfg, name, &text);
	cfg->line = line;
	return is_good;
}

static int on_include(cfg_t *cfg, cfg_opt_t *opt, int count, const char **words)
{
	char at[CONF_ERROR_PLACE];

	(void)opt;
	if (count != 1 || words[0][0] == '\0') {
		err_set(loading->err, CODE_CONFIG, "%s: write include(\"FILE\")",
			conf_error_place(cfg_at(cfg), at));
		return -1;
	}
	return conf_section_enter(&loading->reading, cfg) && include_file(cfg, words[0]) ? 0 : -1;
}

static void on_error(cfg_t *cfg, const char *format, va_list parameters)
{
	/* the first error is the cause of all later ones */
	if (loading->err->text[0] == '\0')
		conf_error_translate(cfg_name(cfg), format, parameters, cfg_at(cfg), loading->err);
}

bool conf_file_load(struct conf *conf, const char *file, const char *directory, struct err *err)
{
	static const struct conf_grammar_calls calls = { .value = on_value,
							 .include = on_include,
							 .section_end = on_section_end,
							 .error = on_error };
	struct load load = { .reading = { .conf = conf, .err = err },
			     .err = err,
			     .directory = directory };
	struct conf_text text;
	bool is_good = false;

	err->text[0] = '\0';
	loading = &load;
	if (!conf_section_begin(&load.reading, &calls))
		err_errno(err, CODE_OSERR, "cannot read the configuration");
	else if (open_file(file, &text))
		is_good = read_file(load.reading.root, file, &text) &&
			  conf_section_finish(&load.reading);
	conf_section_drop(&load.reading);
	conf_error_drop(&load.files);
	loading = NULL;
	return is_good;
}
