/* SPDX-License-Identifier: MIT */
/* Reads in a loop. It must not wait, nor read more than a piece at a time. */
#include "base/output_watch.h"

#include "base/sys.h"

enum { DRAIN_TIMES = 8 }; /* more than a pipe holds */

static void handle_output(void *owner, uint32_t events)
{
	struct output_watch *output = owner;

	(void)events;
	if (!output_lines_read(&output->lines, output->loop->now_ms))
		output_watch_close(output);
	else if (output->lines.is_spent)
		loop_unwatch(output->loop, &output->watch);
	if (output->heard)
		output->heard(output->lines.owner);
}

/* The text is left as it is: it counts for nothing, and a page of it may never be needed. */
void output_watch_init(struct output_watch *output,
		       void (*line)(void *owner, const char *text, bool is_cut),
		       void (*heard)(void *owner), void *owner)
{
	struct output_lines *lines = &output->lines;

	output->watch = (struct watch){ .fd = -1, .ready = handle_output, .owner = output };
	output->heard = heard;
	lines->fd = -1;
	lines->line = line;
	lines->owner = owner;
	lines->lost = 0;
	lines->second_ms = 0;
	lines->in_second = lines->bytes_in_second = 0;
	lines->is_dropping = lines->is_spent = false;
	lines->used = 0;
}

void output_watch_hold(struct output_watch *output, struct loop *loop, int fd)
{
	output->loop = loop;
	output->watch.fd = output->lines.fd = fd;
	output->lines.is_spent = true;
}

bool output_watch_open(struct output_watch *output, struct loop *loop, int fd)
{
	output_watch_hold(output, loop, fd);
	output->lines.is_spent = false;
	return loop_watch(loop, &output->watch, EPOLLIN);
}

void output_watch_close(struct output_watch *output)
{
	if (output->watch.fd < 0)
		return;
	loop_unwatch(output->loop, &output->watch);
	sys_close(output->watch.fd);
	output->watch.fd = output->lines.fd = -1;
	output->lines.is_spent = false;
}

void output_watch_resume(struct output_watch *output, int64_t now_ms)
{
	/* the system may refuse it: then the next second */
	if (output_lines_resume(&output->lines, now_ms))
		output->lines.is_spent = !loop_watch(output->loop, &output->watch, EPOLLIN);
}

void output_watch_drain(struct output_watch *output, int64_t now_ms)
{
	for (unsigned n = 0; n < DRAIN_TIMES && output->watch.fd >= 0; n++)
		if (!output_lines_read(&output->lines, now_ms))
			break;
	output_lines_end(&output->lines, now_ms);
}
