/* SPDX-License-Identifier: MIT */
/* Checks messages field by field. */
#include "services/exec/exec_message.h"

#include <signal.h>

#include "worker/record.h"

enum { CODE_MOST = 255 };

static bool is_address(const struct net *net)
{
	return net->family == AF_UNIX || net_is_host(net);
}

/* A PROXY header tells both ends, of one family. */
static bool is_local(const struct exec_request *request)
{
	if (request->local.family == AF_UNSPEC)
		return true;
	return request->local.family == request->remote.family &&
	       request->local.family != AF_UNIX && is_address(&request->local);
}

bool exec_request_is_sound(const struct exec_request *request, size_t size)
{
	return size == sizeof(*request) && request->magic == EXEC_REQUEST_MAGIC &&
	       request->worker <= RECORD_WORKER_MOST &&
	       request->generation <= RECORD_GENERATION_MOST &&
	       request->number <= RECORD_NUMBER_MOST && is_address(&request->remote) &&
	       is_local(request);
}

static bool is_code(const struct exec_report *report)
{
	switch (report->outcome) {
	case EXEC_NOT_STARTED:
		return report->code == 0 && report->took_us == 0;
	case EXEC_EXITED:
		return report->code <= CODE_MOST;
	default:
		return report->code > 0 && report->code <= (uint32_t)SIGRTMAX;
	}
}

bool exec_report_is_sound(const struct exec_report *report, size_t size)
{
	return size == sizeof(*report) && report->magic == EXEC_REPORT_MAGIC &&
	       report->outcome < EXEC_OUTCOMES && report->timed_out <= 1 && is_code(report) &&
	       report->took_us <= INT64_MAX;
}
