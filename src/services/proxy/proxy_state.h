/* SPDX-License-Identifier: MIT */
/*
 * What the service keeps with each connection. It is portable: rows of servers are the same for all
 * workers.
 *
 *   WAITING for a server <--none can be tried now--> CONNECTING --connected--> RELAYING
 *   CONNECTING, RELAYING --failed, nothing was sent--> CONNECTING to another, or WAITING
 */
#ifndef SERVICES_PROXY_PROXY_STATE_H
#define SERVICES_PROXY_PROXY_STATE_H

#include <stdint.h>

#include "services/proxy/choose.h"

enum proxy_phase { PROXY_WAITING, PROXY_CONNECTING, PROXY_RELAYING, PROXY_PHASES };

struct proxy {
	uint8_t phase;        /* enum proxy_phase */
	uint8_t tries;        /* begun, all in all; 255: or more */
	uint8_t round;        /* begun since it last waited */
	uint8_t row;          /* 1 + that of the last server; 0: none */
	uint8_t address;      /* how many tries in a row that server had; 0: none */
	uint8_t yields;       /* looks in a row at which it left a place to an older client */
	uint8_t failure;      /* enum close_reason of the last failure; CLOSE_none: none */
	uint16_t waited_ds;   /* tenths of a second: its looks for a server that found one */
	uint32_t turn;        /* of the first of these (upstream_address) */
	uint32_t header_size; /* bytes that the server got before the client's */
	int64_t waits_ms;     /* clock_ms() since when it looks for a server; 0: it has one */
	int64_t begun_us;     /* when the last try began */
	int64_t connect_us;   /* how long the connecting took; 0: not connected */
	struct server_mask tried;
};

#endif
