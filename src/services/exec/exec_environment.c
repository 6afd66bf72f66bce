/* SPDX-License-Identifier: MIT */
/* Writes addresses and numbers as text. */
#include "services/exec/exec_environment.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *write_number(struct exec_environment *to, unsigned at, uint64_t value)
{
	snprintf(to->numbers[at], sizeof(to->numbers[at]), "%" PRIu64, value);
	return to->numbers[at];
}

static void add_variable(struct exec_environment *to, const char *name, const char *value)
{
	to->list[to->count++] = (struct command_variable){ name, value };
}

/* Returns the port. */
static uint16_t write_ip(const struct addr *addr, char *text)
{
	struct addr plain = addr_unmap(addr);
	bool is_v6 = plain.sa.sa_family == AF_INET6;
	const void *bytes = is_v6 ? (const void *)&plain.in6.sin6_addr : &plain.in.sin_addr;

	if (!inet_ntop(plain.sa.sa_family, bytes, text, INET6_ADDRSTRLEN))
		text[0] = '\0';
	return ntohs(is_v6 ? plain.in6.sin6_port : plain.in.sin_port);
}

static void add_tcp(struct exec_environment *to, const struct exec_ends *ends)
{
	add_variable(to, "PROTO", "TCP");
	add_variable(to, "TCPLOCALPORT", write_number(to, 0, write_ip(&ends->local, to->local)));
	add_variable(to, "TCPLOCALIP", to->local);
	add_variable(to, "TCPREMOTEPORT", write_number(to, 1, write_ip(&ends->remote, to->remote)));
	add_variable(to, "TCPREMOTEIP", to->remote);
	add_variable(to, "TCPCONNNUM", write_number(to, 2, ends->of_the_same));
}

/* The path need not end with a NUL (unix(7)); an abstract one has no text. */
static void write_path(const struct addr *addr, char *text)
{
	size_t most = addr->len > offsetof(struct sockaddr_un, sun_path) ?
			      addr->len - offsetof(struct sockaddr_un, sun_path) :
			      0;
	size_t length = strnlen(addr->un.sun_path, most);

	memcpy(text, addr->un.sun_path, length);
	text[length] = '\0';
}

static void add_unix(struct exec_environment *to, const struct exec_ends *ends)
{
	write_path(&ends->local, to->local);
	add_variable(to, "PROTO", "UNIX");
	add_variable(to, "UNIXLOCALPATH", to->local);
	add_variable(to, "UNIXREMOTEEUID", write_number(to, 0, ends->peer.uid));
	add_variable(to, "UNIXREMOTEEGID", write_number(to, 1, ends->peer.gid));
	add_variable(to, "UNIXREMOTEPID", write_number(to, 2, (uint64_t)ends->peer.pid));
	add_variable(to, "UNIXCONNNUM", write_number(to, 3, ends->of_the_same));
}

struct exec_ends exec_environment_ends(const struct exec_request *request)
{
	struct exec_ends ends = { .remote = net_to_addr(&request->remote, request->remote_port) };

	if (request->local.family != AF_UNSPEC)
		ends.local = net_to_addr(&request->local, request->local_port);
	return ends;
}

void exec_environment_fill(struct exec_environment *environment, const struct exec_ends *ends)
{
	environment->count = 0;
	if (ends->local.sa.sa_family == AF_UNIX)
		add_unix(environment, ends);
	else
		add_tcp(environment, ends);
}
