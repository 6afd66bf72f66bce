/* SPDX-License-Identifier: MIT */
/* libconfuse's table of the sections and options of a file, made from tables/. Any process. */
#ifndef CONFIG_CONF_GRAMMAR_H
#define CONFIG_CONF_GRAMMAR_H

#include <confuse.h>

/* What libconfuse calls while it reads. */
struct conf_grammar_calls {
	cfg_callback_t value; /* each value of an option; every one is a text */
	cfg_func_t include;
	cfg_validate_callback_t section_end; /* the closing brace of every section */
	cfg_errfunc_t error;
};

/* Returns NULL without memory. The caller frees it with cfg_free. */
cfg_t *conf_grammar_new(const struct conf_grammar_calls *calls);

#endif
