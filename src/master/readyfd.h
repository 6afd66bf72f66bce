/* SPDX-License-Identifier: MIT */
/*
 * --ready-fd: the bound addresses, one a line, once all workers are ready; then it is closed. Its
 * reader may take its time, which the master does not wait for. Master only.
 */
#ifndef MASTER_READYFD_H
#define MASTER_READYFD_H

#include "base/loop.h"
#include "base/writer.h"
#include "net/listener.h"

struct readyfd {
	int fd; /* as it was given, -1 once it is closed */
	struct writer outlet;
	struct loop *loop; /* watches the outlet; NULL: it does not */
	struct watch watch;
	char *text;        /* all lines; NULL outside of readyfd_tell and what is left of it */
	size_t start, end; /* of what is not written yet */
};

/* Tells what it can at once, and the rest in later turns of the loop. */
void readyfd_tell(struct readyfd *ready, struct loop *loop, const struct listener_set *listeners);

/* Told all or not: the reader gets its end. */
void readyfd_close(struct readyfd *ready);

#endif
