/* SPDX-License-Identifier: MIT */
/* Writes the sample configuration from the table of options. */
#include "config/manual.h"

#include <string.h>

#include "config/conf.h"

enum { WIDTH = 90 };

/* Writes the text as filled comment lines. */
static void print_comment(const char *indent, const char *text, FILE *out)
{
	size_t column = 0;

	while (*(text += strspn(text, " ")) != '\0') {
		size_t len = strcspn(text, " ");

		if (column == 0 || column + 1 + len > WIDTH) {
			fprintf(out, "%s%s#", column > 0 ? "\n" : "", indent);
			column = 1;
		}
		fprintf(out, " %.*s", (int)len, text);
		column += len + 1;
		text += len;
	}
	fputc('\n', out);
}

static void print_option(const struct option *row, const void *object, const char *indent,
			 FILE *out)
{
	char text[512], allowed[256];

	print_comment(indent, row->sentence, out);
	snprintf(text, sizeof(text), "Allowed: %s. %s", option_allowed(row, allowed),
		 option_reload_sentence(row));
	print_comment(indent, text, out);
	/* without the blank, the line is one to be uncommented as it is */
	fprintf(out, conf_needs_proxy(row) ? "%s# " : "%s#", indent);
	option_write(row, object, out);
	fputs("\n\n", out);
}

static void print_section(enum option_section wanted, const void *object, const char *service,
			  const char *indent, FILE *out)
{
	for (size_t i = 0; i < option_count; i++) {
		bool is_service = strcmp(options[i].name, "service") == 0;

		if (options[i].section == wanted && option_is_for(&options[i], service) &&
		    !(wanted == SECTION_listen && is_service))
			print_option(&options[i], object, indent, out);
	}
}

/* The sections that such a section may have. */
static void show_nested(enum option_section section, const char *service, FILE *out)
{
	for (int i = 0; i < SECTION_COUNT; i++) {
		const struct section_row *row = &option_sections[i];

		if (row->form != SECTION_NESTED || row->options != section ||
		    strcmp(row->service, service) != 0)
			continue;
		fprintf(out, "# Options of its own for what is below a %s.\n", row->title);
		fprintf(out, "#     %s %s { }\n", row->name, row->sample);
	}
}

/* A section as a comment: it loads only where its program or module exists. */
static void show_section(const char *head, enum option_section section, const void *object,
			 const char *service, FILE *out)
{
	fprintf(out, "\n# %s {\n", head);
	for (size_t i = 0; i < option_count; i++) {
		if (options[i].section != section || !option_is_for(&options[i], service) ||
		    strcmp(options[i].name, "service") == 0)
			continue;
		print_comment("", options[i].sentence, out);
		fputs("#     ", out);
		option_write(&options[i], object, out);
		fputc('\n', out);
	}
	show_nested(section, service, out);
	fputs("# }\n", out);
}

/* A titled section of its own kind, of defaults, as a comment. */
static void show_titled(const char *head, enum option_section section, FILE *out)
{
	union option_object object = { 0 };
	struct err err;

	if (option_defaults(section, &object, &err))
		show_section(head, section, &object, "", out);
	option_free(section, &object);
}

static void guest_sections(const struct listen_conf *listen, FILE *out)
{
	print_comment(
		"",
		"Upstreams, certificates, programs of your own, and the options that only some "
		"listeners know. server, certificate, key, command, module and root are "
		"required.",
		out);
	show_titled("upstream \"db\"", SECTION_upstream, out);
	show_titled("tls \"site\"", SECTION_tls, out);
	show_titled("program \"app\"", SECTION_program, out);
	show_section("listen \"127.0.0.1:8080\"", SECTION_listen, listen, "http", out);
	show_section("listen \"127.0.0.1:5432\"", SECTION_listen, listen, "proxy", out);
	show_section("listen \"127.0.0.1:8000\"", SECTION_listen, listen, "program", out);
	show_section("listen \"127.0.0.1:9000\"", SECTION_listen, listen, "module", out);
	show_section("listen \"127.0.0.1:2222\"", SECTION_listen, listen, "exec", out);
}

static void listen_section(const struct listen_conf *listen, FILE *out)
{
	const struct option *service = option_find(SECTION_listen, "service");

	print_comment(
		"",
		"A listener, titled by its address: 8080, *:8080, 127.0.0.1:8080, [::1]:8080, "
		"name:8080 or unix:/path. There may be many.",
		out);
	fputs("listen \"127.0.0.1:8081\" {\n", out);
	print_comment("\t", service->sentence, out);
	print_comment("\t", option_reload_sentence(service), out);
	fputs("\tservice = ack\n\n", out);
	print_section(SECTION_listen, listen, "", "\t", out);
	print_comment("\t", "The following are for service ack alone.", out);
	fputc('\n', out);
	print_section(SECTION_listen, listen, "ack", "\t", out);
	fputs("}\n\n", out);
	print_comment("",
		      "The state of the server: a live page, /status.json, /metrics and /healthz. "
		      "It shows "
		      "addresses of clients: bind it to a private address, or give it users.",
		      out);
	fputs("listen \"127.0.0.1:8080\" {\n\tservice = status\n\n", out);
	print_section(SECTION_listen, listen, "status", "\t", out);
	fputs("}\n", out);
}

void manual_sample(FILE *out)
{
	struct listen_conf listen = { 0 };
	struct conf conf = { 0 };
	struct err err;

	print_comment("",
		      "prefork-srv.conf: every option with its default. See prefork-srv.conf(5).",
		      out);
	fputc('\n', out);
	if (option_defaults(SECTION_main, &conf, &err) &&
	    option_defaults(SECTION_log, &conf, &err) &&
	    option_defaults(SECTION_listen, &listen, &err)) {
		print_section(SECTION_main, &conf, "", "", out);
		fputs("log {\n", out);
		print_section(SECTION_log, &conf, "", "\t", out);
		fputs("}\n\n", out);
		listen_section(&listen, out);
		fputc('\n', out);
		guest_sections(&listen, out);
	}
	option_free(SECTION_main, &conf);
	option_free(SECTION_log, &conf);
	option_free(SECTION_listen, &listen);
}
