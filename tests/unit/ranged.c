/* SPDX-License-Identifier: MIT */
/* The stand-in for a service that sends files. */
#include "unit/ranged.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/aftermath.h"
#include "unit/own_service.h"

enum { FDS_MOST = 256 };

static const char header[] = RANGED_HEADER;

struct ranged ranged;
char *ranged_content;

static enum verdict answer(struct conn *c)
{
	if (conn_in_ended(c))
		return FINISH;
	if (buf_used(&c->in) == 0)
		return MORE;
	buf_drop(&c->in, 1);
	buf_put(&c->out, header, sizeof(header) - 1);
	conn_send_file(c, served_own(ranged.s, fcntl(ranged.file, F_DUPFD_CLOEXEC, 0)),
		       RANGED_OFFSET, ranged.length);
	return ranged.verdict;
}

static const struct service ranger = { .name = "ranger", .input = answer };

int ranged_make_file(void **state)
{
	(void)state;
	ranged_content = malloc(RANGED_OFFSET + RANGED_LARGE);
	for (size_t i = 0; i < RANGED_OFFSET + RANGED_LARGE; i++)
		ranged_content[i] = (char)(i * 2654435761U >> 24);
	return 0;
}

int ranged_free_file(void **state)
{
	(void)state;
	free(ranged_content);
	return 0;
}

unsigned ranged_fds(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < FDS_MOST; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

void ranged_start(struct served *s, size_t length, enum verdict verdict)
{
	ranged.s = s;
	ranged.length = length;
	ranged.verdict = verdict;
	ranged.file = memfd_create("range", MFD_CLOEXEC);
	assert_int_equal(write(ranged.file, ranged_content, RANGED_OFFSET + length),
			 RANGED_OFFSET + length);
	own_service(&ranger);
	served_start(s, "ranger", "linger_timeout", "0", NULL);
}

void ranged_stop(struct served *s)
{
	served_stop(s);
	close(ranged.file);
}

struct ranged_download ranged_ask(struct served *s, int client)
{
	size_t size = sizeof(header) - 1 + ranged.length;

	assert_int_equal(send(client, "x", 1, MSG_NOSIGNAL), 1);
	served_settle(s);
	return (struct ranged_download){
		.s = s, .client = client, .got = malloc(size), .size = size
	};
}

void ranged_receive(struct ranged_download *d)
{
	size_t room = d->size - d->in;
	ssize_t n = recv(d->client, d->got + d->in, room < RANGED_SLOW ? room : RANGED_SLOW, 0);

	d->in += n > 0 ? (size_t)n : 0;
	d->idle = n > 0 ? 0 : d->idle + 1;
	assert_true(d->idle < 2);
	served_settle(d->s);
}

void ranged_finish(struct ranged_download *d)
{
	size_t head = sizeof(header) - 1;

	while (d->in < d->size)
		ranged_receive(d);
	assert_memory_equal(d->got, header, head);
	assert_memory_equal(d->got + head, ranged_content + RANGED_OFFSET, d->size - head);
	free(d->got);
}

void ranged_assert_ended(struct served *s, enum close_reason reason)
{
	assert_nothing_left(s, 0);
	assert_int_equal(s->slot.tally.connections_ended_total[reason], 1);
}
