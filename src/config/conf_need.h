/* SPDX-License-Identifier: MIT */
/* Options that have an effect only beside another option of the same section. Pure. */
#ifndef CONFIG_CONF_NEED_H
#define CONFIG_CONF_NEED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/option_type.h"

/* An option, what it needs, in words, and whether that is there. */
struct conf_need {
	const char *option, *needed;
	bool is_there;
};

/*
 * Returns false with err, which names the place, when an option of the object (struct titled) is
 * not its default and lacks what it needs.
 */
bool conf_need_check(const void *object, enum option_section section, const struct conf_need *needs,
		     size_t count, struct err *err);

#endif
