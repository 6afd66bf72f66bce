/* SPDX-License-Identifier: MIT */
/* Writes a configuration as a file that conf_load reads back unchanged. */
#include <string.h>

#include "base/quote.h"
#include "config/conf.h"
#include "config/conf_upstream.h"

static void print_section(enum option_section section, const void *object, const char *indent,
			  FILE *out)
{
	struct err ignored;

	for (size_t i = 0; i < option_count; i++) {
		if (options[i].section != section)
			continue;
		if (section == SECTION_listen &&
		    !conf_check_effect_of(&options[i], object, &ignored))
			continue;
		fputs(indent, out);
		option_write(&options[i], object, out);
		fputc('\n', out);
	}
}

static void print_head(const char *indent, enum option_section section, const char *title,
		       FILE *out)
{
	fprintf(out, "\n%s%s ", indent, option_sections[section].name);
	quote_write(title, out);
	fputs(" {\n", out);
}

static void print_titled(enum option_section section, const char *title, const void *object,
			 FILE *out)
{
	print_head("", section, title, out);
	print_section(section, object, "\t", out);
	fputs("}\n", out);
}

/* What it does not set itself is the listen's. */
static void print_location(const struct listen_conf *location, FILE *out)
{
	print_head("\t", SECTION_location, location->address, out);
	for (size_t i = 0; i < option_count; i++) {
		if (location->places[i] == NULL)
			continue;
		fputs("\t\t", out);
		option_write(&options[i], location, out);
		fputc('\n', out);
	}
	fputs("\t}\n", out);
}

/* What `to` cannot say of its upstream is printed as a section: then the listener names that. */
static void print_listener(const struct conf *conf, const struct listen_conf *listen, FILE *out)
{
	const struct upstream_conf *upstream = conf_upstream_of(conf, listen);
	struct listen_conf shown = *listen;

	if (upstream != NULL && upstream->is_made && !conf_upstream_is_plain(upstream)) {
		shown.upstream = upstream->title;
		shown.to = (struct text_list){ 0 };
	}
	print_head("", SECTION_listen, listen->address, out);
	print_section(SECTION_listen, &shown, "\t", out);
	for (size_t i = 0; i < listen->location_count; i++)
		print_location(&listen->locations[i], out);
	fputs("}\n", out);
}

void conf_print(const struct conf *conf, FILE *out)
{
	fputs("# ", out);
	quote_write(conf->origin, out);
	fputc('\n', out);
	for (int section = 0; section < SECTION_COUNT; section++) {
		const struct section_row *row = &option_sections[section];

		if (row->form == SECTION_TOP)
			print_section((enum option_section)section, conf, "", out);
		if (row->form != SECTION_SINGLE)
			continue;
		fprintf(out, "\n%s {\n", row->name);
		print_section((enum option_section)section, conf, "\t", out);
		fputs("}\n", out);
	}
	for (size_t i = 0; i < conf->upstream_count; i++)
		if (!conf_upstream_is_plain(&conf->upstreams[i]))
			print_titled(SECTION_upstream, conf->upstreams[i].title,
				     &conf->upstreams[i], out);
	for (size_t i = 0; i < conf->tls_count; i++)
		print_titled(SECTION_tls, conf->tls[i].title, &conf->tls[i], out);
	for (size_t i = 0; i < conf->program_count; i++)
		print_titled(SECTION_program, conf->programs[i].title, &conf->programs[i], out);
	for (size_t i = 0; i < conf->listener_count; i++)
		print_listener(conf, &conf->listeners[i], out);
}
