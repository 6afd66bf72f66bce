/* SPDX-License-Identifier: MIT */
/*
 * Words the notifications of sd_notify(3). Must not decide anything by whether they arrive: a
 * manager that cannot be told is logged.
 */
#include "master/sd_notify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "net/notify.h"

static void check(bool told)
{
	if (!told)
		LOG(EVENT_notify_failed, LOG_STR("message", strerror(errno)));
}

void sd_notify_ready(void)
{
	check(notify_send("READY=1\nMAINPID=%d", (int)getpid()));
}

void sd_notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	check(notify_send("RELOADING=1\nMONOTONIC_USEC=%lld",
			  (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000));
}

void sd_notify_stopping(void)
{
	check(notify_send("STOPPING=1"));
}

static const char *doing(const struct server *server)
{
	if (server->stop.how != STOP_NOT)
		return "stopping";
	if (!server->is_started)
		return "starting";
	if (server->reload.phase != RELOAD_IDLE)
		return "reloading";
	return server->procs.current->wanted > 0 ? "serving" : "workers retired";
}

int64_t sd_notify_due_ms(const struct server *server, int64_t otherwise_ms)
{
	int64_t every_ms = notify_watchdog_ms();

	if (every_ms == 0 || server->tidings.watchdog_ms + every_ms > otherwise_ms)
		return otherwise_ms;
	return server->tidings.watchdog_ms + every_ms;
}

void sd_notify_step(struct server *server, int64_t now_ms)
{
	char status[sizeof(server->tidings.status)];

	snprintf(status, sizeof(status), "%s, %u workers", doing(server),
		 workers_alive(&server->procs));
	if (strcmp(status, server->tidings.status) != 0) {
		check(notify_send("STATUS=%s", status));
		memcpy(server->tidings.status, status, sizeof(status));
	}
	if (sd_notify_due_ms(server, INT64_MAX) > now_ms)
		return;
	server->tidings.watchdog_ms = now_ms;
	check(notify_send("WATCHDOG=1"));
}
