/* SPDX-License-Identifier: MIT */
/*
 * Logs why a path is answered without its file: the events file_failed, for what the operator can
 * repair, and file_refused, for what the client should not have asked for. One line a second of
 * each event for a listener, with the number of those left out, so that clients cannot flood the
 * log. Worker only.
 */
#ifndef SERVICES_FILES_OPEN_FILE_LOG_H
#define SERVICES_FILES_OPEN_FILE_LOG_H

#include <stdbool.h>

enum file_reason {
	FILE_REASON_ERROR,   /* by errno */
	FILE_REASON_OUTSIDE, /* a path or a link leads out of the root */
	FILE_REASON_LINK,    /* a link that must not be followed */
	FILE_REASON_KIND,    /* neither a file nor a folder */
	FILE_REASON_SHORTER, /* than it was when it was opened */
	FILE_REASON_HIDDEN,
	FILE_REASON_FOLDER, /* which has no index */
	FILE_REASONS
};

/* For the hook init: room for that number of listeners. False: no memory. */
bool file_log_start(unsigned listeners);

/* path: below the root of the place; the request is answered with that status. */
void file_log_reason(unsigned place, const char *path, unsigned status, enum file_reason reason);

/* Nothing could be opened or read, by that errno, in the words of beneath_open. */
void file_log_error(unsigned place, const char *path, unsigned status, int error);

#endif
