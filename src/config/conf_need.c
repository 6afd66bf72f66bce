/* SPDX-License-Identifier: MIT */
/* An option that does nothing would be a trap: it is refused. It must not know an option. */
#include "config/conf_need.h"

#include "config/conf_titled.h"
#include "config/option.h"

static bool refuse_lonely(const void *object, enum option_section section,
			  const struct conf_need *need, struct err *err)
{
	const char *name = option_sections[section].name;

	return err_set(err, CODE_CONFIG,
		       "%s: %s.%s: has no effect without %s, which the %s at %s does not have (set "
		       "it, or leave %s out)",
		       conf_titled_place(object, section, need->option), name, need->option,
		       need->needed, name, ((const struct titled *)object)->origin, need->option);
}

bool conf_need_check(const void *object, enum option_section section, const struct conf_need *needs,
		     size_t count, struct err *err)
{
	for (const struct conf_need *need = needs; need < needs + count; need++)
		if (!need->is_there &&
		    !option_is_default(option_find(section, need->option), object))
			return refuse_lonely(object, section, need, err);
	return true;
}
