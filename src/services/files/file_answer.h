/* SPDX-License-Identifier: MIT */
/* Answers a request with a file, in a worker. */
#ifndef SERVICES_FILES_FILE_ANSWER_H
#define SERVICES_FILES_FILE_ANSWER_H

#include "services/http/http_session.h"

/* As http_handler.answer. */
unsigned file_answer(struct conn *c, struct http_session *session);

/* As http_handler.go_on: the listing of a folder. */
bool file_answer_more(struct conn *c, struct http_session *session);

#endif
