/* SPDX-License-Identifier: MIT */
/* The states of a TCP connection (RFC 9293, 3.3.2), as the kernel tells them. Any process. */
#ifndef BASE_TCPSTATE_H
#define BASE_TCPSTATE_H

#include <netinet/in.h>
#include <netinet/tcp.h>

/* The state of the socket (tcp(7), TCP_INFO): TCP_ESTABLISHED ...; -1 with errno. */
int sockdiag_tcp_state(int fd);

/* "ESTABLISHED" ...; "unknown" for what is no state. The state without a socket is "CLOSED". */
const char *sockdiag_state_name(int state);

#endif
