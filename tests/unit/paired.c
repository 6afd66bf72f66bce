/* SPDX-License-Identifier: MIT */
/* Far ends of pairs, and streams between them. */
#include "unit/paired.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "unit/own_service.h"
#include "worker/pair/pair.h"

enum { SNDBUF = 64 * 1024, IDLE_MOST = 10 * 1000, IDLE_MS = 1 };

static int next_peer = -1; /* what the next connection attaches; set by paired_connect */

enum verdict paired_attach(struct conn *c)
{
	assert_non_null(pair_attach(c, next_peer, false));
	return MORE;
}

static const struct service relay = { .name = "relay", .has_pairs = true, .open = paired_attach };

void paired_enlist(void)
{
	own_service(&relay);
}

static void set_sndbuf(int fd)
{
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ SNDBUF }, sizeof(int)), 0);
}

void paired_tcp(int ends[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(at);

	assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	set_sndbuf(ends[1]);
	assert_int_equal(connect(ends[1], (struct sockaddr *)&at, len), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	ends[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(ends[0] >= 0);
	set_sndbuf(ends[0]);
	close(listener);
}

void paired_reset(int fd)
{
	static const struct linger none = { .l_onoff = 1 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)), 0);
	close(fd);
}

struct paired paired_connect(struct served *s)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
			 0);
	set_sndbuf(ends[0]);
	next_peer = served_own(s, ends[0]);
	return (struct paired){ .client = served_connect(s), .upstream = ends[1] };
}

struct paired paired_connect_tcp(struct served *s)
{
	int client[2], upstream[2];

	paired_tcp(client);
	paired_tcp(upstream);
	next_peer = served_own(s, upstream[0]);
	served_accept(s, client[0]);
	return (struct paired){ .client = client[1], .upstream = upstream[1] };
}

void paired_close(const struct paired *p)
{
	close(p->client);
	close(p->upstream);
}

struct paired_way paired_way(const struct served *s, const struct paired *p, unsigned number)
{
	if (number == 0)
		return (struct paired_way){ p->client, p->upstream,
					    arena_record(s->pool.arena, 1) };
	return (struct paired_way){ p->upstream, p->client, arena_record(s->pool.arena, 0) };
}

/* Receives once the kernel has something; returns as recv does. */
static ssize_t await_bytes(struct served *s, int fd, char *to, size_t size)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };

	for (unsigned n = 0; n < IDLE_MOST; n++) {
		served_settle(s);
		if (poll(&end, 1, IDLE_MS) == 1)
			return recv(fd, to, size, 0);
	}
	fail_msg("nothing came");
	return -1;
}

void paired_expect(struct served *s, int fd, const char *text)
{
	char got[64];
	size_t size = strlen(text), in = 0;

	assert_true(size <= sizeof(got));
	while (in < size) {
		ssize_t n = await_bytes(s, fd, got + in, size - in);

		assert_true(n > 0);
		in += (size_t)n;
	}
	assert_memory_equal(got, text, size);
}

void paired_expect_end(struct served *s, int fd, int error)
{
	char byte;
	ssize_t n = await_bytes(s, fd, &byte, 1);

	assert_int_equal(n, error == 0 ? 0 : -1);
	if (error != 0)
		assert_int_equal(errno, error);
}

void stream_open(struct stream *t, int from, int to, size_t size, size_t step)
{
	*t = (struct stream){ .from = from,
			      .to = to,
			      .size = size,
			      .step = step,
			      .sent = malloc(size),
			      .got = malloc(size) };
	for (uint32_t i = 0; i < size / sizeof(*t->sent); i++)
		t->sent[i] = (i + (uint32_t)from) * 2654435761U;
}

/* TCP over loopback moves bytes by its timers at times. */
static void await_kernel(const struct stream *t)
{
	struct pollfd to = { .fd = t->to, .events = POLLIN };

	if (t->idle > IDLE_MOST)
		fail_msg("%zu of %zu bytes were sent, and %zu came", t->out, t->size, t->in);
	(void)poll(&to, 1, IDLE_MS);
}

void stream_move(struct stream *t)
{
	size_t left = t->size - t->out, room = t->size - t->in;
	ssize_t n = left > 0 ? send(t->from, (char *)t->sent + t->out, left, MSG_NOSIGNAL) : 0;

	if (n > 0) {
		t->out += (size_t)n;
	} else {
		n = recv(t->to, (char *)t->got + t->in, room < t->step ? room : t->step, 0);
		t->in += n > 0 ? (size_t)n : 0;
	}
	t->idle = n > 0 ? 0 : t->idle + 1;
	if (t->idle > 1)
		await_kernel(t);
}

bool stream_is_over(const struct stream *t)
{
	return t->in == t->size;
}

void stream_close(struct stream *t)
{
	assert_int_equal(t->in, t->size);
	assert_memory_equal(t->sent, t->got, t->size);
	free(t->sent);
	free(t->got);
}
