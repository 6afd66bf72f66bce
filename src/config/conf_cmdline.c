/* SPDX-License-Identifier: MIT */
/*
 * Reads the configuration given on the command line. Each option checks its own value. It must not
 * read files.
 */
#include "config/conf_cmdline.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/quote.h"
#include "base/sys.h"
#include "base/units.h"
#include "config/conf.h"
#include "config/conf_error.h"
#include "config/option.h"

enum { VALUES_MOST = 1024 };

/* Makes any check's error a usage error, with the flag and its text in front; "" stays visible. */
static bool blame_flag(struct err *err, const char *flag, const char *text)
{
	char shown[QUOTE_TEXT];

	if (err->code != CODE_OSERR)
		err->code = CODE_USAGE;
	quote_show(text, shown);
	if (text[0] == '\0')
		return err_prefix(err, "%s %s: ", flag, shown);
	shown[strlen(shown) - 1] = '\0';
	return err_prefix(err, "%s %s: ", flag, shown + 1);
}

/* Writes how the command line gives an option that was written without its section, or with one. */
static bool write_form(const char *name, bool of_listener, char *text, size_t size)
{
	const struct option *meant = option_find_meant(name);
	char full[OPTION_NAME];

	if (meant == NULL)
		return false;
	option_full_name(meant, full);
	if (meant->section == SECTION_listen && of_listener)
		snprintf(text, size, "write %s=...", meant->name);
	else if (meant->section == SECTION_listen)
		snprintf(text, size,
			 "write %s=... for every listener, or -l ADDRESS=SERVICE,%s=... for one",
			 full, meant->name);
	else
		snprintf(text, size, "write %s%s=...", of_listener ? "-o " : "", full);
	return true;
}

/* A hint from another server's option name takes precedence over a similar spelling. */
static bool refuse_name(const char *name, bool of_listener, const char *const *all, size_t count,
			struct err *err)
{
	const char *dot = strrchr(name, '.'), *hint = option_foreign_name(dot ? dot + 1 : name);
	const char *near = units_nearest(name, all, count);
	char shown[QUOTE_TEXT], form[192];

