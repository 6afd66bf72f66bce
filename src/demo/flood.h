/* SPDX-License-Identifier: MIT */
/*
 * Orders that send until nothing more fits and receive until nothing more comes: they hold a moment
 * still that is over at once else, for what a side sends last, its FIN too, waits behind the bytes
 * that the other has no room for. Any process of a lesson.
 */
#ifndef DEMO_FLOOD_H
#define DEMO_FLOOD_H

#include "demo/call.h"

/*
 * Bounds the buffers of a socket before it is used, so that what is sent is more than the other
 * end has room for, and no more than some hundred KiB. A listening socket passes it on to what it
 * accepts.
 */
struct call transfer_limit_buffers(int fd);

/*
 * Sends without blocking until the send buffer is full. The result is the number of bytes that
 * send(2) took, option how many of them have not left this end.
 */
struct call transfer_fill(int fd);

/*
 * Receives until the end, an error, or until nothing came for wait_ms. The result is the number of
 * bytes that came, option what ended it: 0 the end, ETIMEDOUT or the errno of recv(2).
 */
struct call transfer_drain(int fd, int wait_ms);

#endif
