/* SPDX-License-Identifier: MIT */
/*
 * The helper of an exec listener: becomes the program's user for good, then starts programs as
 * workers ask it to, no more at once than max_processes: while that many run, further requests stay
 * in the links, and their clients wait. A request that it does not understand costs its sender's
 * client alone.
 *
 *   SERVING --LEAVE, STOP: the workers are gone--> LEAVING --no program left--> (exit)
 *   SERVING --LEAVE: the master is dead--> ORPHAN --the workers are gone--> (as LEAVING)
 *   ORPHAN --shutdown_timeout--> LEAVING
 *   any --STOP: a stop, END: at once--> LEAVING
 *
 * These are the master's commands (SIGNAL_HELPER_LEAVE and so on). It drops SIGTERM and SIGINT.
 *
 * In a stop, and without a master, the connections have had their shutdown_timeout when the helper
 * leaves: KILL follows soon after TERM.
 */
#include "services/exec/exec_helper.h"

#include <stdlib.h>
#include <string.h>

#include "base/brief.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rights.h"
#include "base/sys.h"
#include "config/command.h"
#include "config/privs.h"
#include "config/signals.h"
#include "services/exec/exec_program.h"

enum {
	REQUESTS_AT_ONCE = 16, /* of as many links, one of each */
	FDS_OF_PROGRAM = 2,    /* while it runs: its control socket and its standard error */
	FDS_OF_HELPER = 64,    /* beside the links: what helpers have, and those of one start */
	ORPHAN_MARGIN_MS = 500,
	REFUSED_LOG_MS = 1000
};

enum phase { SERVING, ORPHAN, LEAVING };

struct exec_helper {
	const struct helper_heritage *heritage;
	struct loop loop;
	struct timer_heap alarms;
	struct watch signals;
	struct watch orders; /* of the master */
	struct watch links;  /* an epoll of all links, watched while there is room */
	int *ends;           /* of each link; -1: closed */
	unsigned open_links; /* whose other end is not closed */
	struct exec_programs programs;
	enum phase phase;
	struct alarm orphaned; /* ORPHAN: shutdown_timeout is over */
	unsigned refused;      /* messages, since the last line that tells it */
	int64_t refused_ms;    /* of that line */
	int64_t beat_ms;       /* when the next beat is due */
};

static void tell_refused(struct exec_helper *h)
{
	if (h->refused == 0 || h->loop.now_ms < h->refused_ms + REFUSED_LOG_MS)
		return;
	LOG(EVENT_request_refused, LOG_STR("listen", h->heritage->listen->address),
	    LOG_NUM("count", h->refused));
	h->refused = 0;
	h->refused_ms = h->loop.now_ms;
}

/*
 * The worker and its keeper are gone for good, and the master; or a worker has shut it, with
 * requests in it that nobody reads. The master sees that it is shut.
 */
static void close_link(struct exec_helper *h, unsigned link)
{
	(void)sys_shutdown(h->ends[link], SHUT_RDWR);
	(void)sys_epoll_ctl(h->links.fd, EPOLL_CTL_DEL, h->ends[link], NULL);
	brief_close(h->ends[link]);
	h->ends[link] = -1;
	h->open_links--;
}

static bool open_link(struct exec_helper *h, unsigned link, int end)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP, .data.u32 = link };

	if (sys_epoll_ctl(h->links.fd, EPOLL_CTL_ADD, end, &event) < 0)
		return false;
	h->ends[link] = end;
	h->open_links++;
	return true;
}

/* The old one is shut, whether the helper has seen that or not. */
static void handle_orders(void *owner, uint32_t events)
{
	struct exec_helper *h = owner;
	unsigned link;
	int end;

	(void)events;
	if (!helper_take_link(h->heritage, &link, &end))
		loop_unwatch(&h->loop, &h->orders);
	if (end < 0)
		return;
	if (h->ends[link] >= 0)
		close_link(h, link);
	if (!open_link(h, link, end))
		brief_close(end);
}

/* The message is still there, and the link is as good as before. */
static bool is_passing(int error)
{
	return error == EAGAIN || error == EINTR || error == ENOBUFS || error == ENOMEM;
}

