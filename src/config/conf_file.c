/* SPDX-License-Identifier: MIT */
/*
 * Runs libconfuse over a file and its includes and stores each value in its callback. libconfuse
 * keeps nothing that is used later, so that every message has the right file and line. It must not
 * know the meaning of an option.
 *
 * The include function is our own: libconfuse's keeps its stack in globals that a failed load would
 * leave behind, and it would open a directory, at which its scanner ends the process.
 */
#include "config/conf_file.h"

#include <confuse.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "config/conf.h"
#include "config/conf_error.h"
#include "config/conf_grammar.h"
#include "config/conf_text.h"
#include "config/conf_titled.h"

enum { DEPTH_MOST = 10, FILES_MOST = 1000 };

struct load {
	struct conf *conf;
	struct err *err;
	const char *directory;
	struct conf_error_files files;
	struct {
		const char *name;
		dev_t device;
		ino_t inode;
	} stack[DEPTH_MOST];
	unsigned depth, opened;
	cfg_t *root;
	cfg_t *section;                    /* the one that is being read, or NULL */
	struct place begun[SECTION_COUNT]; /* by section: where the last one began; line 0: none */
	struct place *given; /* by option: the place where it was set; line 0: not yet */
};

/*
 * Written by conf_file_load only, for the time of one call: libconfuse's callbacks carry no user
 * pointer.
 */
static struct load *loading;

static struct place cfg_at(const cfg_t *cfg)
{
	return (struct place){ loading->stack[loading->depth - 1].name, cfg->line };
}

static struct listen_conf *listener_now(void)
{
	return &loading->conf->listeners[loading->conf->listener_count - 1];
}

/* The last object of a titled section. */
static void *object_now(enum option_section section)
{
	return conf_titled_get(loading->conf, section,
			       conf_titled_count(loading->conf, section) - 1);
}

static void forget_given(enum option_section section)
{
	for (size_t i = 0; i < option_count; i++)
		if (options[i].section == section)
			loading->given[i].line = 0;
}

static bool begin_titled(enum option_section section, const char *title)
{
	char origin[CONF_ERROR_PLACE], shown[QUOTE_TEXT];

	forget_given(section);
	conf_error_place(loading->begun[section], origin);
	if (section == SECTION_listen ?
		    conf_add_listener(loading->conf, title, origin, loading->err) != NULL :
		    conf_titled_add(loading->conf, section, title, origin, loading->err) != NULL)
		return true;
	return err_prefix(loading->err, "%s: %s %s: ", origin, option_sections[section].name,
			  quote_show(title, shown));
}

/* libconfuse would merge the two without a word. */
static bool refuse_second(enum option_section section, struct place first)
{
	char at[CONF_ERROR_PLACE], first_at[CONF_ERROR_PLACE];

	return err_set(loading->err, CODE_CONFIG, "%s: %s: is given twice (first: %s)",
		       conf_error_place(loading->begun[section], at), option_sections[section].name,
		       conf_error_place(first, first_at));
}

/* Called at the first item inside a section, or at its end: libconfuse reports no start. */
static bool enter_section(cfg_t *cfg)
{
	enum option_section section = option_find_section(cfg_name(cfg));
	struct place first = loading->begun[section];

	if (option_sections[section].form == SECTION_TOP || loading->section == cfg)
		return true;
	loading->section = cfg;
	loading->begun[section] = cfg_at(loading->root);
	if (option_sections[section].form == SECTION_TITLED)
		return begin_titled(section, cfg_title(cfg));
	return first.line == 0 || refuse_second(section, first);
}

static void *object_of(const struct option *option)
{
	if (option->section == SECTION_listen)
		return listener_now();
	return conf_titled_has(option->section) ? object_now(option->section) : loading->conf;
}

static const struct option *row_of(cfg_t *cfg, const cfg_opt_t *opt)
{
	return option_find(option_find_section(cfg_name(cfg)), opt->name);
}

static bool blame_option(const struct option *option, struct place place)
{
	char name[OPTION_NAME], at[CONF_ERROR_PLACE];

	return err_prefix(loading->err, "%s: %s: ", conf_error_place(place, at),
			  option_full_name(option, name));
}

static bool set_given(const struct option *option, struct place place)
{
	char at[CONF_ERROR_PLACE];

	loading->given[option - options] = place;
	conf_error_place(place, at);
	if (option_sections[option->section].form == SECTION_TITLED)
		return conf_titled_set_place(object_of(option), option, at, loading->err);
	return conf_set_place(loading->conf, option, at, loading->err);
}

