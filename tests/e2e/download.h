/* SPDX-License-Identifier: MIT */
/* A client that downloads a large file slowly, and compares each byte. */
#ifndef E2E_DOWNLOAD_H
#define E2E_DOWNLOAD_H

#include "web.h"

enum { DOWNLOAD_SIZE = 48 << 20, DOWNLOAD_PATTERN = 251 };

/* Puts the file "large": the byte at n is n % DOWNLOAD_PATTERN. */
void download_put(void);

/* Serves web_folder with "large" and "a.txt", which says hello. */
struct server *download_serve(const char *options);

/* Receives a head, no byte more, to web_answer. */
void download_head(int fd);

/* Asks for "large", and receives the head. */
int download_begin(const struct server *s);

/* Receives the bytes of "large" from *at up to `end`. */
void download_go_on(int fd, size_t *at, size_t end);

/* Receives what comes of them until the connection ends, or is reset. */
void download_until_end(int fd, size_t *at);

/* Receives any bytes to the end of the connection; returns how many, and whether it was a reset. */
size_t download_rest(int fd, bool *is_reset);

/* Receives them in parts: the worker dies, or the server reloads, behind each of the first ones. */
void download_through_deaths(struct server *s, int fd, size_t *at, size_t end);

/* Receives the rest of "large" and, as the last answer, "a.txt"; closes fd. */
void download_finish(int fd, size_t *at);

#endif
