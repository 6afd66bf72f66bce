/* SPDX-License-Identifier: MIT */
/* A client of the HTTP services, and the folder that service http serves. */
#ifndef E2E_WEB_H
#define E2E_WEB_H

#include "harness.h"

#define WEB_HOST " HTTP/1.1\r\nHost: x\r\n"
#define WEB_LAST WEB_HOST "Connection: close\r\n\r\n" /* of a request that is the last one */

enum { WEB_ANSWER = 1 << 20 };
extern char web_answer[WEB_ANSWER]; /* the last one */

/*
 * Sends the request to the server's first listener and returns all bytes up to the end of the
 * connection, in web_answer.
 */
const char *web_ask(const struct server *s, const char *request);

/* The body of the last answer. */
const char *web_body(void);

/* The last answer is a file with this text; web_serves asks for "a.txt" first. */
void web_is_file(const char *text);
void web_serves(const struct server *s, const char *text);

void web_begins(const char *text, const char *beginning);
void web_has(const char *text, const char *part);

/* A new folder that every user may read, removed after the test; and what is put into it. */
extern const char *web_folder;
void web_make_folder(void);
void web_put(const char *name, const char *text);
/* Its last change was 1000 seconds after the epoch. */
void web_age(const char *name);
/* Waits until its last change lies a while back: only such a file is remembered by a worker. */
void web_wait_settled(const char *name);
void web_put_folder(const char *name);
void web_put_link(const char *target, const char *name);

/* Serves web_folder, with further options such as ",hidden=yes". */
struct server *web_serve(const char *options);

/* Waits until all that the client at fd does not read has gone out: the worker sleeps. */
void web_wait_sent(struct server *s, int fd);

/* Kills the worker then: it has nothing in hand. */
void web_kill_worker(struct server *s, int fd);

/* A configuration that serves it, with further lines of the listen; valid until the next call. */
const char *web_conf(const char *lines);

#endif
