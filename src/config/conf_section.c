/* SPDX-License-Identifier: MIT */
/*
 * Stores each value as it comes, in the object of its section: libconfuse keeps nothing that is
 * used later, so that every message has the right file and line. It must not know the meaning of an
 * option.
 */
#include "config/conf_section.h"

#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "config/conf_location.h"
#include "config/conf_titled.h"

static struct place place_of(const struct conf_reading *r, const cfg_t *cfg)
{
	return (struct place){ r->file, cfg->line };
}

static struct listen_conf *listener_now(const struct conf_reading *r)
{
	return &r->conf->listeners[r->conf->listener_count - 1];
}

/* The object of the section that is being read: its last one. */
static void *object_now(const struct conf_reading *r, enum option_section section)
{
	if (option_sections[section].form == SECTION_NESTED)
		return &listener_now(r)->locations[listener_now(r)->location_count - 1];
	if (section == SECTION_listen)
		return listener_now(r);
	if (!conf_titled_has(section))
		return r->conf;
	return conf_titled_get(r->conf, section, conf_titled_count(r->conf, section) - 1);
}

static bool has_title(enum option_section section)
{
	return option_sections[section].form == SECTION_TITLED ||
	       option_sections[section].form == SECTION_NESTED;
}

/* The options of a nested section are those of the one around it, given once more. */
static struct place *given_of(const struct conf_reading *r, enum option_section section, size_t i)
{
	bool is_nested = option_sections[section].form == SECTION_NESTED;

	return &r->given[i + (is_nested ? option_count : 0)];
}

static void forget_given(const struct conf_reading *r, enum option_section section)
{
	for (size_t i = 0; i < option_count; i++)
		if (option_is_of(section, &options[i]))
			given_of(r, section, i)->line = 0;
}

static bool add_object(const struct conf_reading *r, enum option_section section, const char *title,
		       const char *origin)
{
	if (option_sections[section].form == SECTION_NESTED)
		return conf_location_add(listener_now(r), title, origin, r->err) != NULL;
	if (section == SECTION_listen)
		return conf_add_listener(r->conf, title, origin, r->err) != NULL;
	return conf_titled_add(r->conf, section, title, origin, r->err) != NULL;
}

static bool begin_titled(struct conf_reading *r, enum option_section section, const char *title)
{
	char origin[CONF_ERROR_PLACE], shown[QUOTE_TEXT];

	forget_given(r, section);
	conf_error_place(r->begun[section], origin);
	if (add_object(r, section, title, origin))
		return true;
	return err_prefix(r->err, "%s: %s %s: ", origin, option_sections[section].name,
			  quote_show(title, shown));
}

/* libconfuse would merge the two without a word. */
static bool refuse_second(const struct conf_reading *r, enum option_section section,
			  struct place first)
{
	char at[CONF_ERROR_PLACE], first_at[CONF_ERROR_PLACE];

	return err_set(r->err, CODE_CONFIG, "%s: %s: is given twice (first: %s)",
		       conf_error_place(r->begun[section], at), option_sections[section].name,
		       conf_error_place(first, first_at));
}

/* True when opt, a section's option, has that section. */
static bool has_section(cfg_opt_t *opt, const cfg_t *section)
{
	for (unsigned i = 0; i < cfg_opt_size(opt); i++)
		if (cfg_opt_getnsec(opt, i) == section)
			return true;
	return false;
}

/* libconfuse does not tell what a section stands in. */
static cfg_t *find_outer(const struct conf_reading *r, cfg_t *cfg)
{
	const struct section_row *row = &option_sections[option_find_section(cfg_name(cfg))];
	const char *outer = option_sections[row->options].name;

	if (row->form != SECTION_NESTED)
		return r->root;
	for (unsigned i = 0; i < cfg_size(r->root, outer); i++)
		if (has_section(cfg_getopt(cfg_getnsec(r->root, outer, i), row->name), cfg))
			return cfg_getnsec(r->root, outer, i);
	return r->root;
}

/* libconfuse reports no start of a section. */
static bool enter_inside(struct conf_reading *r, cfg_t *cfg, const cfg_t *outer)
{
	enum option_section section = option_find_section(cfg_name(cfg));
	struct place first = r->begun[section];

	if (option_sections[section].form == SECTION_TOP || r->section == cfg)
		return true;
	r->section = cfg;
	r->begun[section] = place_of(r, outer);
	if (has_title(section))
		return begin_titled(r, section, cfg_title(cfg));
	return first.line == 0 || refuse_second(r, section, first);
}

bool conf_section_enter(struct conf_reading *r, cfg_t *cfg)
{
	cfg_t *outer;

	if (r->section == cfg)
		return true;
	outer = find_outer(r, cfg);
	return enter_inside(r, outer, r->root) && enter_inside(r, cfg, outer);
}

/* Puts the place and the name of the section's option before the message. */
static bool blame_option(const struct conf_reading *r, enum option_section section,
			 const struct option *option, struct place place)
{
	char name[OPTION_NAME], at[CONF_ERROR_PLACE];

	if (option_sections[section].form == SECTION_NESTED)
		return err_prefix(r->err, "%s: %s.%s: ", conf_error_place(place, at),
				  option_sections[section].name, option->name);
	return err_prefix(r->err, "%s: %s: ", conf_error_place(place, at),
			  option_full_name(option, name));
}

static bool set_given(const struct conf_reading *r, enum option_section section,
		      const struct option *option, struct place place)
{
	char at[CONF_ERROR_PLACE];

	*given_of(r, section, (size_t)(option - options)) = place;
	conf_error_place(place, at);
	if (has_title(section))
		return conf_titled_set_place(object_now(r, section), option, at, r->err);
	return conf_set_place(r->conf, option, at, r->err);
}

