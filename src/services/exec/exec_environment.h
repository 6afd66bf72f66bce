/* SPDX-License-Identifier: MIT */
/*
 * The variables that tell a program about its connection, as UCSPI servers give them:
 *
 *   TCP    PROTO=TCP, TCPLOCALIP, TCPLOCALPORT, TCPREMOTEIP, TCPREMOTEPORT, TCPCONNNUM
 *   unix   PROTO=UNIX, UNIXLOCALPATH, UNIXREMOTEEUID, UNIXREMOTEEGID, UNIXREMOTEPID, UNIXCONNNUM
 *
 * PROTO is TCP for IPv6 as well, as s6-networking has it; an IPv4-mapped address is written as
 * IPv4. Where a PROXY header has told both ends, they are the header's. The CONNNUM counts the
 * connections of the same client, this one included: of its address, or of its user. Pure.
 */
#ifndef SERVICES_EXEC_EXEC_ENVIRONMENT_H
#define SERVICES_EXEC_EXEC_ENVIRONMENT_H

#include <sys/socket.h>

#include "base/addr.h"
#include "config/command_exec.h"
#include "services/exec/exec_message.h"

enum { EXEC_VARIABLES = 6 };

/* Both ends of a connection. */
struct exec_ends {
	struct addr local, remote;
	struct ucred peer;    /* of a unix connection */
	unsigned of_the_same; /* CONNNUM */
};

/* The list points into the texts. */
struct exec_environment {
	struct command_variable list[EXEC_VARIABLES];
	unsigned count;
	char local[sizeof(struct sockaddr_un)], remote[INET6_ADDRSTRLEN];
	char numbers[4][24];
};

/* What the request tells of the ends. */
struct exec_ends exec_environment_ends(const struct exec_request *request);

void exec_environment_fill(struct exec_environment *environment, const struct exec_ends *ends);

#endif