/* A message without a byte looks like the end, but for the events. */
static void take_request(struct exec_helper *h, unsigned link, uint32_t events)
{
	struct exec_request request;
	struct iovec part = { .iov_base = &request, .iov_len = sizeof(request) };
	struct rights got;
	ssize_t size = rights_receive(h->ends[link], &part, 1, &got, MSG_DONTWAIT);

	if (size < 0 && is_passing(errno))
		return;
	if (size < 0 || (size == 0 && got.count == 0 && (events & (EPOLLRDHUP | EPOLLHUP)) != 0)) {
		rights_close(&got);
		close_link(h, link);
		return;
	}
	if (!got.is_cut && !got.lacks_fds && got.count > 0 &&
	    exec_request_is_sound(&request, (size_t)size)) {
		h->refused += !exec_programs_start(&h->programs, &request, &got);
		return;
	}
	rights_close(&got);
	h->refused++;
}

static bool watch_links(struct exec_helper *h)
{
	bool is_wanted = h->phase != LEAVING && exec_programs_have_room(&h->programs);

	if (is_wanted == (h->links.place != 0))
		return true;
	if (is_wanted)
		return loop_watch(&h->loop, &h->links, EPOLLIN);
	loop_unwatch(&h->loop, &h->links);
	return true;
}

static void beat(struct exec_helper *h)
{
	h->beat_ms = helper_beat(h->heritage, h->beat_ms, clock_ms());
}

/*
 * No more than there is room for: the kernel reports the others first the next time. To start a
 * program may take long: a helper that has many to start does not hang.
 */
static void handle_links(void *owner, uint32_t events)
{
	struct exec_helper *h = owner;
	unsigned room = h->programs.most - h->programs.count;
	struct epoll_event ready[REQUESTS_AT_ONCE];
	int n = sys_epoll_wait(h->links.fd, ready,
			       room < REQUESTS_AT_ONCE ? (int)room : REQUESTS_AT_ONCE, 0);

	(void)events;
	for (int i = 0; i < n; i++) {
		take_request(h, ready[i].data.u32, ready[i].events);
		beat(h);
	}
}

/* No program starts from now on, not even for requests that this turn has reported. */
static void leave(struct exec_helper *h, int64_t kill_after_ms)
{
	h->phase = LEAVING;
	(void)watch_links(h);
	exec_programs_end(&h->programs, kill_after_ms);
}

static void end_orphan(void *owner)
{
	leave(owner, EXEC_KILL_FAST_MS);
}

static void note_term(struct exec_helper *h)
{
	if (!helper_is_orphan(h->heritage)) {
		leave(h, EXEC_KILL_MS);
		return;
	}
	if (h->phase != SERVING)
		return;
	h->phase = ORPHAN;
	timer_set(&h->alarms, &h->orphaned.timer,
		  h->loop.now_ms + h->heritage->conf->shutdown_timeout + ORPHAN_MARGIN_MS);
}

static void reopen_log(void)
{
	struct err err;

	if (!log_reopen(false, &err))
		LOG(EVENT_log_reopen_failed, LOG_STR("message", err.text));
}

static void handle_signals(void *owner, uint32_t events)
{
	struct exec_helper *h = owner;
	int number;

	(void)events;
	while ((number = signals_next(h->signals.fd, NULL)) > 0) {
		if (number == SIGCHLD)
			exec_programs_reap(&h->programs);
		else if (number == SIGNAL_HELPER_LEAVE)
			note_term(h);
		else if (number == SIGNAL_HELPER_STOP)
			leave(h, EXEC_KILL_FAST_MS);
		else if (number == SIGNAL_HELPER_END)
			leave(h, 0);
		else if (number == SIGUSR1)
			reopen_log();
	}
}

static bool open_links(struct exec_helper *h)
{
	h->links = (struct watch){ .fd = sys_epoll_create1(EPOLL_CLOEXEC),
				   .ready = handle_links,
				   .owner = h };
	h->ends = malloc(h->heritage->link_count * sizeof(*h->ends));
	if (h->links.fd < 0 || !h->ends)
		return false;
	for (unsigned i = 0; i < h->heritage->link_count; i++)
		if (!open_link(h, i, h->heritage->links[i].helper))
			return false;
	h->orders =
		(struct watch){ .fd = h->heritage->report_fd, .ready = handle_orders, .owner = h };
	return loop_watch(&h->loop, &h->orders, EPOLLIN);
}

unsigned exec_helper_files(const struct listen_conf *listen)
{
	return FDS_OF_HELPER + FDS_OF_PROGRAM * (unsigned)listen->max_processes;
}

