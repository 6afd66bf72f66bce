/* SPDX-License-Identifier: MIT */
/*
 * Where a path is served from: a location of the listener, or the listener itself. Places are
 * numbered within a worker; nothing that outlives a request may keep a number. Worker only, but for
 * the prefixes.
 */
#ifndef SERVICES_FILES_OPEN_PLACE_H
#define SERVICES_FILES_OPEN_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "services/http/parse/http_text.h"
#include "worker/heritage.h"

/* For the hook init of that listener: prepares all its places. False: no memory. */
bool place_start(const struct heritage *heritage, const struct listen_conf *listen);

/* The number of places; they are numbered from 0. */
unsigned place_count(void);

/* The number of that listener. */
unsigned place_listener_number(const struct heritage *heritage, const struct listen_conf *listen);

/* The listener itself, for a request that has no path. */
unsigned place_of_listener(unsigned listener);

/* The location of that listener with the longest prefix of the decoded path, else the listener. */
unsigned place_find(unsigned listener, const char *path, size_t length);

/*
 * Pure: writes the prefixes of the listen's places as paths are decoded: of itself, which has all
 * paths, and behind it of each location.
 */
void place_prefixes(const struct listen_conf *listen, struct http_text *prefixes);

/* The number of the longest prefix, of those by place_prefixes, that the decoded path has. Pure. */
unsigned place_longest(const struct http_text *prefixes, unsigned count, const char *path,
		       size_t length);

/* The options that hold there, and its listener. */
const struct listen_conf *place_conf(unsigned place);
unsigned place_listener(unsigned place);

#endif
