/* SPDX-License-Identifier: MIT */
/*
 * Takes the values of a file as libconfuse meets them, each for the section that it stands in. Only
 * for config/conf_file.c. Master only; allocates.
 */
#ifndef CONFIG_CONF_SECTION_H
#define CONFIG_CONF_SECTION_H

#include <confuse.h>
#include <stdbool.h>

#include "config/conf.h"
#include "config/conf_error.h"
#include "config/conf_grammar.h"

/* What is being read. conf, err and file are the caller's; the rest is zero at first. */
struct conf_reading {
	struct conf *conf;
	struct err *err;
	const char *file; /* the one that is read now */
	cfg_t *root;
	cfg_t *section;                    /* the one that is being read, or NULL */
	struct place begun[SECTION_COUNT]; /* by section: where the last one began; line 0: none */
	struct place
		*given; /* by option: where it was set; line 0: not yet. Then for a nested one */
};

/* Makes root. Returns false without memory. conf_section_drop frees it, and after a failure. */
bool conf_section_begin(struct conf_reading *reading, const struct conf_grammar_calls *calls);
void conf_section_drop(struct conf_reading *reading);

/* The following return false with err. cfg: a section, or the root. */

/* An item of the section comes: it begins if it is its first. */
bool conf_section_enter(struct conf_reading *reading, cfg_t *cfg);

/* A value of the section's option opt. A list has one such call for each of its values. */
bool conf_section_value(struct conf_reading *reading, cfg_t *cfg, cfg_opt_t *opt, const char *word);

/* The last section opt of cfg has ended. */
bool conf_section_end(struct conf_reading *reading, cfg_t *cfg, cfg_opt_t *opt);

/* The end of the first file. */
bool conf_section_finish(struct conf_reading *reading);

#endif
