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

/* --- At load --- */

static const char *find_mistake(const char *entry)
{
	const char *path = entry;

	while (next_status(&path) != 0)
		continue;
	if (path[0] == '\0')
		return "has no page (write statuses and a path, in quotes: \"404 /404.html\")";
	if (path == entry && path[0] == '/')
		return "has no status (write \"404 /404.html\")";
	if (path[0] == '=')
		return "has another status for the answer, which keeps its own (leave it out: "
		       "\"404 /404.html\")";
	if (strspn(path, "0123456789") == strcspn(path, " \t"))
		return "has a status that is none from 400 to 599 (write \"404 /404.html\")";
	if (!conf_location_is_path(path) || path[strlen(path) - 1] == '/')
		return "has a page that is not the path of a file below root (write \"404 "
		       "/404.html\")";
	return NULL;
}

/* The statuses that this entry has before `until`, which is a place in it or its path. */
static bool has_status(const char *entry, const char *until, unsigned status)
{
	unsigned next;

	while (entry < until && (next = next_status(&entry)) != 0)
		if (next == status)
			return true;
	return false;
}

/* The status must have no page in this entry before `until`, nor in an earlier one. */
static bool is_new(const struct text_list *list, size_t index, const char *until, unsigned status,
		   struct err *err)
{
	char shown[QUOTE_TEXT], shown_first[QUOTE_TEXT];
	size_t first = 0;

	while (first < index && find_path(list->texts[first], status) == NULL)
		first++;
	if (first == index && !has_status(list->texts[index], until, status))
		return true;
	return err_set(err, CODE_CONFIG,
		       "error_page: %s: %u has a page already, in %s (leave one out)",
		       quote_show(list->texts[index], shown), status,
		       quote_show(list->texts[first], shown_first));
}

static bool are_new(const struct text_list *list, size_t index, struct err *err)
{
	const char *at = list->texts[index], *begin = at;
	unsigned status;

	for (; (status = next_status(&at)) != 0; begin = at)
		if (!is_new(list, index, begin, status, err))
			return false;
	return true;
}

bool error_page_check(const struct listen_conf *conf, struct err *err)
{
	const struct text_list *list = &conf->error_page;
	char shown[QUOTE_TEXT];

	for (size_t i = 0; i < list->count; i++) {
		const char *mistake = find_mistake(list->texts[i]);

		if (mistake)
			return err_set(err, CODE_CONFIG, "error_page: %s %s",
				       quote_show(list->texts[i], shown), mistake);
		if (!are_new(list, i, err))
			return false;
	}
	return true;
}
