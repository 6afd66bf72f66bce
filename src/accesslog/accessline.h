/* SPDX-License-Identifier: MIT */
/*
 * A line of the access log in its format: logfmt, a JSON object, or the combined format of other
 * servers (accesslog/accesscombined.h). Pure: no system call, no allocation. For the access log.
 */
#ifndef ACCESSLOG_ACCESSLINE_H
#define ACCESSLOG_ACCESSLINE_H

#include <stdbool.h>

#include "accesslog/accessentry.h"
#include "base/strbuf.h"

/*
 * Appends the line with its newline. Returns false, and appends nothing, when it does not fit. The
 * format is not ACCESS_AUTO; accessentry_has is true. A clock belongs to one format.
 */
bool accessline_write(struct strbuf *to, const struct access_entry *entry,
		      enum access_format format, struct access_clock *clock);

#endif
