/* SPDX-License-Identifier: MIT */
/* Asks the kernel what a descriptor is (socket(7)). */
#include "services/exec/exec_socket.h"

#include "base/sys.h"

/* -1: it is no socket. */
static int option_of(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return sys_getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

/* A client over IPv4 of an IPv6 socket has a mapped address. */
static bool is_of_family(int domain, const struct addr *remote)
{
	return domain == remote->sa.sa_family ||
	       (domain == AF_INET6 && remote->sa.sa_family == AF_INET);
}

bool exec_socket_is_client(int fd, struct exec_ends *ends)
{
	struct addr own = { .len = sizeof(own.un) };
	socklen_t len = sizeof(ends->peer);
	bool is_told = ends->local.sa.sa_family != AF_UNSPEC;

	if (sys_getsockname(fd, &own.sa, &own.len) < 0 ||
	    (!is_told && !is_of_family(own.sa.sa_family, &ends->remote)) ||
	    option_of(fd, SO_TYPE) != SOCK_STREAM || option_of(fd, SO_ACCEPTCONN) != 0)
		return false;
	if (!is_told)
		ends->local = own;
	return own.sa.sa_family != AF_UNIX ||
	       sys_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ends->peer, &len) == 0;
}

bool exec_socket_is_control(int fd)
{
	return option_of(fd, SO_DOMAIN) == AF_UNIX && option_of(fd, SO_TYPE) == SOCK_SEQPACKET;
}
