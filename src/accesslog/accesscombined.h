/* SPDX-License-Identifier: MIT */
/*
 * The line of a request in the format that nginx and Apache call combined, which goaccess and
 * fail2ban read:
 *
 *   ADDRESS - USER [22/Nov/2026:12:00:00 +0000] "REQUEST" STATUS BYTES "REFERER" "USER-AGENT"
 *
 * Escaped as nginx does (\xHH); "-" stands for what is missing. Pure. For the access log.
 */
#ifndef ACCESSLOG_ACCESSCOMBINED_H
#define ACCESSLOG_ACCESSCOMBINED_H

#include <stdbool.h>

#include "accesslog/accessentry.h"
#include "base/strbuf.h"

/* As accessline_write. The entry is a request. */
bool accesscombined_write(struct strbuf *to, const struct access_entry *entry,
			  struct access_clock *clock);

#endif
