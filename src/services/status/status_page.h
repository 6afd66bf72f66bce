/* SPDX-License-Identifier: MIT */
/* The status page as the pieces that report_pieces writes: fixed parts and tables by turns. */
#ifndef SERVICES_STATUS_STATUS_PAGE_H
#define SERVICES_STATUS_STATUS_PAGE_H

#include "stats/report.h"

extern const struct piece status_page[];
extern const unsigned status_page_count;

#endif
