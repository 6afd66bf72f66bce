/* SPDX-License-Identifier: MIT */
/* Asks for the length and the drops of an accept queue. Changes nothing. */
#include "demo/queue.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/clock.h"
#include "base/sys.h"
#include "demo/kernel.h"

struct accept_queue kernel_queue(struct output *out, int listener)
{
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (sys_getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		output_skip_rest(out, "getsockopt(TCP_INFO)");
	size = sizeof(memory);
	if (sys_getsockopt(listener, SOL_SOCKET, SO_MEMINFO, memory, &size) < 0)
		output_skip_rest(out, "getsockopt(SO_MEMINFO)");
	/* of a socket that listens, these two fields are the queue's */
	return (struct accept_queue){ .length = info.tcpi_unacked,
				      .limit = info.tcpi_sacked,
				      .drops = memory[SK_MEMINFO_DROPS] };
}

struct accept_queue kernel_await_queue(struct output *out, int listener, unsigned length,
				       uint32_t drops)
{
	int64_t until_ms = clock_ms() + KERNEL_WAIT_MS;
	struct accept_queue queue;

	do
		queue = kernel_queue(out, listener);
	while ((queue.length < length || queue.drops < drops) && clock_ms() < until_ms &&
	       sys_poll(NULL, 0, 1) >= 0);
	return queue;
}

static void do_count(struct call *call)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	call->result = sys_getsockopt(call->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	if (call->result == 0)
		call->result = info.tcpi_unacked;
}

struct call call_queue_length(int listener)
{
	return (struct call){ .run = do_count, .name = "TCP_INFO", .fd = listener };
}
