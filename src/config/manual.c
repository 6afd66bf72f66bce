/* SPDX-License-Identifier: MIT */
/*
 * Prints the tables for the manual pages. The text of a table belongs in its .def file, never here.
 */
#include "config/manual.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/quote.h"
#include "config/conf.h"
#include "config/conf_cmdline.h"
#include "config/signals.h"

/*
 * Returns the option's default as written in the configuration, on the heap, or NULL without
 * memory.
 */
static char *default_text(const struct option *option)
{
	union option_object object = { 0 };
	size_t size = 0;
	char *text = NULL;
	struct err err;
	FILE *stream = open_memstream(&text, &size);

	if (stream == NULL)
		return NULL;
	if (option_defaults(option->section, &object, &err))
		option_write_value(option, &object, stream);
	option_free(option->section, &object);
	fclose(stream);
	return text;
}

static void print_option(const struct option *option, FILE *out)
{
	char *value = default_text(option), line[768], allowed[256];
	char name[OPTION_NAME + 4], services[OPTION_SERVICES];

	snprintf(name, sizeof(name), "%s =", option->name);
	manual_term("Ic", name, value, out);
	manual_text(option->sentence, out);
	snprintf(line, sizeof(line), "Allowed: %s.", option_allowed(option, allowed));
	manual_text(line, out);
	if (option->service[0] != '\0') {
		snprintf(line, sizeof(line), "Only for %s%s.", option_services(option, services),
			 option_is_of(SECTION_location, option) ? ", also in a location" : "");
		manual_text(line, out);
	}
	manual_text(option_reload_sentence(option), out);
	free(value);
}

static void print_options(FILE *out)
{
	static const char *const heads[] = {
		[SECTION_TOP] = ".Ss Top level",
		[SECTION_SINGLE] = ".Ss Section ",
		[SECTION_TITLED] = ".Ss Sections ",
	};

	for (int section = 0; section < SECTION_COUNT; section++) {
		const struct section_row *row = &option_sections[section];

		if (row->form == SECTION_NESTED) /* its options are those of another one */
			continue;
		fprintf(out, "%s%s\n", heads[row->form], row->form == SECTION_TOP ? "" : row->name);
		manual_begin_list(out);
		for (size_t i = 0; i < option_count; i++)
			if ((int)options[i].section == section)
				print_option(&options[i], out);
		manual_end_list(out);
	}
}

static void print_flag_rows(struct flags flags, FILE *out)
{
	manual_begin_list(out);
	for (size_t i = 0; i < flags.count; i++) {
		const struct flag *flag = &flags.rows[i];
		char name[64];

		if (flag->letter < 32)
			snprintf(name, sizeof(name), "--%s", flag->name);
		else
			snprintf(name, sizeof(name), "-%c, --%s", flag->letter, flag->name);
		manual_term("Sy", name, flag->argument, out);
		manual_text(flag->sentence, out);
	}
	manual_end_list(out);
}

static void print_flags(FILE *out)
{
	print_flag_rows(flags_of_server, out);
}

#define FLAG_ROW(letter, name, argument, sentence) { letter, name, argument, sentence },
static void print_client_flags(FILE *out)
{
	static const struct flag rows[] = {
#include "tables/client_flags.def"
	};

	print_flag_rows(FLAGS(rows), out);
}

#define FLAG_ROW(letter, name, argument, sentence) { letter, name, argument, sentence },
static void print_bench_flags(FILE *out)
{
	static const struct flag rows[] = {
#include "tables/bench_flags.def"
	};

	print_flag_rows(FLAGS(rows), out);
}

#define FLAG_ROW(letter, name, argument, sentence) { letter, name, argument, sentence },
static void print_demo_flags(FILE *out)
{
	static const struct flag rows[] = {
#include "tables/demo_flags.def"
	};

	print_flag_rows(FLAGS(rows), out);
}

