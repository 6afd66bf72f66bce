/* SPDX-License-Identifier: MIT */
/* Pages for errors: option error_page. Worker only, but for the check. */
#ifndef SERVICES_FILES_SEND_ERROR_PAGE_H
#define SERVICES_FILES_SEND_ERROR_PAGE_H

#include "services/files/open/file_open.h"

/* For the hook init, behind place_start: reads the option of all places. False: no memory. */
bool error_page_start(void);

/*
 * Opens the page that the place has for the status, beneath its root. Returns its path, which lasts
 * as long as the configuration, or NULL when there is none or it is no file; then nothing is open.
 * Logs a page that is there and is no file, or cannot be opened.
 */
const char *error_page_open(unsigned place, unsigned status, struct found *page);

/* At load: false with err when option error_page is wrong. */
bool error_page_check(const struct listen_conf *conf, struct err *err);

#endif
