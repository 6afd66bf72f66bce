/* SPDX-License-Identifier: MIT */
/* The answer to /healthz. */
#ifndef SERVICES_STATUS_STATUS_HEALTH_H
#define SERVICES_STATUS_STATUS_HEALTH_H

#include "base/buf.h"
#include "services/http/http.h"

enum health {
	HEALTH_OK,
	HEALTH_LAME_DUCK, /* the server was told to stop, and serves on */
	HEALTH_DRAINING   /* it stops, or no worker accepts */
};

/* Writes the answer; returns its status, or 0 when there is no room for it. */
unsigned status_health(struct buf *out, struct http_request *request, enum health health);

#endif
