/* SPDX-License-Identifier: MIT */
/* Reads "404 /404.html" and "500 502 /50x.html". services/files/send/file_send.c sends the page. */
#include "services/files/send/error_page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "config/conf_location.h"
#include "services/files/open/file_log.h"
#include "services/files/open/place.h"
#include "services/http/http.h"
#include "services/http/parse/http_text.h"

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

/* One status of an entry, and its page. */
struct page {
	unsigned status;
	const char *path; /* in the configuration */
};

/* Of this worker, by the number of the place; written before it serves. */
static struct place_pages {
	struct page *list;
	size_t count;
} * pages;

/* Returns the number of statuses, and adds them to the list unless it is NULL. */
static size_t read_entry(const char *entry, struct page *list)
{
	size_t count = 0;

	for (unsigned status; (status = next_status(&entry)) != 0; count++)
		if (list)
			list[count].status = status;
	for (size_t i = 0; list && i < count; i++)
		list[i].path = entry;
	return count;
}

static bool read_entries(const struct text_list *entries, struct place_pages *of)
{
	size_t count = 0;

	for (size_t i = 0; i < entries->count; i++)
		count += read_entry(entries->texts[i], NULL);
	if (count == 0)
		return true;
	of->list = calloc(count, sizeof(*of->list));
	for (size_t i = 0; of->list && i < entries->count; i++)
		of->count += read_entry(entries->texts[i], of->list + of->count);
	return of->list != NULL;
}

bool error_page_start(void)
{
	if (pages)
		return true;
	pages = calloc(place_count(), sizeof(*pages));
	for (unsigned i = 0; pages && i < place_count(); i++)
		if (!read_entries(&place_conf(i)->error_page, &pages[i]))
			return false;
	return pages != NULL;
}

static const char *find_path(const struct place_pages *of, unsigned status)
{
	for (size_t i = 0; i < of->count; i++)
		if (of->list[i].status == status)
			return of->list[i].path;
	return NULL;
}

const char *error_page_open(unsigned place, unsigned status, struct found *page)
{
	const char *path = find_path(&pages[place], status);
	enum beneath_end end;

	if (!path)
		return NULL;
	end = file_open(place, path + 1, true, page);
	if (end == BENEATH_FILE)
		return path + 1;
	if (end != BENEATH_NOT_FOUND)
		file_log_error(place, path + 1, status, end == BENEATH_FOLDER ? EISDIR : errno);
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

/* True when the entry has the status before `until`, which is a place in it; NULL: anywhere. */
static bool has_status(const char *entry, const char *until, unsigned status)
{
	unsigned next;

	while (entry != until && (next = next_status(&entry)) != 0)
		if (next == status)
			return true;
	return false;
}

/*
 * The first entry with a page for the status, that of index only before `until`, a place in it.
 * NULL: none.
 */
static const char *find_first(const struct text_list *list, size_t index, const char *until,
			      unsigned status)
{
	for (size_t i = 0; i <= index; i++)
		if (has_status(list->texts[i], i == index ? until : NULL, status))
			return list->texts[i];
	return NULL;
}

/* 502 and 504 stand in many configurations of servers that are proxies too. */
static bool can_have_page(unsigned status)
{
	return http_knows(status) || status == 502 || status == 504;
}

static bool check_status(const struct text_list *list, size_t index, const char *until,
			 unsigned status, struct err *err)
{
	const char *first = find_first(list, index, until, status);
	char shown[QUOTE_TEXT], shown_first[QUOTE_TEXT];

	quote_show(list->texts[index], shown);
	if (!can_have_page(status))
		return err_set(err, CODE_CONFIG,
			       "error_page: %s: %u is no status that is answered (leave it out)",
			       shown, status);
	return first == NULL ||
	       err_set(err, CODE_CONFIG,
		       "error_page: %s: %u has a page already, in %s (leave one out)", shown,
		       status, quote_show(first, shown_first));
}

static bool check_statuses(const struct text_list *list, size_t index, struct err *err)
{
	const char *at = list->texts[index], *before = at;
	unsigned status;

	for (; (status = next_status(&at)) != 0; before = at)
		if (!check_status(list, index, before, status, err))
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
		if (!check_statuses(list, i, err))
			return false;
	}
	return true;
}
