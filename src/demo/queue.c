/* SPDX-License-Identifier: MIT */
/* Asks for the length and the drops of an accept queue. Changes nothing. */
#include "demo/queue.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/clock.h"
#include "base/sys.h"
#include "demo/kernel.h"

struct queue queue_look(struct stage *stage, int listener)
{
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (sys_getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		stage_give_up(stage, "getsockopt(TCP_INFO)");
	size = sizeof(memory);
	if (sys_getsockopt(listener, SOL_SOCKET, SO_MEMINFO, memory, &size) < 0)
		stage_give_up(stage, "getsockopt(SO_MEMINFO)");
	/* of a socket that listens, these two fields are the queue's */
	return (struct queue){ .length = info.tcpi_unacked,
			       .limit = info.tcpi_sacked,
			       .drops = memory[SK_MEMINFO_DROPS] };
}

struct queue queue_await(struct stage *stage, int listener, unsigned length, uint32_t drops)
{
	int64_t until_ms = clock_ms() + EVIDENCE_WAIT_MS;
	struct queue queue;

	do
		queue = queue_look(stage, listener);
	while ((queue.length < length || queue.drops < drops) && clock_ms() < until_ms &&
	       sys_poll(NULL, 0, 1) >= 0);
	return queue;
}

static void do_count(struct order *order)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	order->result = sys_getsockopt(order->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	if (order->result == 0)
		order->result = info.tcpi_unacked;
}

struct order queue_count(int listener)
{
	return (struct order){ .act = do_count, .call = "TCP_INFO", .fd = listener };
}
