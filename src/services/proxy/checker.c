/* SPDX-License-Identifier: MIT */
/*
 * Checks servers actively, in one process for all workers. When each is due stands in the
 * scoreboard, so that of two such processes, of two generations, one makes each check. A check
 * ends its connection as a client that has what it wanted: with its stream's end, and not before
 * the server's, so that the server sees no reset.
 *
 *   IDLE --due--> CONNECTING --connected--> ASKING --sent, answered--> ENDING --its end--> IDLE
 *   CONNECTING, ASKING --failed, too late--> IDLE
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/sys.h"
#include "services/proxy/beside.h"
#include "services/proxy/health.h"
#include "services/proxy/send_header.h"
#include "worker/pair/pair_connect.h"

enum check_state { CHECK_IDLE, CHECK_CONNECTING, CHECK_ASKING, CHECK_ENDING };

enum {
	ANSWER_MOST = 1024,     /* bytes of an answer that are compared */
	DRAIN_MOST = 64 * 1024, /* bytes that are read and dropped while a check ends */
	ENDING_MS = 1000,       /* that the server has to end its side, ... */
	ENDING_PART = 2,        /* ... or that part of the interval, if it is less */
	AGAIN_PART = 4,         /* of the interval, after a failure */
	WAIT_MOST_MS = 1000,
};

struct check {
	enum check_state state;
	const struct upstream *upstream;
	const struct server *server;
	struct watch watch;
	int64_t due_ms; /* the end of the state */
	bool is_unmade; /* the last one could not be made, which is said once */
	size_t sent, got, drained;
	size_t head_size; /* of the PROXY header in `head` */
	char head[PROXY_BUILD_MOST], answer[ANSWER_MOST];
};

struct checker {
	const struct helper_heritage *heritage;
	struct loop loop;
	struct check *list;
	unsigned count;
	int64_t beat_ms;
};

static struct checker checker; /* written by this process only */

static void close_check(struct check *check)
{
	loop_unwatch(&checker.loop, &check->watch);
	(void)sys_close(check->watch.fd);
	check->state = CHECK_IDLE;
}

static void note_result(struct check *check, enum close_reason why)
{
	const struct upstream *u = check->upstream;
	int64_t now_ms = clock_ms(), interval_ms = u->conf->check_interval;

	check->is_unmade = false;
	if (health_note_check(u, check->server, why, now_ms))
		atomic_store(&upstream_shared(u, check->server)->check_due_ms,
			     now_ms + interval_ms / AGAIN_PART);
}

/* Where this process or host lacks something, that says nothing about the server. */
static void note_unmade(struct check *check, int error)
{
	if (!check->is_unmade)
		LOG(EVENT_upstream_unchecked, LOG_STR("upstream", check->upstream->conf->title),
		    LOG_STR("server", check->server->conf.address),
		    LOG_STR("message", strerror(error)));
	check->is_unmade = true;
}

static void fail_check(struct check *check, enum close_reason why)
{
	close_check(check);
	note_result(check, why);
}

static void pass_check(struct check *check)
{
	int64_t most_ms = check->upstream->conf->check_interval / ENDING_PART;

	note_result(check, CLOSE_none);
	if (sys_shutdown(check->watch.fd, SHUT_WR) < 0) {
		close_check(check);
		return;
	}
	check->state = CHECK_ENDING;
	check->due_ms = clock_ms() + (most_ms < ENDING_MS ? most_ms : ENDING_MS);
	check->drained = 0;
}

static void watch_for(struct check *check, uint32_t events)
{
	loop_unwatch(&checker.loop, &check->watch);
	if (loop_watch(&checker.loop, &check->watch, events))
		return;
	note_unmade(check, errno);
	close_check(check);
}

static void end_connect(struct check *check)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (sys_getsockopt(check->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error != 0) {
		fail_check(check, close_reason_of_server(error));
		return;
	}
	check->state = CHECK_ASKING;
	check->sent = check->got = 0;
	check->head_size = send_header_of_check(check->upstream, check->head);
}

