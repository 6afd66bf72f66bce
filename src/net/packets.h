/* SPDX-License-Identifier: MIT */
/*
 * A socketpair of messages (SOCK_SEQPACKET, unix(7)) by which descriptors are passed one way. Any
 * process.
 */
#ifndef NET_PACKETS_H
#define NET_PACKETS_H

#include <stdbool.h>

/*
 * Makes both ends, non-blocking and close-on-exec: one refuses descriptors
 * (listen_socket_refuse_descriptors), the other takes them. Returns false with errno set.
 */
bool packets_open(int *refuses, int *takes);

/* True when nothing comes to this end any more: any holder of either end can shut it down. */
bool packets_are_shut(int end);

#endif
