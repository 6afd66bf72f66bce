/* SPDX-License-Identifier: MIT */
/* A fallback is looked up as if it had been asked for, in the same place; it has none itself. */
#include "services/files/find.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/quote.h"
#include "config/conf_location.h"
#include "services/files/open/file_log.h"

#define URI "$uri"

/* Bytes: a path all of whose bytes are escaped. */
enum { RAW_TEXT = 3 * HTTP_LINE_MOST };

static unsigned status_of(enum beneath_end end)
{
	switch (end) {
	case BENEATH_NOT_FOUND:
		return 404;
	case BENEATH_FORBIDDEN:
		return 403;
	case BENEATH_TRY_AGAIN:
		return 503;
	default:
		return 500;
	}
}

unsigned find_refuse(const struct asked *a, enum beneath_end end)
{
	unsigned status = status_of(end);

	if (beneath_is_failure(end))
		file_log_error(a->place, a->path, status, errno);
	return file_error(a, status);
}

/* RFC 8615: what is below it was put there to be found. */
static bool is_well_known(const char *path)
{
	static const char name[] = ".well-known/";

	return strncmp(path, name, sizeof(name) - 1) == 0 &&
	       strstr(path + sizeof(name) - 2, "/.") == NULL;
}

bool find_is_hidden(const struct asked *a)
{
	return a->target.has_hidden && !a->conf->hidden && !is_well_known(a->path);
}

enum beneath_end find_index(struct asked *a, struct found *file)
{
	size_t length = a->target.length;
	enum beneath_end end = BENEATH_NOT_FOUND;

	for (size_t i = 0; i < a->conf->index.count; i++) {
		snprintf(a->path + length, sizeof(a->path) - length, "%s%s", length > 0 ? "/" : "",
			 a->conf->index.texts[i]);
		end = file_open(a->place, a->path, true, file);
		if (end == BENEATH_FILE)
			return end;
		found_close(file);
		if (end != BENEATH_FOLDER && end != BENEATH_NOT_FOUND)
			break;
	}
	return end;
}

void find_keep_unread(struct find_unread *unread, const char *path, int error)
{
	unread->error = error;
	memcpy(unread->path, path, strlen(path) + 1);
}

void find_log_unread(const struct find_unread *unread, unsigned place, unsigned status)
{
	if (unread->error != 0)
		file_log_error(place, unread->path, status, unread->error);
}

/* --- Option try --- */

/* The status of an entry such as =404; 0: it is a path. */
static unsigned status_in(const char *entry)
{
	return entry[0] == '=' ?
		       http_text_status((struct http_text){ entry + 1, strlen(entry + 1) }) :
		       0;
}

typedef void put_path(struct strbuf *text, const char *path, size_t length);

/* Writes the entry with uri in the place of $uri, which has no slash before it. */
static void fill_in(struct strbuf *text, const char *entry, const char *uri, put_path *put)
{
	const char *at;

	for (; (at = strstr(entry, URI)) != NULL; entry = at + strlen(URI)) {
		put(text, entry, (size_t)(at - entry));
		put(text, "/", 1);
		put(text, uri, strlen(uri));
	}
	put(text, entry, strlen(entry));
}

/* Makes path that of the entry; false when there can be no such file. */
static bool take_path(struct asked *a, const char *entry, const char *uri)
{
	char raw[RAW_TEXT];
	struct strbuf text = strbuf_on(raw, sizeof(raw));

	fill_in(&text, entry, uri, http_target_escape);
	return !text.is_cut &&
	       http_target_decode((struct http_text){ raw, text.used }, a->path, HTTP_LINE_MOST,
				  &a->target) == 0 &&
	       !find_is_hidden(a);
}

/* An entry that ends with a slash is a folder's index. */
static enum beneath_end open_entry(struct asked *a, struct found *file)
{
	enum beneath_end end;

	if (a->target.ends_with_slash)
		return find_index(a, file);
	end = file_open(a->place, a->path, false, file);
	if (end != BENEATH_FILE)
		found_close(file);
	return end;
}

static unsigned search_fallback(struct asked *a, struct found *file, struct find_unread *unread)
{
	const struct text_list *list = &a->conf->try;
	char uri[HTTP_LINE_MOST];

	if (list->count > 0)
		memcpy(uri, a->path, a->target.length + 1);
	for (size_t i = 0; i < list->count; i++) {
		const char *entry = list->texts[i];
		enum beneath_end end;

		if (status_in(entry) != 0)
			return status_in(entry);
		if (!take_path(a, entry, uri))
			continue;
		end = open_entry(a, file);
		if (end == BENEATH_FILE)
			return 200;
		if (beneath_is_failure(end))
			find_keep_unread(unread, a->path, errno);
		if (end == BENEATH_TRY_AGAIN || end == BENEATH_FAILED)
			return status_of(end);
	}
	return 404;
}

unsigned find_fallback(struct asked *a, struct found *file)
{
	struct find_unread unread; /* its path is written before it is read */
	unsigned status;

	unread.error = 0;
	status = search_fallback(a, file, &unread);
	find_log_unread(&unread, a->place, status);
	return status;
}

/* --- At load --- */

static bool is_status(const char *entry)
{
	return status_in(entry) >= 400 && http_knows(status_in(entry));
}

/* True when each $ begins the variable, and not one of a longer name. */
static bool has_uri_alone(const char *entry)
{
	while ((entry = strchr(entry, '$')) != NULL) {
		if (strncmp(entry, URI, strlen(URI)) != 0)
			return false;
		entry += strlen(URI);
		if (isalnum((unsigned char)*entry) || *entry == '_')
			return false;
	}
	return true;
}

static bool is_path(const char *entry)
{
	char text[TRY_MOST + 1];
	struct strbuf filled = strbuf_on(text, TRY_MOST);

	fill_in(&filled, entry, "x", strbuf_put);
	text[filled.used] = '\0';
	return conf_location_is_path(text);
}

/* A file's name may have a blank, but none before a slash: these are entries in one text. */
static bool is_list(const char *entry)
{
	const char *last = strrchr(entry, ' ');

	return strstr(entry, " /") || strstr(entry, " " URI) || (last && is_status(last + 1));
}

static const char *find_mistake(const char *entry, bool is_last)
{
	if (is_list(entry))
		return "is more than one entry (write each in a text of its own: try = {$uri.html, "
		       "/index.html})";
	if (entry[0] == '=' && !is_last)
		return "is not the last one (write it behind the paths)";
	if (entry[0] == '=')
		return is_status(entry) ? NULL : "is no status that can be answered (such as =404)";
	if (!has_uri_alone(entry))
		return "has a variable that is not known ($uri is the only one)";
	return is_path(entry) ? NULL : "is not a path (such as /index.html or $uri.html)";
}

/* There is nothing under the path of the request. */
static bool has_fallback(const struct text_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->texts[i], URI) != 0 && strcmp(list->texts[i], URI "/") != 0)
			return true;
	return list->count == 0;
}

bool find_check_try(const struct listen_conf *conf, struct err *err)
{
	char shown[QUOTE_TEXT];

	for (size_t i = 0; i < conf->try.count; i++) {
		const char *mistake = find_mistake(conf->try.texts[i], i + 1 == conf->try.count);

		if (mistake)
			return err_set(err, CODE_CONFIG, "try: %s %s",
				       quote_show(conf->try.texts[i], shown), mistake);
	}
	return has_fallback(&conf->try) ||
	       err_set(err, CODE_CONFIG,
		       "try: has no fallback: %s is the path under which there is no file (add "
		       "one, such as /index.html or \"=404\")",
		       quote_show(conf->try.texts[0], shown));
}
