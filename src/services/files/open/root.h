/* SPDX-License-Identifier: MIT */
/*
 * The folders that are served, as descriptors that requests are opened beneath. A folder is
 * looked up by its path again when a second has passed, so that a release that is put in its place,
 * or a symbolic link that is switched, is in force without a reload.
 */
#ifndef SERVICES_FILES_OPEN_ROOT_H
#define SERVICES_FILES_OPEN_ROOT_H

#include <stdbool.h>

#include "base/err.h"
#include "services/files/open/media_type.h"
#include "worker/heritage.h"

/*
 * The hook check_system: false with err when the workers' user cannot enter the folder. It looks in
 * a child process that has become that user.
 */
bool root_check(const struct conf *conf, const struct listen_conf *listen,
		const struct identity *identity, struct err *err);

/*
 * Before the first root_start: room for that number of places (services/files/open/place.h). False:
 * no memory. Worker only.
 */
bool root_make(unsigned count);

/*
 * Prepares for a place, without a descriptor: a worker that takes over may have none to spare. The
 * folder is looked for at the first request. Worker only.
 */
void root_start(unsigned place, const struct listen_conf *conf);

/* The folder (O_PATH) of that place now. -1 with errno set: it cannot be opened. Worker only. */
int root_open(unsigned place);

/* A number that changes when root_open has found another folder, or none. Worker only. */
uint32_t root_version(unsigned place);

enum { ROOT_HEADERS = 4096 };

/* The lines of option headers, each with its CRLF, shorter than ROOT_HEADERS. Worker only. */
const char *root_headers(unsigned place);

/* True when option headers has a line of the name that this one has. Worker only. */
bool root_has_header(unsigned place, const char *line);

/* The types of its files. Worker only. */
const struct media_types *root_types(unsigned place);

#endif