/* A list's values arrive one by one; libconfuse appends all but the first to the list. */
static bool take_option(const struct conf_reading *r, enum option_section section,
			const struct option *option, unsigned count, struct place place,
			const char *word)
{
	struct place *given = given_of(r, section, (size_t)(option - options));
	bool is_more = option_is_list(option) && count > 1;
	char at[CONF_ERROR_PLACE];

	if (given->line != 0 && !is_more)
		return err_set(r->err, CODE_CONFIG, "is given twice (first: %s)",
			       conf_error_place(*given, at));
	if (given->line == 0 && !set_given(r, section, option, place))
		return false;
	if (option_is_list(option))
		return option_check(option, word, r->err);
	if (option->section == SECTION_listen && strcmp(option->name, "service") == 0 &&
	    !conf_is_service(word, r->err))
		return false;
	return option_read(option, object_now(r, section), &word, 1, r->err);
}

bool conf_section_value(struct conf_reading *r, cfg_t *cfg, cfg_opt_t *opt, const char *word)
{
	enum option_section section = option_find_section(cfg_name(cfg));
	const struct option *option = option_find(section, opt->name);

	if (option == NULL) {
		conf_error_unknown(cfg_name(cfg), opt->name, place_of(r, cfg), r->err);
		return false;
	}
	if (!conf_section_enter(r, cfg))
		return false;
	return take_option(r, section, option, opt->nvalues, place_of(r, cfg), word) ||
	       blame_option(r, section, option, place_of(r, cfg));
}

static bool read_list(const struct conf_reading *r, cfg_t *cfg, enum option_section section,
		      const struct option *option)
{
	cfg_opt_t *opt = cfg_getopt(cfg, option->name);
	const char **words = calloc(opt->nvalues + 1, sizeof(*words));
	bool is_good;

	if (words == NULL)
		return err_errno(r->err, CODE_OSERR, "cannot keep a list");
	if (opt->nvalues == 0) {
		free(words);
		return err_set(r->err, CODE_CONFIG, "is given twice (the second empties it)");
	}
	for (unsigned i = 0; i < opt->nvalues; i++)
		words[i] = cfg_opt_getnstr(opt, i);
	is_good = option_read(option, object_now(r, section), words, opt->nvalues, r->err);
	free(words);
	return is_good;
}

/* An empty list has no value that would be called back; its line is not known. */
static bool take_empty(const struct conf_reading *r, cfg_t *cfg, enum option_section section,
		       const struct option *option)
{
	if (!option_is_list(option) || (cfg_getopt(cfg, option->name)->flags & CFGF_MODIFIED) == 0)
		return true;
	return set_given(r, section, option, r->begun[section]) &&
	       option_read(option, object_now(r, section), NULL, 0, r->err);
}

static bool finish_option(const struct conf_reading *r, cfg_t *cfg, enum option_section section,
			  size_t i)
{
	struct place *given = given_of(r, section, i);
	bool has_words = given->line != 0;
	char at[CONF_ERROR_PLACE];

	if (!has_words && !take_empty(r, cfg, section, &options[i]))
		return blame_option(r, section, &options[i], place_of(r, cfg));
	if (given->line == 0)
		return true;
	if (section == SECTION_listen &&
	    !conf_check_effect_of(&options[i], listener_now(r), r->err))
		return err_prefix(r->err, "%s: ", conf_error_place(*given, at));
	if (has_words && option_is_list(&options[i]) && !read_list(r, cfg, section, &options[i]))
		return blame_option(r, section, &options[i], *given);
	return true;
}

static bool finish_titled(const struct conf_reading *r, cfg_t *cfg, enum option_section section)
{
	char at[CONF_ERROR_PLACE], shown[QUOTE_TEXT];

	if (section == SECTION_listen && listener_now(r)->service[0] == '\0')
		return err_set(r->err, CODE_CONFIG,
			       "%s: listen %s: the service is missing (service = ack)",
			       conf_error_place(r->begun[SECTION_listen], at),
			       quote_show(listener_now(r)->address, shown));
	for (size_t i = 0; i < option_count; i++)
		if (option_is_of(section, &options[i]) && !finish_option(r, cfg, section, i))
			return false;
	return true;
}

bool conf_section_end(struct conf_reading *r, cfg_t *cfg, cfg_opt_t *opt)
{
	enum option_section section = option_find_section(opt->name);
	cfg_t *ended = r->section;

	/* an empty section is the last one: one with an earlier title was refused or has content */
	if (ended == NULL || ended == cfg)
		ended = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	if (!conf_section_enter(r, ended))
		return false;
	r->section = cfg == r->root ? NULL : cfg;
	return !has_title(section) || finish_titled(r, ended, section);
}

/* Lists are read when all their values have arrived; the root has no end callback. */
bool conf_section_finish(struct conf_reading *r)
{
	for (size_t i = 0; i < option_count; i++)
		if (options[i].section == SECTION_main && option_is_list(&options[i]) &&
		    r->given[i].line != 0 && !read_list(r, r->root, SECTION_main, &options[i]))
			return blame_option(r, SECTION_main, &options[i], r->given[i]);
	return true;
}

bool conf_section_begin(struct conf_reading *r, const struct conf_grammar_calls *calls)
{
	r->given = calloc(2 * option_count, sizeof(*r->given));
	r->root = conf_grammar_new(calls);
	return r->given != NULL && r->root != NULL;
}

void conf_section_drop(struct conf_reading *r)
{
	if (r->root != NULL)
		cfg_free(r->root);
	free(r->given);
}
