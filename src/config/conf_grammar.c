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

		if (options[i].section == section)
			*to++ = option_is_list(&options[i]) ? list : one;
	}
	*to++ = (cfg_opt_t)CFG_FUNC("include", calls->include);
	*to = (cfg_opt_t)CFG_END();
}

cfg_t *conf_grammar_new(const struct conf_grammar_calls *calls)
{
	const size_t most = option_count + SECTION_COUNT + 2;
	cfg_opt_t *rows = calloc((SECTION_COUNT + 1) * most, sizeof(*rows)), *end = rows;
	cfg_t *root;

	if (rows == NULL)
		return NULL;
	add_rows(rows, SECTION_main, calls);
	while (end->name != NULL)
		end++;
	for (int i = 0; i < SECTION_COUNT; i++) {
		const struct section_row *section = &option_sections[i];
		cfg_flag_t flags = section->form == SECTION_TITLED ? CFGF_MULTI | CFGF_TITLE : 0;
		cfg_opt_t *own = rows + (size_t)(i + 1) * most;

		if (section->form == SECTION_TOP)
			continue;
		add_rows(own, (enum option_section)i, calls);
		*end++ = (cfg_opt_t)CFG_SEC(section->name, own, flags);
	}
	root = cfg_init(rows, CFGF_NONE);
	free(rows);
	if (root == NULL)
		return NULL;
	cfg_set_error_function(root, calls->error);
	for (int i = 0; i < SECTION_COUNT; i++)
		if (option_sections[i].form != SECTION_TOP)
			cfg_set_validate_func(root, option_sections[i].name, calls->section_end);
	return root;
}
