/* SPDX-License-Identifier: MIT */
/* Sockets whose last close waits for a minute (SO_LINGER, socket(7)). */
#ifndef UNIT_LINGERING_H
#define UNIT_LINGERING_H

enum { LINGERING_BOUND_S = 20 }; /* who takes longer has waited for such a socket */

/* A connection with unsent bytes that nobody reads; returns the end that lingers. */
int lingering_open(int *peer);

#endif
