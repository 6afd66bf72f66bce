/* SPDX-License-Identifier: MIT */
/* A helper of an exec listener in a process of its own, and the workers' ends of its links. */
#ifndef UNIT_HELPED_H
#define UNIT_HELPED_H

#include "config/conf.h"
#include "services/exec/exec_message.h"
#include "worker/give.h"
#include "worker/helper.h"

enum { HELPED_LINKS = 2, HELPED_EVIL = 0, HELPED_HONEST = 1, HELPED_WAIT_MS = 20000 };

struct helped {
	struct conf *conf;
	struct helper_link links[HELPED_LINKS];
	int report;
	pid_t pid;
};

/* Starts it for a program, of which `most` run at once; no client may be there yet. */
void helped_start(struct helped *s, const char *program, unsigned most);
/* It makes no call until it is resumed. */
void helped_pause(const struct helped *s);
void helped_resume(const struct helped *s);
/* It must leave as it was told to, with no program left. */
void helped_stop(struct helped *s);
/* The same for one that has left. */
void helped_close(struct helped *s);

/* A client, as a worker sees it after the accept. */
struct helped_client {
	int own, socket;      /* the client's end, and the server's */
	int control, helpers; /* the worker's end, and the helper's */
};

struct helped_client helped_client_new(void);
/* What an honest worker sends, and how it sends it. */
struct exec_request helped_request(void);
void helped_give(const struct helped *s, unsigned link, struct helped_client *c);
/* Sends any bytes with any descriptors. */
void helped_send(int link, const void *bytes, size_t size, const int *fds, unsigned count);
/* The report of the program's end. */
struct exec_report helped_hear(const struct helped_client *c);

/* The client ends its side, and its program exits. Closes both ends. */
void helped_finish(const struct helped_client *c);
/* A client by that link, or an honest worker's, is served from its first byte to its end. */
void helped_serves_by(const struct helped *s, unsigned link);
void helped_serves(const struct helped *s);
/* It reads an order for a link that there is not, and so its loop turns. */
void helped_turn(const struct helped *s);
/* The helper has closed what came: the other end of what was sent sees it. Closes that. */
void helped_let_go(int reader);

#endif
