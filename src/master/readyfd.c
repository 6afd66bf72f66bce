/* SPDX-License-Identifier: MIT */
/* Writes the addresses as far as they are taken. */
#include "master/readyfd.h"

#include <stdlib.h>

#include "base/sys.h"

/* One address less than there are would be taken for all of them, so it is all or a clear end. */
static bool write_lines(struct readyfd *ready, const struct listener_set *listeners)
{
	char address[ADDR_TEXT];
	size_t room = listeners->count * (sizeof(address) + 1);

	ready->start = ready->end = 0;
	ready->text = malloc(room + 1);
	for (unsigned i = 0; ready->text && i < listeners->count; i++)
		ready->end += (size_t)snprintf(ready->text + ready->end, room + 1 - ready->end,
					       "%s\n",
					       addr_write(&listeners->list[i].bound, address));
	return ready->text != NULL;
}

/* False when there is no room now. */
static bool write_on(struct readyfd *ready)
{
	while (ready->start < ready->end) {
		ssize_t n = writer_write(&ready->outlet, ready->text + ready->start,
					 ready->end - ready->start);

		if (n < 0 && errno != EINTR)
			return errno != EAGAIN;
		ready->start += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static void go_on(void *owner, uint32_t events)
{
	struct readyfd *ready = owner;

	/* an error of its own comes out in the write, too */
	(void)events;
	if (write_on(ready))
		readyfd_close(ready);
}

void readyfd_tell(struct readyfd *ready, struct loop *loop, const struct listener_set *listeners)
{
	if (ready->fd < 0)
		return;
	ready->outlet = writer_open(ready->fd);
	ready->watch = (struct watch){ ready->outlet.fd, go_on, ready };
	if (!write_lines(ready, listeners) || write_on(ready) ||
	    !loop_watch(loop, &ready->watch, EPOLLOUT))
		readyfd_close(ready);
	else
		ready->loop = loop;
}

void readyfd_close(struct readyfd *ready)
{
	if (ready->fd < 0)
		return;
	if (ready->loop)
		loop_unwatch(ready->loop, &ready->watch);
	writer_close(&ready->outlet);
	sys_close(ready->fd);
	free(ready->text);
	*ready = (struct readyfd){ .fd = -1 };
}
