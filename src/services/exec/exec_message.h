/* SPDX-License-Identifier: MIT */
/*
 * The messages between a worker and the helper of an exec listener, and their checks: either side
 * may have been taken over, so neither trusts the other. Pure.
 */
#ifndef SERVICES_EXEC_EXEC_MESSAGE_H
#define SERVICES_EXEC_EXEC_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum { EXEC_REQUEST_MAGIC = 0x65786571, EXEC_REPORT_MAGIC = 0x65786570 };

/*
 * From the worker, on its link, with the client's socket and the helper's end of the control socket
 * (worker/give.h): start the program. The three numbers are the connection's in the logs.
 */
struct exec_request {
	uint32_t magic;
	uint32_t worker, generation;
	uint16_t remote_port, local_port;
	uint64_t number;
	struct net remote;
	struct net local; /* as a PROXY header has told; family 0: that of the socket */
};

enum exec_outcome { EXEC_NOT_STARTED, EXEC_EXITED, EXEC_KILLED, EXEC_OUTCOMES };

/* From the helper, on the control socket: the program has ended. */
struct exec_report {
	uint32_t magic;
	uint32_t outcome;   /* enum exec_outcome */
	uint32_t code;      /* its exit code, or the number of the signal */
	uint32_t timed_out; /* 1: the helper ended it, since its timeout was over; else 0 */
	uint64_t took_us;   /* from its start to its end */
};

/* True when the bytes are a message that an honest sender can have sent. */
bool exec_request_is_sound(const struct exec_request *request, size_t size);
bool exec_report_is_sound(const struct exec_report *report, size_t size);

#endif
