/* SPDX-License-Identifier: MIT */
/*
 * Orders of a client that looks closely: it connects and keeps the socket whatever came of it,
 * with the address that the system chose for it, and learns what the other end has acknowledged.
 * Any process of a lesson.
 */
#ifndef DEMO_DIAL_H
#define DEMO_DIAL_H

#include "demo/call.h"

/*
 * A new socket, with flags such as SOCK_NONBLOCK (socket(2)), and connect(2). The result is the
 * descriptor, option the errno of connect(2) or 0, addr the socket's own address.
 */
struct call call_try_connect(const struct addr *to, int flags);

/*
 * A new socket, with SO_REUSEADDR or without, bound to that address. The result is the descriptor,
 * or -1 for whichever call failed; addr becomes the socket's own address.
 */
struct call call_bind(const struct addr *at, bool reuse);

/*
 * Waits, at most wait_ms, until the other end has acknowledged all bytes. The result is the number
 * of those that it has not.
 */
struct call call_await_ack(int fd, int wait_ms);

#endif
