/* SPDX-License-Identifier: MIT */
/* A service that answers each byte with a range of a file, and its downloads. */
#ifndef UNIT_RANGED_H
#define UNIT_RANGED_H

#include "unit/served.h"

enum { RANGED_LARGE = 8 << 20, RANGED_SLOW = 50000, RANGED_OFFSET = 77 };

/* Comes before the range in each answer. */
#define RANGED_HEADER "header of the answer\n"

/* Set by ranged_start: the file, and what a byte of input asks for. */
struct ranged {
	struct served *s;
	int file;
	size_t length;
	enum verdict verdict;
};
extern struct ranged ranged;
extern char *ranged_content; /* of the file */

/* cmocka's group setup and teardown. */
int ranged_make_file(void **state);
int ranged_free_file(void **state);

/* A worker with the service; each answer has so many bytes of the file. */
void ranged_start(struct served *s, size_t length, enum verdict verdict);
void ranged_stop(struct served *s);

/* An answer as its client receives it, piece by piece. */
struct ranged_download {
	struct served *s;
	int client;
	char *got;
	size_t in, size;
	unsigned idle; /* receives in a row without a byte */
};

/* The caller frees `got`, or calls ranged_finish. */
struct ranged_download ranged_ask(struct served *s, int client);
void ranged_receive(struct ranged_download *d);
/* Receives the rest, checks all of it, and frees it. */
void ranged_finish(struct ranged_download *d);

/* The only connection has ended for that reason. */
void ranged_assert_ended(struct served *s, enum close_reason reason);

/* The count of this process's open descriptors. */
unsigned ranged_fds(void);

#endif
