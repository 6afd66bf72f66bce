/* SPDX-License-Identifier: MIT */
/*
 * Waits, and clones workers into its own descriptor table. Must not serve a client, read a
 * descriptor or decide when a worker may start: the master does.
 */
#include "master/keeper.h"

#include <limits.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proctitle.h"
#include "base/sys.h"
#include "config/signals.h"

enum {
	RETRY_MS = 100,
	MARGIN_MS = 500 /* beyond shutdown_timeout, for a worker that ends in time */
};

struct keeper_pids *keeper_pids_new(void)
{
	void *page = sys_mmap(NULL, sizeof(struct keeper_pids), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

bool keeper_pids_drop(struct keeper_pids *page)
{
	return !page || sys_munmap(page, sizeof(*page)) == 0;
}

pid_t keeper_pids_get(const struct keeper_pids *page, unsigned slot)
{
	return page ? __atomic_load_n(&page->pids[slot], __ATOMIC_ACQUIRE) : 0;
}

void keeper_pids_clear(struct keeper_pids *page, unsigned slot)
{
	if (page)
		__atomic_store_n(&page->pids[slot], 0, __ATOMIC_RELEASE);
}

/* True when the worker lives; false when the system refused it for now. */
static bool clone_worker(struct heritage *heritage, struct keeper_pids *page, unsigned slot)
{
	pid_t pid;

	/* Two workers in one arena would destroy each other. */
	if (keeper_pids_get(page, slot) != 0)
		return true;
	pid = sys_clone(CLONE_FILES | CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD,
			&page->pids[slot]);
	if (pid == 0)
		sys_leave(keeper_pids_drop(page) ? worker_run(heritage) : CODE_OSERR);
	if (pid > 0)
		heritage->resumes = true;
	return pid > 0;
}

/*
 * A file that was replaced since its trial may be mended later: the master tries again after a
 * while. SIGTERM is blocked, and a file may hang: until the loading is over the master's death
 * kills.
 */
static void load_services(struct heritage *heritage)
{
	static struct loaded loaded; /* written by this process alone */
	struct err err;

	if (sys_prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != heritage->master_pid)
		sys_leave(CODE_OSERR);
	if (heritage_load(heritage, &loaded, &err))
		return;
	LOG(EVENT_worker_failed, LOG_STR("message", err.text));
	sys_leave(CODE_OSERR);
}

/* The epoll is in the table that all workers of the slot share, so it outlives each of them. */
static void enter_keeper(struct heritage *heritage)
{
	struct err err;

	log_role("keeper", (int)heritage->number);
	log_count_in(&heritage_own_slot(heritage)->tally.log_lines_lost_total);
	proctitle_set("prefork-srv: keeper %u", heritage->number);
	if (!worker_settle(heritage, &err)) {
		LOG(EVENT_worker_failed, LOG_STR("message", err.text));
		sys_leave(err.code);
	}
	heritage->epfd = sys_epoll_create1(EPOLL_CLOEXEC);
	if (heritage->epfd < 0) {
		LOG(EVENT_worker_failed, LOG_STR("message", strerror(errno)));
		sys_leave(CODE_OSERR);
	}
	load_services(heritage);
	/* After the change of user, which would clear it. The master may be gone already. */
	if (sys_prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != heritage->master_pid)
		sys_leave(CODE_OSERR);
}

/* Logs once that the system refuses a worker, and stamps the heartbeat meanwhile. */
static void note_refusal(const struct heritage *heritage, bool is_refused)
{
	static bool was_said; /* written by this process alone */

	if (is_refused) {
		atomic_store_explicit(&heritage_own_slot(heritage)->heartbeat_ms, clock_ms(),
				      memory_order_relaxed);
		if (!was_said)
			LOG(EVENT_environment_warned,
			    LOG_STR("message", "the system refuses to start the worker; trying on"),
			    LOG_STR("error", strerror(errno)));
	}
	was_said = is_refused;
}

/*
 * The master is dead, so only the keeper can end a worker that hangs: the worker has
 * shutdown_timeout, as in its own configuration.
 */
static _Noreturn void see_worker_out(const struct heritage *heritage,
				     const struct keeper_pids *page, unsigned slot)
{
	pid_t pid = keeper_pids_get(page, slot);
	struct pollfd worker = { .fd = pid > 0 ? sys_pidfd_open(pid, 0) : -1, .events = POLLIN };
	int64_t due_ms = clock_ms() + heritage->conf->shutdown_timeout + MARGIN_MS, left_ms;

	while (worker.fd >= 0 && worker.revents == 0 && (left_ms = due_ms - clock_ms()) > 0)
		sys_poll(&worker, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
	if (worker.fd >= 0 && worker.revents == 0)
		sys_pidfd_send_signal(worker.fd, SIGKILL, NULL);
	sys_leave(CODE_OK);
}

/*
 * The kernel fills in the master's pid for kill(2) and for the signal of the master's death; a
 * sender by sigqueue(3) may give any pid. Where the user has as many signals queued as it may, the
 * pid is 0; such an order is obeyed all the same, because a keeper that ignored it would lose the
 * connections of a dead worker.
 */
static bool is_masters(const siginfo_t *info, pid_t master)
{
	return info->si_code == SI_USER && (info->si_pid == master || info->si_pid == 0);
}

/*
 * Returns the master's next order, SIGTERM for its death, or 0 when there is none within `wait`
 * (NULL: for ever). Other senders are ignored: a service manager or a log rotation may signal every
 * process of this name.
 */
static int next_order(const sigset_t *heard, const struct timespec *wait, pid_t master)
{
	siginfo_t info;
	int number;

	do
		number = sigtimedwait(heard, &info, wait);
	while (number > 0 && !is_masters(&info, master) && getppid() == master);
	return number > 0 ? number : 0;
}

_Noreturn void keeper_run(const struct heritage *inherited, struct keeper_pids *page, unsigned slot)
{
	static const struct timespec retry = { .tv_nsec = RETRY_MS * 1000000L };
	struct heritage heritage = *inherited;
	bool is_wanted = true;
	sigset_t heard;
	int number;

	heritage.is_kept = true;
	enter_keeper(&heritage);
	sigemptyset(&heard);
	sigaddset(&heard, SIGNAL_KEEPER_START);
	sigaddset(&heard, SIGNAL_KEEPER_LEAVE);
	sigaddset(&heard, SIGTERM);
	for (;;) {
		if (is_wanted)
			is_wanted = !clone_worker(&heritage, page, slot);
		note_refusal(&heritage, is_wanted);
		number = next_order(&heard, is_wanted ? &retry : NULL, heritage.master_pid);
		if (getppid() != heritage.master_pid)
			see_worker_out(&heritage, page, slot);
		if (number == SIGNAL_KEEPER_LEAVE)
			sys_leave(CODE_OK);
		if (number == SIGNAL_KEEPER_START)
			is_wanted = true;
	}
}
