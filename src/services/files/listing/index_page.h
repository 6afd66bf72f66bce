/* SPDX-License-Identifier: MIT */
/*
 * The listing of a folder as a page that needs no script, or as JSON: its beginning, a piece for
 * each entry, its end. Pure. For services/files, in a worker.
 */
#ifndef SERVICES_FILES_LISTING_INDEX_PAGE_H
#define SERVICES_FILES_LISTING_INDEX_PAGE_H

#include "base/strbuf.h"
#include "services/files/listing/index_names.h"

#define INDEX_PAGE_HTML "text/html; charset=utf-8"
#define INDEX_PAGE_JSON "application/json"

enum {
	INDEX_PAGE_ENTRY = 4096, /* bytes: more than a piece has */
	INDEX_PAGE_ENDS = 4096   /* likewise the beginning, without the path, and the end */
};

struct index_page {
	const char *path; /* of the folder, as in struct index_folder */
	bool is_json;
	bool is_sorted;           /* there are column heads that sort otherwise */
	struct index_order order; /* is_sorted */
};

/* Needs 12 bytes of room for each of the path's besides. */
void index_page_begin(const struct index_page *page, struct strbuf *text);

/* is_first: of all entries. */
void index_page_entry(const struct index_page *page, const struct index_entry *entry, bool is_first,
		      struct strbuf *text);
void index_page_end(const struct index_page *page, struct strbuf *text);

#endif
