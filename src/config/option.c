/* SPDX-License-Identifier: MIT */
/*
 * The rows of tables/options.def as an array, and operations on one option: find, read, write,
 * compare. config/option_type.c implements the kinds. It knows no option by name.
 */
#include "config/option.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "config/conf_fields.h"
#include "config/foreign.h"
#include "config/option_type.h"

enum { DEFAULT_WORDS = 4, DEFAULT_WORDS_TEXT = 64 };

#define OFFSET_main(name)     offsetof(struct conf, name)
#define OFFSET_log(name)      offsetof(struct conf, log_##name)
#define OFFSET_listen(name)   offsetof(struct listen_conf, name)
#define OFFSET_program(name)  offsetof(struct program_conf, name)
#define OFFSET_upstream(name) offsetof(struct upstream_conf, name)
#define OFFSET_tls(name)      offsetof(struct tls_conf, name)
#define ROW(section, name, kind, fallback, min, max, words, service, reload, sentence, \
	    is_of_listen)                                                              \
	{ SECTION_##section,                                                           \
	  #name,                                                                       \
	  KIND_##kind,                                                                 \
	  fallback,                                                                    \
	  min,                                                                         \
	  max,                                                                         \
	  words,                                                                       \
	  service,                                                                     \
	  OPTION_##reload,                                                             \
	  sentence,                                                                    \
	  OFFSET_##section(name),                                                      \
	  is_of_listen },
#define OPTION(...)        ROW(__VA_ARGS__, false)
#define LISTEN_OPTION(...) ROW(__VA_ARGS__, true)

const struct option options[] = {
#include "tables/options.def"
};
const size_t option_count = sizeof(options) / sizeof(options[0]);

