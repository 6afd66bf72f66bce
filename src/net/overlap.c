/* SPDX-License-Identifier: MIT */
/* Compares addresses by what the kernel makes of them. Must not bind any. */
#include "net/overlap.h"

#include "base/paths.h"
#include "net/listen_socket.h"

static bool is_any(const struct addr *addr)
{
	if (addr->sa.sa_family == AF_INET)
		return addr->in.sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&addr->in6.sin6_addr);
}

bool listen_socket_is_dual(const struct addr *addr, bool v6only)
{
	return addr->sa.sa_family == AF_INET6 && is_any(addr) && !v6only;
}

/* Not one in the abstract namespace, and not one without a name. */
static bool is_path(const struct addr *addr)
{
	return addr->sa.sa_family == AF_UNIX && addr->un.sun_path[0] == '/';
}

bool listen_socket_same_address(const struct addr *a, const struct addr *b)
{
	struct addr x = addr_unmap(a), y = addr_unmap(b);

	if (is_path(&x) && is_path(&y))
		return file_same_name(x.un.sun_path, y.un.sun_path);
	return addr_equal(&x, &y);
}

bool listen_socket_excludes(const struct addr *a, bool a_v6only, const struct addr *b,
			    bool b_v6only)
{
	struct addr x = addr_unmap(a), y = addr_unmap(b);

	if (x.sa.sa_family == AF_UNIX || y.sa.sa_family == AF_UNIX)
		return listen_socket_same_address(&x, &y);
	if (listen_socket_port(&x) == 0 || listen_socket_port(&x) != listen_socket_port(&y))
		return false;
	if (x.sa.sa_family != y.sa.sa_family)
		return listen_socket_is_dual(&x, a_v6only) || listen_socket_is_dual(&y, b_v6only);
	return is_any(&x) || is_any(&y) || listen_socket_same_address(&x, &y);
}
