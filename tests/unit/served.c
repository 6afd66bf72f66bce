/* SPDX-License-Identifier: MIT */
/* The stand-in for a worker, shared by unit tests and the framing's fuzz target. */
#include "unit/served.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "accesslog/accesslog.h"
#include "base/clock.h"
#include "base/sys.h"
#include "base/timer.h"

enum { SERVED_SNDBUF = 208 * 1024 }; /* the kernel doubles it: more room than a share */
enum { ROUNDING_MS = 1 };            /* times before boot are rounded the other way */
enum { TURNS_MOST = 100 * 1000 };    /* of one settling: far more than the bytes of a test need */

const struct served_limits *served_limits;

static void must(bool held, const char *what)
{
	if (!held) {
		fprintf(stderr, "served: %s\n", what);
		abort();
	}
}

static void to_connection(void *owner, uint64_t tag, uint32_t events)
{
	struct served *s = owner;

	dispatch_ready(&s->pool, tag, events);
}

static void set_options(struct served *s, va_list pairs)
{
	const char *name;
	struct err err;

	while ((name = va_arg(pairs, const char *))) {
		const char *value = va_arg(pairs, const char *);
		const struct option *option = option_find(SECTION_listen, name);

		must(option != NULL, name);
		must(option_read(option, &s->listen_conf, &value, 1, &err), value);
	}
}

/* epfd: the epoll of the last worker; -1: none. */
static void begin(struct served *s, struct arena *arena, int epfd)
{
	must(epfd < 0 ? loop_open(&s->loop) : loop_adopt(&s->loop, epfd), "loop");
	s->loop.tagged = to_connection;
	s->loop.owner = s;
	s->pool = (struct pool){
		.loop = &s->loop, .arena = arena, .slot = &s->slot, .listeners = &s->set
	};
	if (served_limits) {
		s->pool.limiter.memory = served_limits->memory;
		s->pool.limiter.board = served_limits->board;
		s->pool.limiter.number = served_limits->slot;
	}
	must(pool_start(&s->pool), "pool");
	must(timer_heap_new(&s->alarms, 1), "alarms");
	accesslog_watch(&s->alarms);
	s->room = (struct make_room){ .is_on = s->conf.make_room };
}

/* Makes the wire as the master does, without a door. */
static void open_wire(struct wire *wire)
{
	int pair[2];

	wire->fds[WIRE_BELL] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	must(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0, "wire");
	wire->fds[WIRE_KICKED] = pair[0];
	wire->fds[WIRE_KICK] = pair[1];
	wire->fds[WIRE_DOOR] = wire->fds[WIRE_DOORBELL] = -1;
}

void served_start(struct served *s, const char *service, ...)
{
	va_list pairs;
	struct arena *arena;
	struct err err;

	memset(s, 0, sizeof(*s));
	signal(SIGPIPE, SIG_IGN); /* as a worker does (config/signals.h) */
	must(option_defaults(SECTION_listen, &s->listen_conf, &err), err.text);
	free(s->listen_conf.service);
	s->listen_conf.service = strdup(service);
	s->listen_conf.address = (char *)"test";
	va_start(pairs, service);
	set_options(s, pairs);
	va_end(pairs);
	s->conf.worker_connections = SERVED_PLACES;
	s->conf.make_room = true;
	s->conf.listeners = &s->listen_conf;
	s->conf.listener_count = 1;
	s->listener.conf = &s->listen_conf;
	s->set = (struct listener_set){ &s->listener, 1 };
	arena = arena_new(&s->conf, NULL);
	must(arena != NULL, "arena");
	loop_read_clock(&s->loop);
	atomic_store(&s->slot.generation, SERVED_GENERATION);
	accesslog_start(arena_log(arena), &s->slot.tally, &s->loop);
	open_wire(&s->wire);
	begin(s, arena, -1);
	limiter_publish(&s->pool.limiter);
}

void served_stop(struct served *s)
{
	dispatch_end_all(&s->pool, CLOSE_stopped);
	pool_stop(&s->pool);
	timer_heap_free(&s->alarms);
	loop_close(&s->loop);
	arena_free(s->pool.arena);
	for (unsigned i = 0; i < WIRE_FDS; i++)
		close(s->wire.fds[i]);
	option_free(SECTION_listen, &s->listen_conf);
}

static ino_t ino_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

int served_own(struct served *s, int fd)
{
	if (s->fd_count < SERVED_FDS)
		s->fds[s->fd_count++] = (struct served_fd){ fd, ino_of(fd) };
	return fd;
}

void served_accept_from(struct served *s, int fd, const struct addr *remote)
{
	served_own(s, fd);
	s->opened++;
	dispatch_accept(&s->pool, 0, fd, remote);
}

void served_accept(struct served *s, int fd)
{
	struct addr remote = { .len = sizeof(sa_family_t), .sa.sa_family = AF_UNIX };

	served_accept_from(s, fd, &remote);
}

int served_connect(struct served *s)
{
	int ends[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0,
	     "socketpair");
	must(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &(int){ SERVED_SNDBUF }, sizeof(int)) == 0,
	     "SO_SNDBUF");
	served_accept(s, ends[0]);
	return ends[1];
}

static bool is_kept(const struct recovery *r, int fd)
{
	for (unsigned i = 0; i < r->fd_count; i++)
		if (r->fds[i] == fd)
			return true;
	return false;
}

