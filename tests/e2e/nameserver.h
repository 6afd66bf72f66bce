/* SPDX-License-Identifier: MIT */
/*
 * A name server for the names of upstreams, and a network of the test's own in which it is the only
 * one: needs root.
 */
#ifndef E2E_NAMESERVER_H
#define E2E_NAMESERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What it answers to every query for an IPv4 address; there are no others. */
enum nameserver_mood {
	NAMESERVER_ANSWERS,
	NAMESERVER_KNOWS_NONE, /* NXDOMAIN */
	NAMESERVER_FAILS,      /* SERVFAIL */
	NAMESERVER_IS_SILENT
};

struct nameserver {
	pid_t pid;
	struct nameserver_words *words; /* shared with its process */
};

/*
 * This process and its later children get a network with nothing but a loopback device, and a
 * resolv.conf(5) that names the server. False: that is not permitted.
 */
bool nameserver_isolate(void);

void nameserver_start(struct nameserver *n);
void nameserver_stop(struct nameserver *n);

/* It answers with `count` addresses from 127.0.0.`first` on, in an order that changes each time. */
void nameserver_say(const struct nameserver *n, enum nameserver_mood mood, unsigned first,
		    unsigned count);

/* How many queries it has had. */
unsigned nameserver_queries(const struct nameserver *n);

#endif