/* The server has all that a check sends. */
static void end_question(struct check *check)
{
	if (check->upstream->conf->check == CHECK_CONNECT)
		pass_check(check);
	if (check->state != CHECK_IDLE)
		watch_for(check, EPOLLIN);
}

/* What is to be sent next: the rest of the header, then that of the question. */
static const char *find_unsent(const struct check *check, size_t *size)
{
	const char *question = check->upstream->conf->check_send;
	size_t asked = check->sent - check->head_size;

	*size = check->head_size - check->sent;
	if (check->sent < check->head_size)
		return check->head + check->sent;
	*size = strlen(question) - asked;
	return question + asked;
}

static void ask(struct check *check)
{
	size_t left;
	const char *unsent = find_unsent(check, &left);
	ssize_t sent = 0;

	if (left > 0)
		sent = sys_send(check->watch.fd, unsent, left, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		fail_check(check, close_reason_of_server(errno));
		return;
	}
	check->sent += sent > 0 ? (size_t)sent : 0;
	(void)find_unsent(check, &left);
	if (left == 0)
		end_question(check);
}

/* Another answer, or an end before it, fails the check. */
static void read_answer(struct check *check)
{
	const char *wanted = check->upstream->conf->check_expect;
	size_t length = strlen(wanted);
	ssize_t got = sys_recv(check->watch.fd, check->answer + check->got,
			       sizeof(check->answer) - check->got, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		fail_check(check, got < 0 ? close_reason_of_server(errno) : CLOSE_upstream_reset);
		return;
	}
	check->got += (size_t)got;
	if (memcmp(check->answer, wanted, check->got < length ? check->got : length) != 0)
		fail_check(check, CLOSE_upstream_unexpected);
	else if (check->got >= length)
		pass_check(check);
}

static void drain(struct check *check)
{
	ssize_t got = sys_recv(check->watch.fd, check->answer, sizeof(check->answer), MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0)
		check->drained += (size_t)got;
	if (got <= 0 || check->drained >= DRAIN_MOST)
		close_check(check);
}