const struct section_row option_sections[SECTION_COUNT] = {
#define SECTION(name, form, options, service, title, sample) \
	[SECTION_##name] = { #name, SECTION_##form, SECTION_##options, service, title, sample },
#include "tables/sections.def"
};

static void *field_of(const struct option *option, void *object)
{
	return (char *)object + option->offset;
}

static const void *value_of(const struct option *option, const void *object)
{
	return (const char *)object + option->offset;
}

enum option_section option_find_section(const char *name)
{
	int i = 0, top = 0;

	for (; i < SECTION_COUNT; i++) {
		if (option_sections[i].form == SECTION_TOP)
			top = i;
		else if (strcmp(option_sections[i].name, name) == 0)
			return (enum option_section)i;
	}
	return (enum option_section)top;
}

bool option_is_of(enum option_section section, const struct option *option)
{
	const struct section_row *row = &option_sections[section];

	if (row->form == SECTION_NESTED && option->is_of_listen)
		return false;
	return option->section == row->options &&
	       (row->service[0] == '\0' || strcmp(option->service, row->service) == 0);
}

const struct option *option_find(enum option_section section, const char *name)
{
	for (size_t i = 0; i < option_count; i++)
		if (option_is_of(section, &options[i]) && strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

bool option_is_list(const struct option *option)
{
	return option->kind == KIND_NETS || option->kind == KIND_LIST;
}

const char *option_full_name(const struct option *option, char *text)
{
	const struct section_row *section = &option_sections[option->section];
	bool is_top = section->form == SECTION_TOP;

	snprintf(text, OPTION_NAME, "%s%s%s", is_top ? "" : section->name, is_top ? "" : ".",
		 option->name);
	return text;
}

const char *option_services(const struct option *option, char *text)
{
	struct strbuf out = strbuf_on(text, OPTION_SERVICES - 1);
	const char *at = option->service;

	strbuf_raw(&out, strchr(at, ' ') ? "services " : "service ");
	for (; *at != '\0'; at++) {
		const char one[] = { *at, '\0' };

		if (*at != ' ')
			strbuf_raw(&out, one);
		else
			strbuf_raw(&out, strchr(at + 1, ' ') ? ", " : " and ");
	}
	text[out.used] = '\0';
	return text;
}

bool option_is_for(const struct option *option, const char *service)
{
	return service[0] == '\0' ? option->service[0] == '\0' :
				    units_has_word(option->service, service);
}

bool option_read(const struct option *option, void *object, const char *const *words, size_t count,
		 struct err *err)
{
	const struct option_type *kind = option_types[option->kind];
	union {
		int64_t number;
		bool flag;
		int choice;
		char *text;
		struct net_list nets;
		struct text_list list;
	} fresh;

	BUG_ON(count != 1 && !option_is_list(option));
	memset(&fresh, 0, sizeof(fresh));
	if (!kind->read(option, &fresh, words, count, err))
		return false;
	kind->free(field_of(option, object));
	memcpy(field_of(option, object), &fresh, kind->size);
	return true;
}

bool option_check(const struct option *option, const char *word, struct err *err)
{
	union option_object object = { 0 };
	bool is_good = option_read(option, &object, &word, 1, err);

	option_types[option->kind]->free(field_of(option, &object));
	return is_good;
}

/* The words of a list are separated by blanks. */
static bool set_default_list(const struct option *option, void *object, struct err *err)
{
	const char *words[DEFAULT_WORDS];
	char text[DEFAULT_WORDS_TEXT], *at = text;
	size_t count = 0;

	BUG_ON(strlen(option->fallback) >= sizeof(text));
	memcpy(text, option->fallback, strlen(option->fallback) + 1);
	while (*at != '\0') {
		BUG_ON(count == DEFAULT_WORDS);
		words[count++] = at;
		at += strcspn(at, " ");
		if (*at != '\0')
			*at++ = '\0';
	}
	return option_read(option, object, words, count, err);
}

static bool set_default(const struct option *option, void *object, struct err *err)
{
	if (option_is_list(option))
		return set_default_list(option, object, err);
	/* "" means "not given" and is outside the bounds */
	if (option->kind == KIND_TEXT && option->fallback[0] == '\0') {
		char *empty = strdup("");

		if (empty == NULL)
			return err_errno(err, CODE_OSERR, "cannot keep a value");
		*(char **)field_of(option, object) = empty;
		return true;
	}
	return option_read(option, object, &option->fallback, 1, err);
}

bool option_defaults(enum option_section section, void *object, struct err *err)
{
	for (size_t i = 0; i < option_count; i++)
		if (options[i].section == section && !set_default(&options[i], object, err))
			return false;
	return true;
}

void option_free(enum option_section section, void *object)
{
	for (size_t i = 0; i < option_count; i++)
		if (options[i].section == section)
			option_types[options[i].kind]->free(field_of(&options[i], object));
}

void option_write_value(const struct option *option, const void *object, FILE *out)
{
	option_types[option->kind]->write(option, value_of(option, object), out);
}

void option_write(const struct option *option, const void *object, FILE *out)
{
	fprintf(out, "%s = ", option->name);
	option_write_value(option, object, out);
}

bool option_equal(const struct option *option, const void *a, const void *b)
{
	return option_types[option->kind]->equal(value_of(option, a), value_of(option, b));
}

bool option_copy(const struct option *option, void *to, const void *from, struct err *err)
{
	const struct option_type *kind = option_types[option->kind];

	kind->free(field_of(option, to));
	return kind->copy(field_of(option, to), value_of(option, from)) ||
	       err_errno(err, CODE_OSERR, "cannot keep a value");
}

bool option_is_default(const struct option *option, const void *object)
{
	union option_object fresh = { 0 };
	struct err err;
	bool is_default = set_default(option, &fresh, &err) && option_equal(option, object, &fresh);

	option_types[option->kind]->free(field_of(option, &fresh));
	return is_default;
}

const char *option_allowed(const struct option *option, char *text)
{
	return option_types[option->kind]->allowed(option, text);
}

const char *option_reload_sentence(const struct option *option)
{
	static const char *const sentences[] = {
		[OPTION_LIVE] = "",
		[OPTION_OPEN] =
			("A reload applies a change to connections that are accepted later; open "
			 "connections for which it changes finish in the old workers."),
		[OPTION_RESTART] = "A change needs a restart.",
	};

	return sentences[option->reload];
}

uint64_t option_state_key(const struct listen_conf *conf)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	uint64_t key = 0;

	if (out == NULL)
		return 0;
	for (size_t i = 0; i < option_count; i++) {
		if (options[i].section != SECTION_listen || options[i].reload != OPTION_OPEN)
			continue;
		option_write(&options[i], conf, out);
		fputc('\n', out);
	}
	if (fclose(out) == 0)
		key = hash_bytes(text, size);
	free(text);
	return key;
}

static bool is_section(const char *name, size_t length)
{
	for (int i = 0; i < SECTION_COUNT; i++)
		if (strlen(option_sections[i].name) == length &&
		    strncmp(option_sections[i].name, name, length) == 0)
			return true;
	return false;
}

const struct option *option_find_meant(const char *name)
{
	const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;
	const struct option *any = NULL;
	char full[OPTION_NAME];

	if (dot != NULL && !is_section(name, (size_t)(dot - name)))
		return NULL;
	for (size_t i = 0; i < option_count; i++) {
		if (strcmp(options[i].name, last) != 0)
			continue;
		if (any == NULL || strcmp(option_full_name(&options[i], full), name) == 0)
			any = &options[i];
	}
	return any;
}

const char *option_foreign(enum option_section section, const char *name)
{
	static const enum foreign_kind kinds[SECTION_COUNT] = {
		[SECTION_main] = FOREIGN_main,       [SECTION_listen] = FOREIGN_listen,
		[SECTION_location] = FOREIGN_listen, [SECTION_upstream] = FOREIGN_upstream,
		[SECTION_tls] = FOREIGN_tls,
	};

	return kinds[section] != FOREIGN_option ? foreign_find(kinds[section], name) : NULL;
}
