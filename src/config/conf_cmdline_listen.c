/* SPDX-License-Identifier: MIT */
/*
 * Reads the listeners and the program given on the command line. Each option checks its own value.
 * It must not read files.
 */
#include "config/conf_cmdline.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/quote.h"
#include "config/conf.h"
#include "config/conf_cmdline_parts.h"
#include "config/conf_error.h"
#include "config/conf_titled.h"
#include "config/option.h"

enum { TITLE = 64 };

/* Writes the title of the program after --: the base name of its command; "" without one. */
static const char *title_of(const struct conf_source *source, char *title)
{
	const char *command = source->program ? source->program[0] : "";
	const char *slash = strrchr(command, '/');

	snprintf(title, TITLE, "%s", slash ? slash + 1 : command);
	return title;
}

/* One -l, split; the pieces point into a copy of it. */
struct listen_text {
	const char *address, *service;
	const char *program;                     /* the title of its program, or NULL */
	const char *pieces[CONF_CMDLINE_VALUES]; /* OPTION=VALUE */
	size_t count;
	const char *directory; /* of relative paths; NULL: they stay relative */
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

/* `title` is that of the program after --, to which a listener without a service belongs, or "". */
static bool take_apart(char *copy, const char *title, struct listen_text *parts, struct err *err)
{
	char *service, *comma;

	*parts = (struct listen_text){ .address = copy };
	if (title[0] != '\0' && strchr(copy, '=') == NULL) {
		parts->service = "program";
		parts->program = title;
		return true;
	}
	parts->service = service = find_service(copy, err);
	if (service == NULL)
		return false;
	service[-1] = '\0';
	comma = strchr(service, ',');
	if (comma == NULL)
		return true;
	*comma = '\0';
	parts->count = conf_cmdline_cut(comma + 1, parts->pieces, CONF_CMDLINE_VALUES);
	return parts->count > 0 ||
	       err_set(err, CODE_USAGE, "more than %d options", CONF_CMDLINE_VALUES);
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
	const char *words[CONF_CMDLINE_VALUES];
	char path[FILE_PATH];
	size_t count = 0;

	for (size_t i = 0; i < parts->count; i++) {
		const char *value = value_in(parts->pieces[i], option);

		if (value != NULL)
			words[count++] = value;
	}
	if (count == 0)
		return true;
	if (strcmp(option->name, "service") == 0 || (count > 1 && !option_is_list(option)))
		return err_set(err, CODE_USAGE, "%s: is given twice", option->name);
	if (!conf_check_effect_of(option, listener, err))
		return false;
	if (((option_is_path(option) && words[0][0] != '\0') ||
	     (option_is_program(option) && strchr(words[0], '/'))) &&
	    file_join(parts->directory, words[0], path))
		words[0] = path;
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
	return conf_cmdline_refuse_name(name, true, all, count, err);
}

static bool fill_listener(struct conf *conf, const struct listen_text *parts, const char *text,
			  struct err *err)
{
	struct listen_conf *listener;
	char origin[CONF_ERROR_PLACE] = "-l ";

	conf_cmdline_show(text, origin + 3, sizeof(origin) - 3);
	listener = conf_add_listener(conf, parts->address, origin, err);
	if (listener == NULL)
		return false;
	if (!option_read(option_find(SECTION_listen, "service"), listener, &parts->service, 1, err))
		return false;
	if (parts->program &&
	    !option_read(option_find(SECTION_listen, "program"), listener, &parts->program, 1, err))
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

bool conf_cmdline_listen(struct conf *conf, const char *text, const struct conf_source *source,
			 struct err *err)
{
	char title[TITLE], *copy = strdup(text);
	struct listen_text parts;
	bool is_good = false;

	if (copy == NULL)
		err_errno(err, CODE_OSERR, "cannot keep a listener");
	else if (take_apart(copy, title_of(source, title), &parts, err)) {
		parts.directory = source->directory;
		is_good = fill_listener(conf, &parts, text, err);
	}
	free(copy);
	return is_good || conf_cmdline_blame(err, "-l", text);
}

/* The words after --, cut, for messages. */
static void show_program(const struct conf_source *source, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "--");

	for (size_t i = 0; source->program[i] != NULL && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, " %s", source->program[i]);
}

static bool set_words(const char *name, struct program_conf *program, const char *const *words,
		      size_t count, struct err *err)
{
	return option_read(option_find(SECTION_program, name), program, words, count, err) ||
	       err_prefix(err, "program.%s: ", name);
}

/* It runs where the server was started, as it would without the server. */
static bool fill_program(struct program_conf *program, const struct conf_source *source,
			 struct err *err)
{
	const char *words[CONF_CMDLINE_VALUES], *directory = source->directory;
	char path[FILE_PATH];
	size_t count = 0;

	while (source->program[count] != NULL && count < CONF_CMDLINE_VALUES) {
		words[count] = source->program[count];
		count++;
	}
	if (source->program[count] != NULL)
		return err_set(err, CODE_USAGE, "more than %d words", CONF_CMDLINE_VALUES);
	if (strchr(words[0], '/') && file_join(directory, words[0], path))
		words[0] = path;
	return set_words("command", program, words, count, err) &&
	       (directory == NULL || set_words("directory", program, &directory, 1, err));
}

bool conf_cmdline_program(struct conf *conf, const struct conf_source *source, struct err *err)
{
	char origin[CONF_ERROR_PLACE], title[TITLE];
	struct program_conf *program;

	if (source->program == NULL)
		return true;
	show_program(source, origin, sizeof(origin));
	program = conf_titled_add(conf, SECTION_program, title_of(source, title), origin, err);
	if (program != NULL && fill_program(program, source, err))
		return true;
	if (err->code != CODE_OSERR)
		err->code = CODE_USAGE;
	return err_prefix(err, "%s: ", origin);
}