static void handle_ready(void *owner, uint32_t events)
{
	struct check *check = owner;

	if (check->state == CHECK_CONNECTING)
		end_connect(check);
	if (check->state == CHECK_ASKING && (events & EPOLLOUT))
		ask(check);
	else if (check->state == CHECK_ASKING)
		read_answer(check);
	else if (check->state == CHECK_ENDING && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		drain(check);
}

/* Returns 0, or the errno of what has failed. */
static int begin_connect(struct check *check, const struct addr *to)
{
	const struct upstream *u = check->upstream;
	int fd = check->watch.fd;

	if (!pair_bind_source(fd, &u->source, to))
		return errno;
	if (sys_connect(fd, &to->sa, to->len) < 0 && errno != EINPROGRESS)
		return errno;
	return loop_watch(&checker.loop, &check->watch, EPOLLOUT) ? 0 : errno;
}

/* EINVAL: from bind_source no way leads there. */
static bool is_own_failure(const struct upstream *u, int error)
{
	return health_is_own_failure(error) || error == EADDRNOTAVAIL ||
	       (error == EINVAL && u->source.len > 0);
}

/* There is nothing to check before its name has an address; then the check comes soon. */
static void put_off(const struct check *check)
{
	int64_t wait_ms = check->upstream->conf->check_interval / AGAIN_PART;

	atomic_store(&upstream_shared(check->upstream, check->server)->check_due_ms,
		     clock_ms() + (wait_ms < WAIT_MOST_MS ? wait_ms : WAIT_MOST_MS));
}

static void begin_check(struct check *check)
{
	const struct upstream *u = check->upstream;
	struct addr to;
	int fd, error;

	if (upstream_address(u, check->server, upstream_turn(u, check->server), &to) == 0) {
		put_off(check);
		return;
	}
	fd = sys_socket(to.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		note_unmade(check, errno);
		return;
	}
	check->watch = (struct watch){ .fd = fd, .ready = handle_ready, .owner = check };
	check->state = CHECK_CONNECTING;
	check->due_ms = clock_ms() + u->conf->check_timeout;
	error = begin_connect(check, &to);
	if (error == 0)
		return;
	close_check(check);
	if (is_own_failure(u, error))
		note_unmade(check, error);
	else
		note_result(check, close_reason_of_server(error));
}

/* True when the check is due and no other process makes it. */
static bool claim_check(const struct check *check, int64_t now_ms)
{
	_Atomic int64_t *due = &upstream_shared(check->upstream, check->server)->check_due_ms;
	int64_t due_ms = atomic_load(due), next_ms = now_ms + check->upstream->conf->check_interval;

	return (due_ms <= now_ms || due_ms > next_ms) &&
	       atomic_compare_exchange_strong(due, &due_ms, next_ms);
}

static void end_late(struct check *check)
{
	if (check->state == CHECK_ENDING)
		close_check(check);
	else
		fail_check(check, CLOSE_upstream_timeout);
}

/* Returns when this check needs a turn at the latest. */
static int64_t step_check(struct check *check, int64_t now_ms)
{
	if (check->state != CHECK_IDLE && check->due_ms <= now_ms)
		end_late(check);
	if (check->state == CHECK_IDLE && claim_check(check, now_ms))
		begin_check(check);
	if (check->state != CHECK_IDLE)
		return check->due_ms;
	return atomic_load(&upstream_shared(check->upstream, check->server)->check_due_ms);
}

static int step_all(int64_t now_ms)
{
	int64_t next_ms = now_ms + WAIT_MOST_MS;

	for (unsigned i = 0; i < checker.count; i++) {
		int64_t due_ms = step_check(&checker.list[i], now_ms);

		next_ms = due_ms < next_ms ? due_ms : next_ms;
	}
	if (checker.beat_ms < next_ms)
		next_ms = checker.beat_ms;
	return next_ms <= now_ms ? 0 : (int)(next_ms - now_ms);
}

/* Without the servers that are down: a check of theirs would be due for ever. */
static void list_checks(const struct upstream *u)
{
	if (u->conf->check == CHECK_OFF)
		return;
	for (unsigned i = 0; i < u->count; i++)
		if (!u->list[i].conf.is_down)
			checker.list[checker.count++] =
				(struct check){ .upstream = u, .server = &u->list[i] };
}

static bool start_checker(const struct helper_heritage *heritage, struct err *err)
{
	unsigned count;
	struct upstream **list = beside_start(heritage, &count, err);

	if (!list)
		return false;
	checker.heritage = heritage;
	checker.list = calloc(CONF_SERVERS_MOST, sizeof(*checker.list));
	if (!checker.list || !loop_open(&checker.loop))
		return err_errno(err, CODE_OSERR, "cannot begin to check servers");
	for (unsigned i = 0; i < count; i++)
		list_checks(list[i]);
	return helper_report_ready(heritage) ||
	       err_errno(err, CODE_OSERR, "cannot report to the master");
}

static int run_checker(const struct helper_heritage *heritage)
{
	struct err err;

	if (!start_checker(heritage, &err)) {
		LOG(EVENT_helper_failed, LOG_STR("message", err.text));
		return CODE_OSERR;
	}
	for (;;) {
		checker.beat_ms = helper_beat(heritage, checker.beat_ms, clock_ms());
		if (!loop_turn(&checker.loop, step_all(clock_ms())))
			return CODE_OSERR;
		beside_settle();
		log_settle(clock_ms());
	}
}

static bool is_checker_needed(const struct conf *conf)
{
	for (size_t i = 0; i < conf->upstream_count; i++)
		if (conf->upstreams[i].check != CHECK_OFF &&
		    conf_upstream_has_listener(conf, &conf->upstreams[i]))
			return true;
	return false;
}

static unsigned count_files(const struct listen_conf *listen)
{
	(void)listen;
	return CONF_SERVERS_MOST;
}

const struct helper_job checker_job = {
	.name = "checker",
	.is_shared = true,
	.is_needed = is_checker_needed,
	.run = run_checker,
	.files = count_files,
	.part = scoreboard_part_servers,
};