static void close_lost(struct served *s, const struct recovery *r)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < s->fd_count; i++) {
		const struct served_fd *own = &s->fds[i];

		if (is_kept(r, own->fd))
			s->fds[kept++] = *own;
		else if (ino_of(own->fd) == own->ino)
			close(own->fd);
	}
	s->fd_count = kept;
}

/* The epoll of the last worker, unless it is lost. */
static int inherit_epoll(struct served *s, struct recovery *recovery)
{
	int epfd = s->loop.epfd;

	if (!s->loses_epoll)
		s->loop.epfd = -1; /* it outlives the worker */
	loop_close(&s->loop);
	recovery->lost_epoll = s->loses_epoll;
	s->loses_epoll = false;
	return recovery->lost_epoll ? -1 : epfd;
}

void served_recover(struct served *s, struct recovery *recovery)
{
	struct arena *arena = s->pool.arena;
	const struct heritage heritage = { .conf = &s->conf,
					   .listeners = &s->set,
					   .peers = &s->slot,
					   .wires = &s->wire,
					   .peer_count = 1,
					   .arena = arena,
					   .epfd = s->loop.epfd,
					   .is_kept = true,
					   .resumes = true };

	/* as the master does: those opened or moved in, and neither ended nor moved out */
	atomic_store(&s->slot.live,
		     (uint32_t)(s->opened + served_metric(s, METRIC_connections_moved_in_total) -
				served_metric(s, METRIC_connections_moved_out_total) -
				served_metric(s, METRIC_connections_ended_total)));
	s->ended += s->pool.freed;
	s->pool.limit.total = 0; /* pool_stop would refuse it */
	pool_stop(&s->pool);
	timer_heap_free(&s->alarms);
	accesslog_start(arena_log(arena), &s->slot.tally, &s->loop);
	must(recovery_survey(recovery, &heritage), "recovery_survey");
	close_lost(s, recovery);
	begin(s, arena, inherit_epoll(s, recovery));
	must(recovery_adopt(recovery, &s->pool), "recovery_adopt");
	limiter_publish(&s->pool.limiter);
	recovery_end(recovery);
}

void served_alarm(struct served *s, int64_t ms)
{
	s->loop.now_ms += ms;
	s->loop.now_us += ms * 1000;
	alarms_expire(&s->alarms, s->loop.now_ms);
}

static bool has_events(const struct served *s)
{
	struct pollfd p = { .fd = s->loop.epfd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

void served_settle(struct served *s)
{
	for (unsigned turn = 0; has_events(s) || pool_has_waiting(&s->pool); turn++) {
		must(turn < TURNS_MOST, "no end of events");
		must(loop_turn(&s->loop, 0), "loop_turn");
		dispatch_end_turn(&s->pool);
	}
}

static void age(struct served *s, struct record *c, int64_t ms)
{
	c->opened_us -= ms * 1000;
	c->active_ms -= ms;
	if (c->begun_us != 0)
		c->begun_us -= ms * 1000;
	if (c->due_ms != 0)
		c->due_ms -= ms;
	s->pool.nodes[c->index].due_ms -=
		ms; /* the same shift for all, so the heap keeps its order */
}

void served_pass(struct served *s, double hours)
{
	served_settle(s);
	for (uint32_t i = 0; i < s->pool.arena->head->record_high; i++)
		age(s, arena_record(s->pool.arena, i),
		    (int64_t)(hours * 3600 * 1000) + ROUNDING_MS);
	must(loop_turn(&s->loop, 0), "loop_turn");
	dispatch_end_turn(&s->pool);
}

void served_send(struct served *s, int client, const void *bytes, size_t size)
{
	const char *from = bytes;

	while (size > 0) {
		ssize_t n = send(client, from, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return; /* the server has closed it */
		if (n > 0) {
			from += n;
			size -= (size_t)n;
		}
		served_settle(s);
	}
}

size_t served_read(struct served *s, int client, char *text, size_t size, bool *ended)
{
	size_t used = 0;

	*ended = false;
	for (;;) {
		ssize_t n;

		served_settle(s);
		n = recv(client, text + used, size - 1 - used, 0);
		if (n <= 0) {
			*ended = n == 0 && used < size - 1;
			break;
		}
		used += (size_t)n;
	}
	text[used] = '\0';
	return used;
}

void served_expect(struct served *s, int client, const char *text, bool ended)
{
	char got[4096];
	bool has_ended;
	size_t n = served_read(s, client, got, sizeof(got), &has_ended);

	if (n != strlen(text) || memcmp(got, text, n) != 0 || ended != has_ended) {
		fprintf(stderr, "served: got \"%s\"%s instead of \"%s\"%s\n", got,
			has_ended ? " and the end" : "", text, ended ? " and the end" : "");
		abort();
	}
}

struct record *served_only(struct served *s)
{
	struct record *c = arena_record(s->pool.arena, 0);

	return record_is_used(c) ? c : NULL;
}

struct conn *served_view(struct served *s)
{
	pool_view(&s->pool, served_only(s), &s->view);
	return &s->view;
}

uint64_t served_metric(const struct served *s, enum metric metric)
{
	return metric_sum(&s->slot.tally, metric);
}
