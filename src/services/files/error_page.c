/* SPDX-License-Identifier: MIT */
/* Reads "404 /404.html" and "500 502 /50x.html". services/files/file_send.c sends the page. */
#include "services/files/error_page.h"

#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "config/conf_location.h"
#include "services/files/place.h"

enum { LEAST = 400, MOST = 599 };

/* Takes a status off the entry; 0: there is none. */
static unsigned next_status(const char **entry)
{
	char *end;
	unsigned long status;

	*entry += strspn(*entry, " \t");
	if (**entry < '0' || **entry > '9')
		return 0;
	status = strtoul(*entry, &end, 10);
	if (end - *entry != 3 || (*end != ' ' && *end != '\t') || status < LEAST || status > MOST)
		return 0;
	*entry = end;
	return (unsigned)status;
}

/* The path behind the statuses, if the status is among them; else NULL. */
static const char *find_path(const char *entry, unsigned status)
{
	bool is_found = false;
	unsigned next;

	while ((next = next_status(&entry)) != 0)
		is_found |= next == status;
	return is_found ? entry : NULL;
}

const char *error_page_open(unsigned place, unsigned status, struct found *page)
{
	const struct text_list *list = &place_conf(place)->error_page;
	const char *path = NULL;

	for (size_t i = 0; i < list->count && !path; i++)
		path = find_path(list->texts[i], status);
	if (!path)
		return NULL;
	if (file_open(place, path + 1, true, page) == BENEATH_FILE)
		return path + 1;
	found_close(page);
	return NULL;
}

static bool is_entry(const char *entry)
{
	unsigned count = 0;

	while (next_status(&entry) != 0)
		count++;
	return count > 0 && conf_location_is_path(entry) && entry[strlen(entry) - 1] != '/';
}

bool error_page_check(const struct listen_conf *conf, struct err *err)
{
	char shown[QUOTE_TEXT];

	for (size_t i = 0; i < conf->error_page.count; i++)
		if (!is_entry(conf->error_page.texts[i]))
			return err_set(err, CODE_CONFIG,
				       "error_page: %s is not statuses from %d to %d and a path "
				       "(write \"404 /404.html\")",
				       quote_show(conf->error_page.texts[i], shown), LEAST, MOST);
	return true;
}