static void print_signals(FILE *out)
{
	manual_begin_list(out);
	for (unsigned i = 0; i < signal_count; i++) {
		char name[32];

		snprintf(name, sizeof(name), "SIG%s", signal_rows[i].name);
		manual_term("Dv", name, NULL, out);
		manual_text(signal_rows[i].sentence, out);
	}
	manual_end_list(out);
}

enum { SCOPE_LISTENER, SCOPE_WORKER, SCOPE_QUEUE, SCOPE_PROGRAM, SCOPE_UPSTREAM, SCOPE_SERVER };

/* Prometheus's names of the metric types, with the label that a row adds to that of the worker. */
#define TYPE_COUNTER   "counter"
#define TYPE_GAUGE     "gauge"
#define TYPE_HISTOGRAM "histogram"
#define TYPE_BY_ENDING "counter by ending"
#define TYPE_BY_CAUSE  "counter by cause"
#define TYPE_BY_REASON "counter by reason"
#define TYPE_BY_LIMIT  "counter by limit"
#define TYPE_BY_CLASS  "counter by class"
#define TYPE_BY_NAME   "counter by counter"

static void print_metrics_of(int scope, FILE *out)
{
	static const struct {
		int scope;
		const char *name, *type, *sentence;
	} rows[] = {
#define METRIC(scope, kind, unit, name, sentence) \
	{ SCOPE_##scope, "prefork_" #name, TYPE_##kind, sentence },
#include "tables/metrics.def"
	};

	manual_begin_list(out);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].scope != scope)
			continue;
		manual_term("Sy", rows[i].name, rows[i].type, out);
		manual_text(rows[i].sentence, out);
	}
	manual_end_list(out);
}

static void print_metrics(FILE *out)
{
	static const char *const heads[] = {
		[SCOPE_LISTENER] = ".Ss For each worker and listener",
		[SCOPE_WORKER] = ".Ss For each worker",
		[SCOPE_QUEUE] = ".Ss For each listener",
		[SCOPE_PROGRAM] = ".Ss For each program",
		[SCOPE_UPSTREAM] = ".Ss For each server of an upstream",
		[SCOPE_SERVER] = ".Ss For the server",
	};

	for (int scope = SCOPE_LISTENER; scope <= SCOPE_SERVER; scope++) {
		fprintf(out, "%s\n", heads[scope]);
		print_metrics_of(scope, out);
	}
}

static void print_events(FILE *out)
{
	static const char *const levels[] = { [LEVEL_DEBUG] = "debug",
					      [LEVEL_INFO] = "info",
					      [LEVEL_NOTICE] = "notice",
					      [LEVEL_WARNING] = "warning",
					      [LEVEL_ERROR] = "error" };

	manual_begin_list(out);
	for (int i = 0; i < EVENT_COUNT; i++) {
		manual_term("Sy", log_rows[i].name, levels[log_rows[i].level], out);
		manual_text(log_rows[i].sentence, out);
	}
	manual_end_list(out);
}

/* A row of a table that has only names and sentences. */
struct row {
	const char *name, *sentence;
};

static void print_rows(const struct row *rows, size_t count, FILE *out)
{
	manual_begin_list(out);
	for (size_t i = 0; i < count; i++) {
		manual_term("Sy", rows[i].name, NULL, out);
		manual_text(rows[i].sentence, out);
	}
	manual_end_list(out);
}

/* A program has the exit codes that have a sentence in its column. */
enum exits_column { EXITS_OF_SERVER, EXITS_OF_CLIENT, EXITS_OF_DEMO, EXITS_COLUMNS };

static void print_exit_column(enum exits_column column, FILE *out)
{
	static const struct {
		const char *code, *sentences[EXITS_COLUMNS];
	} rows[] = {
#define EXIT_ROW(name, code, server, client, demo) { #code, { server, client, demo } },
#include "tables/exits.def"
	};

	manual_begin_list(out);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *sentence = rows[i].sentences[column];

		if (sentence[0] == '\0')
			continue;
		manual_term("Sy", rows[i].code, NULL, out);
		manual_text(sentence, out);
	}
	manual_end_list(out);
}

