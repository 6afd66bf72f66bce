/* SPDX-License-Identifier: MIT */
/* Tests of config/manual, config/manual_mdoc and config/manual_sample: the tables as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf.h"
#include "config/conf_load.h"
#include "config/manual.h"
#include "stats/metric.h"
#include "unit/folder.h"

static char *table(const char *name)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_true(manual_print(name, out));
	fclose(out);
	return text;
}

static char *filled(const char *sentences)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	manual_text(sentences, out);
	fclose(out);
	return text;
}

static void manual_print__of_an_unknown_table__prints_nothing(void **state)
{
	(void)state;
	assert_false(manual_print("option", stderr));
	assert_false(manual_print("", stderr));
}

static void manual_print__of_each_table__has_a_term_for_each_row(void **state)
{
	static const struct {
		const char *name, *term;
	} samples[] = {
		{ "options", ".It Ic \"\\&shutdown_timeout =\" Ar \"\\&30s\"\n" },
		{ "signals", ".It Dv \"\\&SIGHUP\"\nReload the configuration.\n" },
		{ "metrics", ".It Sy \"\\&prefork_messages_total\" Ar \"\\&counter\"\n" },
		{ "events", ".It Sy \"\\&worker_crashed\" Ar \"\\&warning\"\n" },
		{ "exits", ".It Sy \"\\&78\"\nThe configuration is wrong.\n" },
		{ "services", ".It Sy \"\\&echo\"\nReturns every byte (RFC 862).\n" },
		{ "flags", ".It Sy \"\\&-p, --pid-file\" Ar \"\\&FILE|none\"\n" },
		{ "verbs", ".It Sy \"\\&reload\"\n" },
		{ "proxy_errors", ".It Sy \"\\&line_too_long\"\n" },
		{ "endings", ".It Sy \"\\&message_too_long\"\n" },
		{ "causes", ".It Sy \"\\&rebalance\"\n" },
		{ "reasons", ".It Sy \"\\&unanswered\"\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		char *text = table(samples[i].name);

		assert_non_null(strstr(text, samples[i].term));
		free(text);
	}
}

/* Ends the text of the options at the end of a section's part, and returns its start. */
static char *part_of(char *text, enum option_section section)
{
	const struct section_row *row = &option_sections[section];
	char head[64], *part, *end;

	snprintf(head, sizeof(head), ".Ss %s%s\n",
		 row->form == SECTION_TOP    ? "Top level" :
		 row->form == SECTION_SINGLE ? "Section " :
					       "Sections ",
		 row->form == SECTION_TOP ? "" : row->name);
	part = strstr(text, head);
	assert_non_null(part);
	end = strstr(part + 1, ".Ss ");
	if (end != NULL)
		*end = '\0';
	return part;
}

static void manual_print__of_options__names_every_option_once_in_its_section(void **state)
{
	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		char *text = table("options"), *part = part_of(text, options[i].section);
		char term[96];
		const char *found;

		snprintf(term, sizeof(term), ".It Ic \"\\&%s =\"", options[i].name);
		found = strstr(part, term);
		assert_non_null(found);
		assert_null(strstr(found + 1, term));
		free(text);
	}
}

static void manual_print__of_metrics__names_type_and_label(void **state)
{
	char *text = table("metrics");

	(void)state;
	for (unsigned m = 0; m < METRIC_COUNT; m++) {
		const struct metric_row *row = &metric_rows[m];
		const char *label = metric_label(row);
		char term[128];

		snprintf(term, sizeof(term), ".It Sy \"\\&prefork_%s\" Ar \"\\&%s%s%s\"\n",
			 row->name, metric_type(row), label ? " by " : "", label ? label : "");
		assert_non_null(strstr(text, term));
	}
	free(text);
}

static void mdoc_text__breaks_after_sentences_and_at_the_width(void **state)
{
	char *text = filled("One. Two \\ three.");

	(void)state;
	assert_string_equal(text, "One.\nTwo \\e three.\n");
	free(text);
	text = filled(
		"aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg hhhhhhhh "
		"iiiiiiiii.");
	assert_string_equal(text,
			    "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg "
			    "hhhhhhhh\niiiiiiiii.\n");
	free(text);
	text = filled(".starts like a macro");
	assert_string_equal(text, "\\&.starts like a macro\n");
	free(text);
}

static struct conf *load(void **state, const char *text)
{
	struct conf_source source = { .file = "x.conf", .directory = *state };
	struct err err;
	struct conf *conf;

	folder_write(*state, "x.conf", text);
	conf = conf_load(&source, &err);
	if (conf == NULL)
		fail_msg("%s", err.text);
	return conf;
}

static void assert_all_default(const struct conf *conf)
{
	for (size_t i = 0; i < option_count; i++) {
		if (option_sections[options[i].section].form != SECTION_TITLED)
			assert_true(option_is_default(&options[i], conf));
		else if (options[i].section == SECTION_listen &&
			 strcmp(options[i].name, "service") != 0)
			for (size_t l = 0; l < conf->listener_count; l++)
				assert_true(option_is_default(&options[i], &conf->listeners[l]));
	}
}

/* An option's line begins with "#" and its name; a sentence's begins with "# ". */
static void uncomment(char *text)
{
	for (char *at = strchr(text, '#'); at != NULL; at = strchr(at + 1, '#'))
		if (at[1] != ' ' && (at == text || at[-1] == '\n' || at[-1] == '\t'))
			*at = ' ';
}

static void sample__loads_as_it_is_and_uncommented_to_the_defaults(void **state)
{
	char *text = table("sample");
	struct conf *conf = load(state, text);

	assert_int_equal(conf->listener_count, 2); /* ack and status */
	assert_all_default(conf);
	conf_free(conf);
	uncomment(text);
	conf = load(state, text);
	assert_all_default(conf);
	assert_string_not_equal(conf_place(conf, "worker_max_age"), conf->origin);
	conf_free(conf);
	free(text);
}

static void sample__has_every_option_with_its_sentence(void **state)
{
	char *text = table("sample");

	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		char line[96];

		snprintf(line, sizeof(line), "%s = ", options[i].name);
		assert_non_null(strstr(text, line));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manual_print__of_an_unknown_table__prints_nothing),
		cmocka_unit_test(manual_print__of_each_table__has_a_term_for_each_row),
		cmocka_unit_test(manual_print__of_options__names_every_option_once_in_its_section),
		cmocka_unit_test(manual_print__of_metrics__names_type_and_label),
		cmocka_unit_test(mdoc_text__breaks_after_sentences_and_at_the_width),
		cmocka_unit_test(sample__loads_as_it_is_and_uncommented_to_the_defaults),
		cmocka_unit_test(sample__has_every_option_with_its_sentence),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
