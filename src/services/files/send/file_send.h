/* SPDX-License-Identifier: MIT */
/* Answers with a file that is open, or without one. For services/files, in a worker. */
#ifndef SERVICES_FILES_SEND_FILE_SEND_H
#define SERVICES_FILES_SEND_FILE_SEND_H

#include <limits.h>

#include "services/files/open/file_open.h"
#include "services/http/http_session.h"
#include "services/http/parse/http_target.h"

/* Of an answer without a file: a browser must not guess its type. */
#define FILE_GUARDS "X-Content-Type-Options: nosniff\r\n"

/* Of an answer that says to come again. */
#define FILE_RETRY "Retry-After: 1\r\n"

/* Of an answer that tells the methods. */
#define FILE_ALLOW "Allow: GET, HEAD, OPTIONS\r\n"

enum {
	SERVED_PATH = HTTP_LINE_MOST + 1 + NAME_MAX + 1,
	TRY_MOST = 1000, /* bytes of an entry of option try; of option redirect */
	REDIRECT_MOST = 2000,
};

/* A request that is answered. */
struct asked {
	struct conn *c;
	struct http_request *request;
	unsigned place;                 /* services/files/open/place.h */
	const struct listen_conf *conf; /* the options of that place */
	struct http_target target;
	char path[SERVED_PATH]; /* below the root; with the name of an index behind it */
};

/*
 * Sends the file, or what the request wants of it; path is its name. The file is ended. coding: how
 * its bytes are coded, NULL: as the name says. Returns the status, or 0 when there is no room now:
 * so do all that answer.
 */
unsigned file_send(const struct asked *asked, const struct found *file, const char *coding);

/*
 * Sends the head of an answer of that type, of unknown length, with cache_control and these header
 * lines. False: there is no room now.
 */
bool file_send_head(const struct asked *asked, const char *type, const char *headers);

/* Answers with 200, these header lines and no body. As file_send. */
unsigned file_send_nothing(const struct asked *asked, const char *headers);

/* As http_handler.headers. */
const char *file_send_lines(const struct conn *c);

/*
 * Answers with the status alone, in one line or in the page of option error_page. headers: further
 * lines, or "".
 */
unsigned file_refuse(const struct asked *asked, unsigned status, const char *headers);

/* The same with the lines that each answer of that status has. */
unsigned file_error(const struct asked *asked, unsigned status);

#endif
