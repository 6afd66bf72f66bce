/* SPDX-License-Identifier: MIT */
/* Answers that lead elsewhere: option redirect, and a folder without its slash. Worker only. */
#ifndef SERVICES_FILES_REDIRECT_H
#define SERVICES_FILES_REDIRECT_H

#include "services/files/send/file_send.h"

/* One entry of option redirect; the texts lie in it. */
struct redirect {
	struct http_text from, to;
	unsigned status;
};

/* Reads FROM TO [STATUS]. A missing word is empty; a status that is none is 0. */
struct redirect redirect_read(const char *entry);

/* FROM as paths are: without the slashes around it. */
struct http_text redirect_prefix(const struct redirect *redirect);

/* The first one of the place whose FROM the decoded path has; false: none. */
bool redirect_find(const struct listen_conf *conf, const char *path, size_t length,
		   struct redirect *found);

/* Answers with it. As file_send. */
unsigned redirect_answer(const struct asked *asked, const struct redirect *found);

/* The path is that of a folder: leads to the same with a slash behind it. */
unsigned redirect_to_folder(const struct asked *asked);

/* At load, any process: false with err when option redirect is wrong. */
bool redirect_check(const struct listen_conf *conf, struct err *err);

#endif
