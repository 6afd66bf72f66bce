/* SPDX-License-Identifier: MIT */
/* Begins one connection of many, which nobody waits for. */
#ifndef CLIENT_BENCH_KNOCK_H
#define CLIENT_BENCH_KNOCK_H

#include "base/addr.h"

/*
 * Makes a non-blocking socket, *fd (-1: there is none), and connects it, from 127.0.0.1 + number %
 * sources unless sources is 0. 1: it is connected; 0: epoll(7) will tell; -1 with errno. The caller
 * closes *fd.
 */
int connect_socket(int *fd, const struct addr *to, int sources, int number);

#endif
