/* SPDX-License-Identifier: MIT */
/* Reads one accept queue. Must not judge its length or log: master/sampling/queues.c does. */
#include "net/accept_queue.h"

#include "base/sys.h"

bool accept_queue_follow(struct accept_queue *queue, int fd, bool is_unix, bool is_new)
{
	struct stat st;

	if (sys_fstat(fd, &st) < 0)
		return false;
	*queue = (struct accept_queue){
		.inode = st.st_ino, .fd = fd, .is_unix = is_unix, .knows_drops = is_new
	};
	return true;
}

/*
 * Returns the drops since the last reading; the kernel's counter has 32 bits and may wrap around.
 */
static uint32_t count_new_drops(struct accept_queue *queue)
{
	uint32_t drops, more;

	if (!sockdiag_drops(queue->fd, &drops))
		return 0;
	more = queue->knows_drops ? drops - queue->drops : 0;
	queue->knows_drops = true;
	queue->drops = drops;
	return more;
}

static enum accept_queue_answer read_tcp(struct accept_queue *queue,
					 struct accept_queue_reading *reading)
{
	struct sockdiag_queue found;

	if (!sockdiag_tcp_queue(queue->fd, &found))
		return ACCEPT_QUEUE_FAILED;
	*reading = (struct accept_queue_reading){ .length = found.length,
						  .limit = found.limit,
						  .dropped = count_new_drops(queue) };
	return ACCEPT_QUEUE_READ;
}

/* The kernel drops no connection here: the client waits, or gets EAGAIN. */
static enum accept_queue_answer read_unix(struct accept_queue *queue, struct sockdiag *diag,
					  struct accept_queue_reading *reading)
{
	struct sockdiag_queue found = { 0 };

	if (queue->is_mute || diag->fd < 0)
		return ACCEPT_QUEUE_MUTE;
	switch (sockdiag_unix(diag, queue->inode, &found)) {
	case SOCKDIAG_FOUND:
		*reading = (struct accept_queue_reading){ .length = found.length,
							  .limit = found.limit };
		return ACCEPT_QUEUE_READ;
	case SOCKDIAG_REFUSED:
		queue->is_mute = true;
		return ACCEPT_QUEUE_REFUSED;
	default:
		return ACCEPT_QUEUE_FAILED;
	}
}

enum accept_queue_answer accept_queue_read(struct accept_queue *queue, struct sockdiag *diag,
					   struct accept_queue_reading *reading)
{
	return queue->is_unix ? read_unix(queue, diag, reading) : read_tcp(queue, reading);
}
