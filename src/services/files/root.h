/* SPDX-License-Identifier: MIT */
/*
 * The folders that listeners serve, as descriptors that requests are opened beneath. A folder is
 * looked up by its path again when a second has passed, so that a release that is put in its place,
 * or a symbolic link that is switched, is in force without a reload.
 */
#ifndef SERVICES_FILES_ROOT_H
#define SERVICES_FILES_ROOT_H

#include <stdbool.h>

#include "base/err.h"
#include "services/files/media_type.h"
#include "worker/heritage.h"

/*
 * The hook check_system: false with err when the workers' user cannot enter the folder. It looks in
 * a child process that has become that user.
 */
bool root_check(const struct conf *conf, const struct listen_conf *listen,
		const struct identity *identity, struct err *err);

/*
 * For the hook init: prepares for that listener. A folder that is missing now may be there later.
 * Worker only; false: no memory.
 */
bool root_start(const struct heritage *heritage, const struct listen_conf *listen);

/* The number of that listener. */
unsigned root_number(const struct heritage *heritage, const struct listen_conf *listen);

/* The folder (O_PATH) of that listener now. -1 with errno set: it cannot be opened. Worker only. */
int root_open(unsigned listener);

enum { ROOT_HEADERS = 4096 };

/* The lines of option headers, each with its CRLF, shorter than ROOT_HEADERS. Worker only. */
const char *root_headers(unsigned listener);

/* The types of its files. Worker only. */
const struct media_types *root_types(unsigned listener);

#endif
