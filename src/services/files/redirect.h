/* SPDX-License-Identifier: MIT */
/* Answers that lead elsewhere: option redirect, and a folder without its slash. Worker only. */
#ifndef SERVICES_FILES_REDIRECT_H
#define SERVICES_FILES_REDIRECT_H

#include "services/files/redirect_list.h"
#include "services/files/send/file_send.h"

/* For the hook init, behind place_start: reads the option of all places. False: no memory. */
bool redirect_start(void);

/* The first one whose FROM the path has; NULL: none. */
const struct redirect *redirect_find(const struct asked *asked);

/* Answers with it. As file_send. */
unsigned redirect_answer(const struct asked *asked, const struct redirect *found);

/* The path is that of a folder: leads to the same with a slash behind it. */
unsigned redirect_to_folder(const struct asked *asked);

/* At load, any process: false with err when option redirect is wrong. */
bool redirect_check(const struct listen_conf *conf, struct err *err);

#endif
