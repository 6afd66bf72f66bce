/* SPDX-License-Identifier: MIT */
/*
 * The kernel's socket diagnostics: the accept queue of a unix socket, the state of a TCP connection
 * that no process holds any more (sock_diag(7)), and the state of a TCP socket (RFC 9293, 3.3.2).
 * The kernel replies within the call, so no call blocks. Any process.
 */
#ifndef BASE_SOCKDIAG_H
#define BASE_SOCKDIAG_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct sockdiag {
	int fd; /* netlink(7); -1: not open */
	uint32_t seq;
};

struct sockdiag_queue {
	uint32_t length, limit; /* waiting connections; the backlog */
};

enum sockdiag_answer {
	SOCKDIAG_FOUND,
	SOCKDIAG_NOTHING, /* no reply this time */
	SOCKDIAG_REFUSED  /* permanently; errno has the reason */
};

/* Returns false with errno set. sockdiag_close closes it. */
bool sockdiag_open(struct sockdiag *diag);
void sockdiag_close(struct sockdiag *diag);

/*
 * Fills *queue for the unix socket with that inode (fstat(2)), which must be in this network
 * namespace.
 */
enum sockdiag_answer sockdiag_unix(struct sockdiag *diag, uint64_t inode,
				   struct sockdiag_queue *queue);

/* Fills *queue for a listening TCP socket (tcp(7), TCP_INFO). False with errno. */
bool sockdiag_tcp_queue(int fd, struct sockdiag_queue *queue);

/* What the socket has dropped in its life (socket(7), SO_MEMINFO). False when that is unknown. */
bool sockdiag_drops(int fd, uint32_t *drops);

/*
 * Sets *state to the TCP state (TCP_ESTABLISHED ... of netinet/tcp.h) of the socket with that local
 * and remote address in this network namespace, including one in TIME_WAIT; TCP_CLOSE when there is
 * none.
 */
enum sockdiag_answer sockdiag_tcp(struct sockdiag *diag, const struct addr *local,
				  const struct addr *remote, int *state);

/* Returns the state of the socket (tcp(7), TCP_INFO): TCP_ESTABLISHED ...; -1 with errno set. */
int sockdiag_tcp_state(int fd);

/* "ESTABLISHED" ...; "unknown" for an unknown number. Without a socket the state is "CLOSED". */
const char *sockdiag_state_name(int state);

#endif
