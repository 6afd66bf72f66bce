/* SPDX-License-Identifier: MIT */
/*
 * The status page as the pieces that report_pieces writes: fixed parts and tables in turn.
 * src/services/status/page/assemble.sh makes the fixed parts from page.html, page.css and page.js
 * when the program is built; page.html has a line @@name@@ for each table.
 */
#ifndef SERVICES_STATUS_STATUS_PAGE_H
#define SERVICES_STATUS_STATUS_PAGE_H

#include <stddef.h>

#include "stats/report.h"

extern const struct piece status_page[];
extern const unsigned status_page_count;

struct page_text {
	const char *bytes;
	size_t length;
};

/* The page up to its first table, and the part after each table. */
extern const struct page_text page_top, page_after_facts, page_after_marks, page_after_workers,
	page_after_moves, page_after_waits, page_after_stays, page_after_listeners,
	page_after_limits, page_after_sources, page_after_upstreams, page_after_counters,
	page_after_programs, page_after_copies, page_after_crashes, page_after_penalties,
	page_after_setup;

/* Header lines of every answer: browsers must not store it, guess its type or send a referrer. */
#define PAGE_GUARDS                           \
	"Cache-Control: no-store\r\n"         \
	"X-Content-Type-Options: nosniff\r\n" \
	"Referrer-Policy: no-referrer\r\n"

/*
 * Header lines of the page: the same, and the policy that lets a browser run only the page's own
 * script.
 */
extern const char page_headers[];

#endif
