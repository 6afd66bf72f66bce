/* SPDX-License-Identifier: MIT */
/* A unix socket over which a test passes descriptors to itself (base/rights.h). */
#ifndef UNIT_PASSED_H
#define UNIT_PASSED_H

#include "base/rights.h"

enum { PASSED_TEXT = 64, PASSED_OPEN_MOST = 2048 };

struct passed {
	int sender, receiver;   /* the ends of the socket */
	unsigned open_before;   /* descriptors of this process when they were opened */
	struct rights got;      /* of the last message */
	char text[PASSED_TEXT]; /* its bytes */
};

/* type: SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET. */
void passed_open(struct passed *passed, int type);
/* Closes what came, asserts that nothing else is open than before, and closes the ends. */
void passed_close(struct passed *passed);

ssize_t passed_send(const struct passed *passed, const char *word, const int *fds, unsigned count);
/* Receives at most so many bytes, without blocking. */
ssize_t passed_receive(struct passed *passed, size_t most, int flags);
/* Asserts that this word came whole, with so many descriptors. */
void passed_assert(const struct passed *passed, const char *word, unsigned count);

/* Lets this process have at least twice RIGHTS_MOST descriptors; false where that is forbidden. */
bool passed_raise_limit(void);

/* How many descriptors this process has open. */
unsigned passed_count_open(void);

#endif
