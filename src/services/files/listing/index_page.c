/* SPDX-License-Identifier: MIT */
/*
 * A name is text, which is escaped for HTML or JSON; and the last part of a URI, in which all but
 * the unreserved characters are escaped (RFC 3986 2.3), so that it needs no further escape in HTML.
 */
#include "services/files/listing/index_page.h"

#include <stdio.h>

#include "base/clock.h"
#include "services/http/parse/http_date.h"

static const char *const sorts[INDEX_SORTS] = { "name", "size", "date" };
static const char *const titles[INDEX_SORTS] = { "Name", "Size", "Last change (UTC)" };

/* With "./" before it no name is taken for a scheme or another host (4.2). */
static void put_link(struct strbuf *text, const struct index_entry *entry)
{
	strbuf_raw(text, "./");
	strbuf_uri(text, entry->name, strlen(entry->name), "");
	if (entry->is_folder)
		strbuf_raw(text, "/");
}

/* --- HTML --- */

static void put_title(const struct index_page *page, struct strbuf *text)
{
	strbuf_raw(text, "Index of /");
	strbuf_escaped(text, STRBUF_HTML, page->path, SIZE_MAX);
	strbuf_raw(text, page->path[0] != '\0' ? "/" : "");
}

static void put_column(const struct index_page *page, enum index_sort sort, struct strbuf *text)
{
	bool is_this = sort == page->order.sort, is_descending = page->order.is_descending;

	if (!page->is_sorted) {
		strbuf_raw(text, "<th>");
		strbuf_raw(text, titles[sort]);
		strbuf_raw(text, "</th>");
		return;
	}
	strbuf_raw(text, !is_this      ? "<th>" :
			 is_descending ? "<th aria-sort=\"descending\">" :
					 "<th aria-sort=\"ascending\">");
	strbuf_raw(text, "<a href=\"?sort=");
	strbuf_raw(text, sorts[sort]);
	strbuf_raw(text, is_this && !is_descending ? "&amp;order=desc\">" : "&amp;order=asc\">");
	strbuf_raw(text, titles[sort]);
	strbuf_raw(text, "</a></th>");
}

static void begin_html(const struct index_page *page, struct strbuf *text)
{
	strbuf_raw(text, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
			 "<meta name=\"viewport\" content=\"width=device-width\">\n"
			 "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
	put_title(page, text);
	strbuf_raw(text,
		   "</title>\n<style>\nbody { font-family: system-ui, sans-serif; margin: 2em; }\n"
		   "h1 { font-size: 1.3em; overflow-wrap: anywhere; }\n"
		   "th { text-align: left; }\n"
		   "th, td { padding: 0.1em 2em 0.1em 0; vertical-align: top; }\n"
		   "td:first-child { overflow-wrap: anywhere; }\n"
		   "td:nth-child(2) { text-align: right; font-variant-numeric: tabular-nums; }\n"
		   "td:nth-child(3) { white-space: nowrap; }\n"
		   "</style>\n</head>\n<body>\n<h1>");
	put_title(page, text);
	strbuf_raw(text, "</h1>\n");
	if (!page->is_sorted)
		strbuf_raw(text, "<p>This folder has too many entries to be sorted.</p>\n");
	strbuf_raw(text, "<table>\n<thead>\n<tr>");
	for (enum index_sort sort = 0; sort < INDEX_SORTS; sort++)
		put_column(page, sort, text);
	strbuf_raw(text, "</tr>\n</thead>\n<tbody>\n");
	if (page->path[0] != '\0')
		strbuf_raw(text, "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
}

static void put_date(int64_t seconds, struct strbuf *text)
{
	struct date date = clock_date(seconds);
	char bytes[64];

	snprintf(bytes, sizeof(bytes), "%04d-%02d-%02d %02d:%02d", date.year, date.month, date.day,
		 date.hour, date.minute);
	strbuf_raw(text, bytes);
}

static void put_row(const struct index_entry *entry, struct strbuf *text)
{
	strbuf_raw(text, "<tr><td><a href=\"");
	put_link(text, entry);
	strbuf_raw(text, "\">");
	strbuf_escaped(text, STRBUF_HTML, entry->name, sizeof(entry->name));
	strbuf_raw(text, entry->is_folder ? "/</a></td><td>" : "</a></td><td>");
	if (!entry->is_folder)
		strbuf_grouped(text, entry->size);
	strbuf_raw(text, "</td><td>");
	put_date(entry->modified_s, text);
	strbuf_raw(text, "</td></tr>\n");
}

/* --- JSON: the members of nginx's autoindex_format json --- */

/* The escape that stands for bytes that are no UTF-8: then the name alone does not suffice. */
static bool has_wrong(const struct strbuf *text, size_t from)
{
	return memmem(text->base + from, text->used - from, "\\ufffd", 6) != NULL;
}

static void put_object(const struct index_entry *entry, struct strbuf *text)
{
	char date[HTTP_DATE];
	size_t from;

	strbuf_raw(text, "{ \"name\":\"");
	from = text->used;
	strbuf_escaped(text, STRBUF_JSON, entry->name, sizeof(entry->name));
	if (has_wrong(text, from)) {
		strbuf_raw(text, "\", \"href\":\"");
		put_link(text, entry);
	}
	strbuf_raw(text, entry->is_folder ? "\", \"type\":\"directory\", \"mtime\":\"" :
					    "\", \"type\":\"file\", \"mtime\":\"");
	strbuf_raw(text, http_date(entry->modified_s, date));
	strbuf_raw(text, "\"");
	if (!entry->is_folder) {
		strbuf_raw(text, ", \"size\":");
		strbuf_u64(text, entry->size);
	}
	strbuf_raw(text, " }");
}

void index_page_begin(const struct index_page *page, struct strbuf *text)
{
	if (page->is_json)
		strbuf_raw(text, "[\n");
	else
		begin_html(page, text);
}

void index_page_entry(const struct index_page *page, const struct index_entry *entry, bool is_first,
		      struct strbuf *text)
{
	if (!page->is_json) {
		put_row(entry, text);
		return;
	}
	strbuf_raw(text, is_first ? "" : ",\n");
	put_object(entry, text);
}

void index_page_end(const struct index_page *page, struct strbuf *text)
{
	strbuf_raw(text, page->is_json ? "\n]\n" : "</tbody>\n</table>\n</body>\n</html>\n");
}
