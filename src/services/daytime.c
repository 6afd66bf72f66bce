/* SPDX-License-Identifier: MIT */
/* daytime: sends the date and the time in UTC as one line, then ends (RFC 867). */
#include <time.h>

#include "services/services.h"
#include "worker/conn_record.h"

static enum verdict write_time(struct conn *c)
{
	char line[64];
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	buf_put(&c->out, line, strftime(line, sizeof(line), "%a %b %e %H:%M:%S %Y UTC\r\n", &utc));
	conn_count_message(c);
	return FINISH;
}

const struct service service_daytime = {
	.name = "daytime",
	.state_version = 1,
	.open = write_time,
};