static void print_exits(FILE *out)
{
	print_exit_column(EXITS_OF_SERVER, out);
}

static void print_client_exits(FILE *out)
{
	print_exit_column(EXITS_OF_CLIENT, out);
}

static void print_demo_exits(FILE *out)
{
	print_exit_column(EXITS_OF_DEMO, out);
}

static void print_lessons(FILE *out)
{
	static const struct row rows[] = {
#define LESSON(name, function, sentence) { name, sentence },
#include "tables/lessons.def"
	};

	print_rows(rows, sizeof(rows) / sizeof(rows[0]), out);
}

static void print_verbs(FILE *out)
{
	static const struct row rows[] = {
#define VERB(name, signal, argument, sentence) { #name, sentence },
#include "tables/verbs.def"
	};

	print_rows(rows, sizeof(rows) / sizeof(rows[0]), out);
}

static void print_endings(FILE *out)
{
	static const struct row rows[] = {
#define CLOSE_REASON(name, who, sentence) { #name, sentence },
#include "tables/close_reasons.def"
	};

	print_rows(rows, sizeof(rows) / sizeof(rows[0]), out);
}

static void print_proxy_errors(FILE *out)
{
	static const struct row rows[] = {
#define PROXY_ERROR(name, sentence) { #name, sentence },
#include "tables/proxy_errors.def"
	};

	print_rows(rows + 1, sizeof(rows) / sizeof(rows[0]) - 1, out); /* the first is "none" */
}

static void print_causes(FILE *out)
{
	static const struct row rows[] = {
#define MOVE_CAUSE(name, sentence) { #name, sentence },
#include "tables/move_causes.def"
	};

	print_rows(rows, sizeof(rows) / sizeof(rows[0]), out);
}

static void print_reasons(FILE *out)
{
	static const struct row rows[] = {
#define STAY_REASON(name, sentence) { #name, sentence },
#include "tables/stay_reasons.def"
	};

	print_rows(rows, sizeof(rows) / sizeof(rows[0]), out);
}

static void print_fields(FILE *out)
{
	static const struct row rows[] = {
#define ACCESS_FIELD(name, kind, sentence) { #name, sentence },
#include "tables/access_fields.def"
	};

	print_rows(rows, sizeof(rows) / sizeof(rows[0]), out);
}

static void print_services(FILE *out)
{
	manual_begin_list(out);
	for (size_t i = 0; i < conf_service_count; i++) {
		manual_term("Sy", conf_services[i].name, NULL, out);
		manual_text(conf_services[i].sentence, out);
	}
	manual_end_list(out);
}

static const struct {
	const char *name;
	void (*print)(FILE *out);
} tables[] = {
	{ "options", print_options },
	{ "signals", print_signals },
	{ "metrics", print_metrics },
	{ "events", print_events },
	{ "exits", print_exits },
	{ "services", print_services },
	{ "flags", print_flags },
	{ "verbs", print_verbs },
	{ "endings", print_endings },
	{ "proxy_errors", print_proxy_errors },
	{ "causes", print_causes },
	{ "reasons", print_reasons },
	{ "fields", print_fields },
	{ "client_flags", print_client_flags },
	{ "bench_flags", print_bench_flags },
	{ "demo_flags", print_demo_flags },
	{ "client_exits", print_client_exits },
	{ "demo_exits", print_demo_exits },
	{ "labs", print_lessons },
	{ "sample", manual_sample },
};
enum { TABLE_COUNT = sizeof(tables) / sizeof(tables[0]) };

bool manual_print(const char *table, FILE *out)
{
	for (size_t i = 0; i < TABLE_COUNT; i++)
		if (strcmp(tables[i].name, table) == 0) {
			tables[i].print(out);
			return true;
		}
	return false;
}

const char *manual_tables(char *text, size_t size)
{
	const char *names[TABLE_COUNT];

	for (size_t i = 0; i < TABLE_COUNT; i++)
		names[i] = tables[i].name;
	return quote_list(names, TABLE_COUNT, text, size);
}
