/* SPDX-License-Identifier: MIT */
/*
 * From a decoded path to the file that answers it: the index of a folder, and the fallbacks of
 * option try. Worker only, but for the check.
 */
#ifndef SERVICES_FILES_FIND_H
#define SERVICES_FILES_FIND_H

#include "services/files/coding.h"
#include "services/files/send/file_send.h"

/*
 * Answers for the path, under which nothing could be opened. errno says why, which is logged unless
 * there is no such path. As file_send.
 */
unsigned find_refuse(const struct asked *asked, enum beneath_end end);

/* True when the path must look as if there was nothing: option hidden. */
bool find_is_hidden(const struct asked *asked);

/*
 * Opens the first file of option index in the folder `path`, and puts its name behind the path. Not
 * BENEATH_FILE: nothing is open.
 */
enum beneath_end find_index(struct asked *asked, struct found *file);

/*
 * Of a path under which there is nothing: opens the first file of option try; path is then its
 * name. Returns 200, or the status of an answer without a file. Logs a fallback that is there and
 * cannot be opened, whatever comes instead of it.
 */
unsigned find_fallback(struct asked *asked, struct found *file);

/* At load: false with err when option try is wrong. */
bool find_check_try(const struct listen_conf *conf, struct err *err);

/* What stands in for a file, is there and could not be opened. */
struct find_unread {
	int error; /* 0: none */
	char path[SERVED_PATH + CODING_EXTENSION];
};

/* Keeps it until the status of the answer is known, in the place of one before. */
void find_keep_unread(struct find_unread *unread, const char *path, int error);

/* Logs it, if there is one, as file_log_error does. */
void find_log_unread(const struct find_unread *unread, unsigned place, unsigned status);

#endif
