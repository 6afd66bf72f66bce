/* SPDX-License-Identifier: MIT */
/*
 * The connections of a crowd, on one epoll.
 *
 *   closed --open--> asking --answer whole--> resting, or asking again
 *   any --the server ends it, or an error--> closed for good
 */
#ifndef BENCH_MEMBERS_H
#define BENCH_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "client/bench/http_response.h"

enum role {
	ROLE_HOLD,  /* one request, then rest */
	ROLE_ASK,   /* one request after the other */
	ROLE_SLOW,  /* a byte at intervals, and no answer */
	ROLE_FLOOD, /* sends without pause and reads what arrives */
};

enum { MESSAGE_MOST = 1024, FLOOD_BYTES = 64 * 1024 };

struct member {
	int fd; /* -1: closed */
	uint32_t watched;
	size_t got;       /* bytes of the answer */
	size_t at;        /* FLOOD: offset in the message of the next byte */
	int64_t begun_ns; /* when it was opened, or its first byte was sent */
	struct http_response http;
};

struct members {
	/* set by the caller before members_new */
	struct addr to;
	enum role role;
	unsigned count;
	bool is_http;    /* an answer ends as HTTP defines, otherwise */
	size_t expected; /* after this many bytes */
	size_t message_size;
	char message[MESSAGE_MOST];
	/* written by members.c */
	int epfd;
	struct member *list;
	unsigned opened;   /* entries of the list opened so far */
	unsigned settled;  /* established; HOLD: and answered */
	uint64_t requests; /* answered */
	uint64_t errors;
	uint64_t ended;                         /* HOLD and SLOW: by the server */
	int64_t first_end_ms, last_end_ms;      /* shortest and longest life of those */
	uint64_t dripped;                       /* SLOW: bytes sent */
	uint64_t bytes;                         /* received */
	char flood[FLOOD_BYTES + MESSAGE_MOST]; /* the message, repeated */
};

/* Returns false with errno set. Allocates; members_free closes and frees all. */
bool members_new(struct members *all);
void members_free(struct members *all);

/* Opens the next connection of the list. */
void members_open_next(struct members *all);

/* SLOW: sends one byte on the next connection in turn. */
void members_drip(struct members *all);

/* Waits at most wait_ms and serves what is ready; true when the watched stop_fd has ended. */
bool members_turn(struct members *all, int wait_ms);
bool members_watch_stop(struct members *all, int stop_fd);

#endif
