/* SPDX-License-Identifier: MIT */
/* A list of texts, one for each row of options[]. It must not know an option. */
#include "config/conf_place.h"

#include <stdlib.h>
#include <string.h>

char **conf_place_new(void)
{
	return calloc(option_count, sizeof(char *));
}

void conf_place_free(char **places)
{
	for (size_t i = 0; places != NULL && i < option_count; i++)
		free(places[i]);
	free(places);
}

bool conf_place_set(char **places, const struct option *option, const char *text, struct err *err)
{
	char **place = &places[option - options];

	free(*place);
	*place = strdup(text);
	return *place != NULL || err_errno(err, CODE_OSERR, "cannot keep a place");
}

const char *conf_place_get(char *const *places, enum option_section section, const char *name)
{
	const struct option *option = option_find(section, name);

	BUG_ON(option == NULL);
	return places != NULL ? places[option - options] : NULL;
}