/* A list's values arrive one by one; libconfuse appends all but the first to the list. */
static bool take_option(const struct option *option, const cfg_opt_t *opt, struct place place,
			const char *word)
{
	struct place *given = &loading->given[option - options];
	bool is_more = option_is_list(option) && opt->nvalues > 1;
	char at[CONF_ERROR_PLACE];

	if (given->line != 0 && !is_more)
		return err_set(loading->err, CODE_CONFIG, "is given twice (first: %s)",
			       conf_error_place(*given, at));
	if (given->line == 0 && !set_given(option, place))
		return false;
	if (option_is_list(option))
		return option_check(option, word, loading->err);
	if (option->section == SECTION_listen && strcmp(option->name, "service") == 0 &&
	    !conf_is_service(word, loading->err))
		return false;
	return option_read(option, object_of(option), &word, 1, loading->err);
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *word, void *result)
{
	const struct option *option = row_of(cfg, opt);

	*(const char **)result = word;
	if (option == NULL) {
		conf_error_unknown(cfg_name(cfg), opt->name, cfg_at(cfg), loading->err);
		return -1;
	}
	if (!enter_section(cfg))
		return -1;
	if (take_option(option, opt, cfg_at(cfg), word))
		return 0;
	blame_option(option, cfg_at(cfg));
	return -1;
}

static bool read_list(cfg_t *section, const struct option *option)
{
	cfg_opt_t *opt = cfg_getopt(section, option->name);
	const char **words = calloc(opt->nvalues + 1, sizeof(*words));
	bool is_good;

	if (words == NULL)
		return err_errno(loading->err, CODE_OSERR, "cannot keep a list");
	if (opt->nvalues == 0) {
		free(words);
		return err_set(loading->err, CODE_CONFIG, "is given twice (the second empties it)");
	}
	for (unsigned i = 0; i < opt->nvalues; i++)
		words[i] = cfg_opt_getnstr(opt, i);
	is_good = option_read(option, object_of(option), words, opt->nvalues, loading->err);
	free(words);
	return is_good;
}

/* An empty list has no value that would be called back; its line is not known. */
static bool take_empty(cfg_t *section, const struct option *option)
{
	if (!option_is_list(option) ||
	    (cfg_getopt(section, option->name)->flags & CFGF_MODIFIED) == 0)
		return true;
	return set_given(option, loading->begun[option->section]) &&
	       option_read(option, object_of(option), NULL, 0, loading->err);
}

static bool finish_option(cfg_t *section, size_t i)
{
	struct place *given = &loading->given[i];
	bool has_words = given->line != 0;
	char at[CONF_ERROR_PLACE];

	if (!has_words && !take_empty(section, &options[i]))
		return blame_option(&options[i], cfg_at(section));
	if (given->line == 0)
		return true;
	if (options[i].section == SECTION_listen &&
	    !conf_check_effect_of(&options[i], listener_now(), loading->err))
		return err_prefix(loading->err, "%s: ", conf_error_place(*given, at));
	if (has_words && option_is_list(&options[i]) && !read_list(section, &options[i]))
		return blame_option(&options[i], *given);
	return true;
}

static bool finish_titled(enum option_section section, cfg_t *cfg)
{
	char at[CONF_ERROR_PLACE], shown[QUOTE_TEXT];

	if (section == SECTION_listen && listener_now()->service[0] == '\0')
		return err_set(loading->err, CODE_CONFIG,
			       "%s: listen %s: the service is missing (service = ack)",
			       conf_error_place(loading->begun[SECTION_listen], at),
			       quote_show(listener_now()->address, shown));
	for (size_t i = 0; i < option_count; i++)
		if (options[i].section == section && !finish_option(cfg, i))
			return false;
	return true;
}

/* Lists are read when all their values have arrived; the root has no end callback. */
static bool finish_root(cfg_t *root)
{
	for (size_t i = 0; i < option_count; i++)
		if (options[i].section == SECTION_main && option_is_list(&options[i]) &&
		    loading->given[i].line != 0 && !read_list(root, &options[i]))
			return blame_option(&options[i], loading->given[i]);
	return true;
}

static int on_section_end(cfg_t *cfg, cfg_opt_t *opt)
{
	enum option_section row = option_find_section(opt->name);
	cfg_t *section = loading->section;

	(void)cfg;
	/* an empty section is the last one: one with an earlier title was refused or has content */
	if (section == NULL)
		section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	if (!enter_section(section))
		return -1;
	loading->section = NULL;
	if (option_sections[row].form == SECTION_TITLED && !finish_titled(row, section))
		return -1;
	return 0;
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
	return enter_section(cfg) && include_file(cfg, words[0]) ? 0 : -1;
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
	struct load load = { .conf = conf, .err = err, .directory = directory };
	struct conf_text text;
	bool is_good = false;

	err->text[0] = '\0';
	loading = &load;
	load.given = calloc(option_count, sizeof(*load.given));
	load.root = conf_grammar_new(&calls);
	if (load.given == NULL || load.root == NULL)
		err_errno(err, CODE_OSERR, "cannot read the configuration");
	else if (open_file(file, &text))
		is_good = read_file(load.root, file, &text) && finish_root(load.root);
	if (load.root != NULL)
		cfg_free(load.root);
	free(load.given);
	conf_error_drop(&load.files);
	loading = NULL;
	return is_good;
}