/* Where the system allows few descriptors, fewer programs run at once, and more clients wait. */
static unsigned most_programs(const struct exec_helper *h)
{
	const struct listen_conf *listen = h->heritage->listen;
	rlim_t own = FDS_OF_HELPER + h->heritage->link_count, most;
	struct rlimit limit;

	if (sys_getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return (unsigned)listen->max_processes;
	most = limit.rlim_cur > own + FDS_OF_PROGRAM ? (limit.rlim_cur - own) / FDS_OF_PROGRAM : 1;
	if (most >= (rlim_t)listen->max_processes)
		return (unsigned)listen->max_processes;
	LOG(EVENT_environment_warned, LOG_STR("option", "max_processes"),
	    LOG_NUM("wanted", listen->max_processes), LOG_NUM("possible", most),
	    LOG_STR("message", "the limit of open descriptors allows no more programs at once"));
	return (unsigned)most;
}

/* The user database may wait: no other process waits for this one. */
static struct command *become_user(const struct helper_heritage *heritage, struct err *err)
{
	struct command_options asked = COMMAND_OPTIONS(heritage->conf, heritage->listen);
	static struct command_found found; /* written by this process, once */
	struct command *command;

	if (!command_check(&asked, heritage->identity, &found, err))
		return NULL;
	command = command_new(&asked, &found, err);
	if (!command)
		return NULL;
	if (!command_limits_allow(&asked.limits, err) || !privs_become(&found.identity, err)) {
		command_free(command);
		return NULL;
	}
	command->found.identity.changes = false; /* the programs have it already */
	return command;
}

static bool start_helper(struct exec_helper *h, struct err *err)
{
	/* a signal that is read needs no action of its own, which every start would undo */
	bool is_blocked = signals_block();
	const struct command *command = become_user(h->heritage, err);
	unsigned most = most_programs(h);

	if (!command || !is_blocked)
		return command && err_errno(err, CODE_OSERR, "cannot block signals");
	h->programs.heritage = h->heritage;
	h->programs.loop = &h->loop;
	h->programs.alarms = &h->alarms;
	h->programs.kill_after_ms = EXEC_KILL_MS;
	h->orphaned.fire = end_orphan;
	h->orphaned.owner = h;
	if (!loop_open(&h->loop) || !timer_heap_new(&h->alarms, 2 * most + 1) ||
	    !exec_programs_new(&h->programs, command, most) || !open_links(h))
		return err_errno(err, CODE_OSERR, "cannot begin to start programs");
	loop_read_clock(&h->loop);
	h->signals =
		(struct watch){ .fd = signals_open(true), .ready = handle_signals, .owner = h };
	if (h->signals.fd < 0 || !loop_watch(&h->loop, &h->signals, EPOLLIN) || !watch_links(h))
		return err_errno(err, CODE_OSERR, "cannot begin to start programs");
	return helper_report_ready(h->heritage) ||
	       err_errno(err, CODE_OSERR, "cannot report to the master");
}

static bool is_over(const struct exec_helper *h)
{
	return h->programs.count == 0 &&
	       (h->phase == LEAVING || (h->phase == ORPHAN && h->open_links == 0));
}

static int next_wait_ms(const struct exec_helper *h)
{
	int64_t wait = log_due_ms(INT64_MAX);
	int most = -1;

	if (h->refused > 0 && h->refused_ms + REFUSED_LOG_MS < wait)
		wait = h->refused_ms + REFUSED_LOG_MS;
	if (h->beat_ms < wait)
		wait = h->beat_ms;
	if (wait != INT64_MAX)
		most = wait <= h->loop.now_ms ? 0 : (int)(wait - h->loop.now_ms);
	return timer_wait_ms(&h->alarms, h->loop.now_ms, most);
}

static int fail(const char *message)
{
	LOG(EVENT_helper_failed, LOG_STR("message", message));
	return CODE_OSERR;
}

int exec_helper_run(const struct helper_heritage *heritage)
{
	static struct exec_helper helper; /* written by this process only */
	struct exec_helper *h = &helper;
	struct err err;

	h->heritage = heritage;
	if (!start_helper(h, &err))
		return fail(err.text);
	while (!is_over(h)) {
		beat(h);
		if (!loop_turn(&h->loop, next_wait_ms(h)))
			return fail(strerror(errno));
		alarms_expire(&h->alarms, h->loop.now_ms);
		tell_refused(h);
		log_settle(h->loop.now_ms);
		if (!watch_links(h))
			return fail(strerror(errno));
	}
	return CODE_OK;
}