	quote_show(name, shown);
	if (write_form(name, of_listener, form, sizeof(form)))
		return err_set(err, CODE_USAGE, "%s is an unknown option (%s)", shown, form);
	if (hint != NULL)
		return err_set(err, CODE_USAGE, "%s is an unknown option (%s)", shown, hint);
	return err_set(err, CODE_USAGE, "%s is an unknown option%s%s%s", shown,
		       near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

static size_t nearest_candidates(const char **all, char (*names)[OPTION_NAME], size_t most)
{
	size_t count = 0;

	for (; count < option_count && count < most; count++)
		all[count] = option_full_name(&options[count], names[count]);
	return count;
}

static const struct option *find_full(const char *name, struct err *err)
{
	char names[128][OPTION_NAME];
	const char *all[128];
	size_t count = nearest_candidates(all, names, 128);

	for (size_t i = 0; i < count; i++)
		if (strcmp(all[i], name) == 0)
			return &options[i];
	refuse_name(name, false, all, count, err);
	return NULL;
}

/* Cuts text at each comma, in place. Returns the number of pieces, or 0 for too many. */
static size_t cut_pieces(char *text, const char **pieces, size_t most)
{
	size_t count = 0;

	for (char *at = text; at != NULL;) {
		char *comma = strchr(at, ',');

		if (count == most)
			return 0;
		if (comma != NULL)
			*comma++ = '\0';
		pieces[count++] = at;
		at = comma;
	}
	return count;
}

static bool read_value(const struct option *option, void *object, char *value, struct err *err)
{
	const char *words[VALUES_MOST] = { value };
	size_t count = 1;

	if (option->kind == KIND_NETS) {
		count = value[0] == '\0' ? 0 : cut_pieces(value, words, VALUES_MOST);
		if (count == 0 && value[0] != '\0')
			return err_set(err, CODE_USAGE, "more than %d values", VALUES_MOST);
	}
	return option_read(option, object, words, count, err);
}

/* Reads the value of a flag into section main or log, and records the flag as its place. */
static bool set_option(struct conf *conf, const struct option *option, const char *flag,
		       const char *text, const char *value, struct err *err)
{
	char place[CONF_ERROR_PLACE], *copy = strdup(value);
	bool is_good;

	if (copy == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep a value");
	snprintf(place, sizeof(place), "%s %s", flag, text);
	is_good = read_value(option, conf, copy, err) && conf_set_place(conf, option, place, err);
	free(copy);
	return is_good;
}

/* -o listen.service=... may leave options set that the new service does not know. */
static bool check_services(const struct conf *conf, struct err *err)
{
	for (size_t n = 0; n < conf->listener_count; n++)
		for (size_t i = 0; i < option_count; i++)
			if (options[i].section == SECTION_listen &&
			    !option_is_default(&options[i], &conf->listeners[n]) &&
			    !conf_check_service_of(&options[i], &conf->listeners[n], err))
				return err_prefix(err, "%s: ", conf->listeners[n].origin);
	return true;
}

static bool set_on_listeners(struct conf *conf, const struct option *option, const char *value,
			     struct err *err)
{
	bool is_service = strcmp(option->name, "service") == 0;
	size_t known = 0;

	if (is_service && !conf_is_service(value, err))
		return false;
	for (size_t i = 0; i < conf->listener_count; i++) {
		char *copy;
		bool is_good;

		if (!conf_check_service_of(option, &conf->listeners[i], err))
			continue;
		known++;
		copy = strdup(value);
		if (copy == NULL)
			return err_errno(err, CODE_OSERR, "cannot keep a value");
		is_good = read_value(option, &conf->listeners[i], copy, err);
		free(copy);
		if (!is_good)
			return false;
	}
	/* err holds the service of the last listener */
	return known > 0 && (!is_service || check_services(conf, err));
}

static bool apply_option(struct conf *conf, const char *text, char *name, char *value,
			 struct err *err)
{
	const struct option *option = find_full(name, err);

	if (option == NULL)
		return false;
	if (option->section == SECTION_listen)
		return set_on_listeners(conf, option, value, err);
	return set_option(conf, option, "-o", text, value, err);
}

bool conf_cmdline_option(struct conf *conf, const char *text, struct err *err)
{
	char *copy = strdup(text);
	char *equals = copy ? strchr(copy, '=') : NULL;
	bool is_good;

	if (copy == NULL) {
		is_good = err_errno(err, CODE_OSERR, "cannot keep a value");
	} else if (equals == NULL) {
		is_good = err_set(err, CODE_USAGE, "\"=\" is missing (NAME=VALUE)");
	} else {
		*equals = '\0';
		is_good = apply_option(conf, text, copy, equals + 1, err);
	}
	free(copy);
	return is_good || blame_flag(err, "-o", text);
}

bool conf_cmdline_workers(struct conf *conf, const char *text, struct err *err)
{
	return set_option(conf, option_find(SECTION_main, "workers"), "-w", text, text, err) ||
	       blame_flag(err, "-w", text);
}

bool conf_cmdline_pid_file(struct conf *conf, const char *text, const char *directory,
			   struct err *err)
{
	const struct option *option = option_find(SECTION_main, "pid_file");
	char path[FILE_PATH], here[FILE_PATH];

	if (text[0] == '\0') {
		err_set(err, CODE_USAGE, "a path is needed");
		return blame_flag(err, "-p", text);
	}
	if (strcmp(text, "none") == 0)
		return set_option(conf, option, "-p", text, text, err);
	if (directory == NULL && text[0] != '/')
		directory = getcwd(here, sizeof(here));
	if (directory == NULL && text[0] != '/') {
		err_errno(err, CODE_USAGE, "the current directory cannot be found");
		return blame_flag(err, "-p", text);
	}
	if (!file_join(directory, text, path)) {
		err_set(err, CODE_USAGE, "the path is too long");
		return blame_flag(err, "-p", text);
	}
	return set_option(conf, option, "-p", text, path, err) || blame_flag(err, "-p", text);
}

/* One -l, split; the pieces point into a copy of it. */
struct listen_text {
	char *address, *service;
	const char *pieces[VALUES_MOST]; /* OPTION=VALUE */
	size_t count;
};

/*
 * Returns the start of the service's name: after the first "=" that is followed by a known service.
 * Without one, err reports the name after the first "=".
 */
static char *find_service(char *text, struct err *err)
{
	char *first = strchr(text, '=');

	for (char *at = first; at != NULL; at = strchr(at + 1, '=')) {
		size_t len = strcspn(at + 1, ",");
		char kept = at[1 + len];
		bool is_service;

		at[1 + len] = '\0';
		is_service = conf_is_service(at + 1, err);
		at[1 + len] = kept;
		if (is_service)
			return at + 1;
	}
	if (first == NULL) {
		err_set(err, CODE_USAGE, "the service is missing (ADDRESS=SERVICE)");
		return NULL;
	}
	first[1 + strcspn(first + 1, ",")] = '\0';
	conf_is_service(first + 1, err);
	return NULL;
}

static bool take_apart(char *copy, struct listen_text *parts, struct err *err)
{
	char *comma;

	parts->address = copy;
	parts->count = 0;
	parts->service = find_service(copy, err);
	if (parts->service == NULL)
		return false;
	parts->service[-1] = '\0';
	comma = strchr(parts->service, ',');
	if (comma == NULL)
		return true;
	*comma = '\0';
	parts->count = cut_pieces(comma + 1, parts->pieces, VALUES_MOST);
	return parts->count > 0 || err_set(err, CODE_USAGE, "more than %d options", VALUES_MOST);
}

/* Returns the value when the piece sets this option, else NULL. */
static const char *value_in(const char *piece, const struct option *option)
{
	size_t len = strlen(option->name);

	return strncmp(piece, option->name, len) == 0 && piece[len] == '=' ? piece + len + 1 : NULL;
}

static bool set_from_pieces(const struct option *option, const struct listen_text *parts,
			    struct listen_conf *listener, struct err *err)
{
	const char *words[VALUES_MOST];
	size_t count = 0;

	for (size_t i = 0; i < parts->count; i++) {
		const char *value = value_in(parts->pieces[i], option);

		if (value != NULL)
			words[count++] = value;
	}
	if (count == 0)
		return true;
	if (strcmp(option->name, "service") == 0 || (count > 1 && option->kind != KIND_NETS))
		return err_set(err, CODE_USAGE, "%s: is given twice", option->name);
	if (!conf_check_service_of(option, listener, err))
		return false;
	return option_read(option, listener, words, count, err) ||
	       err_prefix(err, "%s: ", option->name);
}

static bool is_known_piece(const char *piece, struct err *err)
{
	char shown[QUOTE_TEXT], name[OPTION_NAME];
	const char *all[128];
	size_t count = 0;

	for (size_t i = 0; i < option_count; i++) {
		if (options[i].section != SECTION_listen)
			continue;
		if (value_in(piece, &options[i]) != NULL)
			return true;
		if (count < 128)
			all[count++] = options[i].name;
	}
	if (strchr(piece, '=') == NULL)
		return err_set(err, CODE_USAGE, "%s: \"=\" is missing (OPTION=VALUE)",
			       quote_show(piece, shown));
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(piece, "="), piece);
	return refuse_name(name, true, all, count, err);
}

static bool fill_listener(struct conf *conf, const struct listen_text *parts, const char *text,
			  struct err *err)
{
	const char *service = parts->service;
	struct listen_conf *listener;
	char origin[CONF_ERROR_PLACE];

	snprintf(origin, sizeof(origin), "-l %s", text);
	listener = conf_add_listener(conf, parts->address, origin, err);
	if (listener == NULL)
		return false;
	if (!option_read(option_find(SECTION_listen, "service"), listener, &service, 1, err))
		return false;
	for (size_t i = 0; i < parts->count; i++)
		if (!is_known_piece(parts->pieces[i], err))
			return false;
	for (size_t i = 0; i < option_count; i++)
		if (options[i].section == SECTION_listen &&
		    !set_from_pieces(&options[i], parts, listener, err))
			return false;
	return true;
}

bool conf_cmdline_listen(struct conf *conf, const char *text, struct err *err)
{
	struct listen_text parts;
	char *copy = strdup(text);
	bool is_good = false;

	if (copy == NULL)
		err_errno(err, CODE_OSERR, "cannot keep a listener");
	else
		is_good = take_apart(copy, &parts, err) && fill_listener(conf, &parts, text, err);
	free(copy);
	return is_good || blame_flag(err, "-l", text);
}

static const struct flag flag_rows[] = {
#define FLAG_ROW(letter, name, argument, sentence) { letter, name, argument, sentence },
#include "tables/flags.def"
};
const struct flags flags_of_server = { flag_rows, sizeof(flag_rows) / sizeof(flag_rows[0]) };
