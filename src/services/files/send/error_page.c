/* SPDX-License-Identifier: MIT */
/* Reads "404 /404.html" and "500 502 /50x.html". services/files/send/file_send.c sends the page. */
#include "services/files/send/error_page.h"

#include <string.h>

#include "base/quote.h"
#include "config/conf_location.h"
#include "services/files/open/place.h"
#include "services/http/http_text.h"

enum { LEAST = 400, MOST = 599 };

/* Takes a status off the entry; 0: there is none. */
static unsigned next_status(const char **entry)
{
	const char *behind = *entry;
	struct http_text word = http_text_word(&behind);
	unsigned status = http_text_status(word);
	bool is_taken = status >= LEAST && status <= MOST;

	*entry = is_taken ? behind : word.at;
	return is_taken ? status : 0;
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
