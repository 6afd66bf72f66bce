/* SPDX-License-Identifier: MIT */
/*
 * An answer of several ranges of a file, multipart/byteranges (RFC 9110 14.6): which part comes
 * next is in the connection's state, and its record holds the file, so that the answer goes on in
 * another worker. For services/files, in a worker.
 */
#ifndef SERVICES_FILES_SEND_FILE_PARTS_H
#define SERVICES_FILES_SEND_FILE_PARTS_H

#include "services/files/open/file_open.h"
#include "services/http/http_range.h"
#include "services/http/http_session.h"

enum {
	FILE_PARTS_OVERHEAD = 1024, /* bytes that the body may have beyond those of the file */
	FILE_PARTS_TYPE = 96,       /* of the file's type, with its NUL */
	FILE_PARTS_HEAD = 64        /* of the answer's own Content-Type, with its NUL */
};

struct file_parts {
	uint64_t size, boundary;
	uint8_t next; /* the range that is sent next; beyond the last: the end of the body */
	char type[FILE_PARTS_TYPE];
};

/*
 * Prepares an answer of these ranges, more than one, of a file of that type and size. False: send
 * the whole file, since the parts would not be shorter, or cannot be made.
 */
bool file_parts_prepare(struct file_parts *parts, const struct http_ranges *ranges,
			const char *type, uint64_t size);

/* Writes the value of Content-Type, and returns the length of the body. */
uint64_t file_parts_announce(const struct file_parts *parts, const struct http_ranges *ranges,
			     char type[static FILE_PARTS_HEAD]);

/* Appends the whole body of a file that is in memory; false with nothing done: there is no room. */
bool file_parts_put_all(struct buf *out, const struct file_parts *parts,
			const struct http_ranges *ranges, const char *bytes);

/*
 * Sends what is next of the file that the connection holds; true once all of the answer is in
 * c->out and the file is closed. The head of the request is still in c->in.
 */
bool file_parts_go_on(struct conn *c, const struct http_request *request, struct file_parts *parts);

/* For the hook is_sound: the request is sound, the rest may hold any bytes. */
bool file_parts_is_sound(const struct conn *c, const struct http_request *request,
			 const struct file_parts *parts);

/* Appends bytes of a file, which has room there; false with none appended when it is too short. */
bool file_parts_put_bytes(struct buf *out, int fd, uint64_t offset, uint64_t length);

#endif
