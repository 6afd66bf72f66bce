/* SPDX-License-Identifier: MIT */
/* How a client is turned away that was accepted. The caller closes the socket. Worker only. */
#ifndef NET_REFUSAL_H
#define NET_REFUSAL_H

#include <stdbool.h>

/*
 * Prepares a socket so that its close, at once, is a reset, or an orderly end: what has come is
 * dropped then, since a close with unread bytes is a reset (tcp(7), SO_LINGER in socket(7)).
 */
void refusal_prepare(int fd, bool is_reset);

#endif
