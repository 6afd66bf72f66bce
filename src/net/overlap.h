/* SPDX-License-Identifier: MIT */
/*
 * Which addresses to listen on are the same, and which exclude each other. ip(7), ipv6(7). Master.
 */
#ifndef NET_OVERLAP_H
#define NET_OVERLAP_H

#include <stdbool.h>

#include "base/addr.h"

/* True for a socket that takes the IPv4 connections to its port as well. */
bool listen_socket_is_dual(const struct addr *addr, bool v6only);

/* The same address and port, or the same path however it is spelt. */
bool listen_socket_same_address(const struct addr *a, const struct addr *b);

/* True when no two sockets can be bound to these at once. Port 0 excludes nothing. */
bool listen_socket_excludes(const struct addr *a, bool a_v6only, const struct addr *b,
			    bool b_v6only);

#endif
