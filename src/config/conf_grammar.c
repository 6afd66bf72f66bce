/* SPDX-License-Identifier: MIT */
/* Makes the grammar of the rows of the tables. Must not know the meaning of an option. */
#include "config/conf_grammar.h"

#include <stdlib.h>

#include "config/option.h"

static void add_rows(cfg_opt_t *to, enum option_section section,
		     const struct conf_grammar_calls *calls)
{
	for (size_t i = 0; i < option_count; i++) {
		cfg_opt_t one = CFG_STR_CB(options[i].name, NULL, CFGF_NODEFAULT, calls->value);
		cfg_opt_t list =
			CFG_STR_LIST_CB(options[i].name, NULL, CFGF_NODEFAULT, calls->value);

		if (option_is_of(section, &options[i]))
			*to++ = option_is_list(&options[i]) ? list : one;
	}
	*to++ = (cfg_opt_t)CFG_FUNC("include", calls->include);
	*to = (cfg_opt_t)CFG_END();
}

/* The table of a section in `rows`, which has `most` for each. */
static cfg_opt_t *rows_of(cfg_opt_t *rows, size_t most, enum option_section section)
{
	return rows + (size_t)(section + 1) * most;
}

static void add_section(cfg_opt_t *to, enum option_section section, cfg_opt_t *own,
			const struct conf_grammar_calls *calls)
{
	static const cfg_flag_t flags[] = {
		[SECTION_SINGLE] = CFGF_NONE,
		[SECTION_TITLED] = CFGF_MULTI | CFGF_TITLE,
		/* so that the last one is always the one that is read */
		[SECTION_NESTED] = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES,
	};
	const struct section_row *row = &option_sections[section];

	while (to->name != NULL)
		to++;
	to[0] = (cfg_opt_t)CFG_SEC(row->name, own, flags[row->form]);
	to[0].validcb = calls->section_end;
	to[1] = (cfg_opt_t)CFG_END();
}

cfg_t *conf_grammar_new(const struct conf_grammar_calls *calls)
{
	const size_t most = option_count + SECTION_COUNT + 2;
	cfg_opt_t *rows = calloc((SECTION_COUNT + 1) * most, sizeof(*rows));
	cfg_t *root;

	if (rows == NULL)
		return NULL;
	add_rows(rows, SECTION_main, calls);
	for (int i = 0; i < SECTION_COUNT; i++)
		if (option_sections[i].form != SECTION_TOP)
			add_rows(rows_of(rows, most, (enum option_section)i),
				 (enum option_section)i, calls);
	for (int i = 0; i < SECTION_COUNT; i++) {
		const struct section_row *row = &option_sections[i];
		cfg_opt_t *outer = row->form == SECTION_NESTED ? rows_of(rows, most, row->options) :
								 rows;

		if (row->form != SECTION_TOP)
			add_section(outer, (enum option_section)i,
				    rows_of(rows, most, (enum option_section)i), calls);
	}
	root = cfg_init(rows, CFGF_NONE);
	free(rows);
	if (root != NULL)
		cfg_set_error_function(root, calls->error);
	return root;
}
