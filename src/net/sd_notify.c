/* SPDX-License-Identifier: MIT */
/*
 * Writes the notifications. Must not depend on their arrival: a failure to send is logged.
 */
#include "net/sd_notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "net/systemd.h"

static void log_failure(bool is_sent)
{
	if (!is_sent)
		LOG(EVENT_notify_failed, LOG_STR("path", systemd_manager()),
		    LOG_STR("message", strerror(errno)));
}

void sd_notify_ready(void)
{
	log_failure(systemd_notify("READY=1\nMAINPID=%d", (int)getpid()));
}

void sd_notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	log_failure(systemd_notify("RELOADING=1\nMONOTONIC_USEC=%lld",
				   (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000));
}

void sd_notify_stopping(int64_t within_ms)
{
	log_failure(systemd_notify("STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld",
				   (long long)within_ms * 1000));
}

int64_t sd_notify_due_ms(const struct sd_notify *last, int64_t otherwise_ms)
{
	int64_t every_ms = systemd_watchdog_ms();

	if (every_ms == 0 || last->watchdog_ms + every_ms > otherwise_ms)
		return otherwise_ms;
	return last->watchdog_ms + every_ms;
}

void sd_notify_step(struct sd_notify *last, const char *doing, unsigned workers, int64_t now_ms)
{
	char status[sizeof(last->status)];

	snprintf(status, sizeof(status), "%s, %u worker%s", doing, workers,
		 workers == 1 ? "" : "s");
	if (strcmp(status, last->status) != 0) {
		log_failure(systemd_notify("STATUS=%s", status));
		memcpy(last->status, status, sizeof(status));
	}
	if (sd_notify_due_ms(last, INT64_MAX) > now_ms)
		return;
	last->watchdog_ms = now_ms;
	log_failure(systemd_notify("WATCHDOG=1"));
}
