/* SPDX-License-Identifier: MIT */
/*
 * One listening socket of one address: making it, setting what can be set, and which addresses
 * exclude each other. ip(7), ipv6(7), tcp(7), socket(7). Master only.
 */
#ifndef NET_LISTEN_SOCKET_H
#define NET_LISTEN_SOCKET_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/addr.h"
#include "base/err.h"
#include "config/conf.h"

/* The port of an address; 0 for one that has none. */
in_port_t listen_socket_port(const struct addr *addr);

/*
 * A close-on-exec, non-blocking socket that listens on addr with the options of conf, or -1 with
 * err (`cannot bind 127.0.0.1:80: why (what to do)`, CODE_UNAVAILABLE or CODE_NOPERM; err says
 * nothing of conf's origin) and *in_use true when the address is taken. `first` is false for the
 * further sockets of a reuse_port listener. *made: the file of a unix socket.
 */
int listen_socket_open(const struct addr *addr, const struct listen_conf *conf, bool first,
		       struct stat *made, bool *in_use, struct err *err);

/*
 * Makes a listening socket non-blocking: whoever gave it or shares it may have it otherwise. False
 * with errno. Master only.
 */
bool listen_socket_unblock(int fd);

/* True when a connection waits to be accepted, as far as the kernel tells. Any process. */
bool listen_socket_has_queue(int fd);

/*
 * Has a unix socket, and those accepted from it, take no descriptors (SCM_RIGHTS, unix(7)). The
 * kernel closes what nobody receives, and a socket that lingers makes that close wait: for the
 * client of a unix listener a way to stop a worker, and for a worker one to stop the master. Linux
 * before 6.16 cannot be told so. Any process.
 */
void listen_socket_refuse_descriptors(int fd);

/*
 * Sets what can change on a listening socket: O_NONBLOCK, backlog and options. False with err.
 */
bool listen_socket_apply(int fd, const struct addr *addr, const struct listen_conf *conf,
			 struct err *err);

/* False for a listening socket that a process which shares it has shut down. Anyone. */
bool listen_socket_listens(int fd);

/*
 * Has such a socket listen again on the address that it is, or was, bound to. False with errno
 * where that cannot be: never for a unix socket (unix(7)). Anyone; privileged ports stay bound.
 */
bool listen_socket_revive(int fd, const struct addr *bound, const struct listen_conf *conf);

/* Tries listen_socket_open without listening or touching a unix path. False with err. */
bool listen_socket_check(const struct addr *addr, const struct listen_conf *conf, bool *in_use,
			 struct err *err);

/* True for a socket that takes the IPv4 connections to its port as well. */
bool listen_socket_is_dual(const struct addr *addr, bool v6only);

/* The same address and port, or the same path however it is spelt. */
bool listen_socket_same_address(const struct addr *a, const struct addr *b);

/* True when no two sockets can be bound to these at once. Port 0 excludes nothing. */
bool listen_socket_excludes(const struct addr *a, bool a_v6only, const struct addr *b,
			    bool b_v6only);

#endif
