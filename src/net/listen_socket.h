/* SPDX-License-Identifier: MIT */
/*
 * One listening socket of one address: how it is made, its options, and which addresses exclude
 * each other. ip(7), ipv6(7), tcp(7), socket(7). Master only.
 */
#ifndef NET_LISTEN_SOCKET_H
#define NET_LISTEN_SOCKET_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/addr.h"
#include "base/err.h"
#include "config/conf.h"

/* Returns the port of an address; 0 when it has none. */
in_port_t listen_socket_port(const struct addr *addr);

/*
 * Returns a close-on-exec, non-blocking socket that listens on addr with the options of conf, or -1
 * with err (`cannot bind 127.0.0.1:80: why (what to do)`, CODE_UNAVAILABLE or CODE_NOPERM, without
 * conf's origin). *in_use is set to true when the address is taken. `first` is false for the
 * further sockets of a reuse_port listener. *made is set to the file of a unix socket.
 */
int listen_socket_open(const struct addr *addr, const struct listen_conf *conf, bool first,
		       struct stat *made, bool *in_use, struct err *err);

/*
 * Makes a listening socket non-blocking: a process that passed it or shares it may have cleared the
 * flag. Returns false with errno set. Master only.
 */
bool listen_socket_unblock(int fd);

/* True when a connection waits to be accepted, according to the kernel. Any process. */
bool listen_socket_has_queue(int fd);

/*
 * Makes a unix socket, and the sockets accepted from it, refuse descriptors (SCM_RIGHTS, unix(7)).
 * The kernel closes descriptors that are never received, and the close of a lingering socket
 * blocks: a client of a unix listener could stop a worker so, and a worker the master. Linux before
 * 6.16 has no such option. Any process.
 */
void listen_socket_refuse_descriptors(int fd);

/*
 * Sets the options that can change on a listening socket: backlog and the rest, but not O_NONBLOCK.
 * One that was shut down listens again. Returns false with err.
 */
bool listen_socket_apply(int fd, const struct addr *addr, const struct listen_conf *conf,
			 struct err *err);

/*
 * False for a listening socket on which a process that shares it called shutdown(2). Any process.
 */
bool listen_socket_listens(int fd);

/*
 * Makes such a socket listen again on its address. Returns false with errno set when that is
 * impossible: always for a unix socket (unix(7)). Any process; privileged ports stay bound.
 */
bool listen_socket_revive(int fd, const struct addr *bound, const struct listen_conf *conf);

/*
 * True for an errno of listen_socket_revive that may pass: the port is in use, or no interface has
 * the address. Until then no other socket could listen on that address and port.
 */
bool listen_socket_may_wait(int error);

/* Tests listen_socket_open without listening or touching a unix path. Returns false with err. */
bool listen_socket_check(const struct addr *addr, const struct listen_conf *conf, bool *in_use,
			 struct err *err);

/*
 * Tests that connections can come from that local address, which has port 0. Returns false with
 * err. Any process.
 */
bool listen_socket_check_source(const struct addr *addr, struct err *err);

/* True for a socket that also accepts IPv4 connections to its port. */
bool listen_socket_is_dual(const struct addr *addr, bool v6only);

/* True for the same address and port, or the same path however it is spelt. */
bool listen_socket_same_address(const struct addr *a, const struct addr *b);

/* True when no two sockets can be bound to these addresses at once. Port 0 excludes nothing. */
bool listen_socket_excludes(const struct addr *a, bool a_v6only, const struct addr *b,
			    bool b_v6only);

#endif
