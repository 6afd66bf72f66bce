/* SPDX-License-Identifier: MIT */
/*
 * The two lists of facts on the status page, each a piece of report_pieces: what the server does
 * now, and how it was set up and reloaded. For the status page.
 */
#ifndef SERVICES_STATUS_STATUS_FACTS_H
#define SERVICES_STATUS_STATUS_FACTS_H

#include "stats/report.h"

void status_facts_now(const struct report *report, unsigned index, bool has_before,
		      struct strbuf *text);
void status_facts_setup(const struct report *report, unsigned index, bool has_before,
			struct strbuf *text);

#endif
