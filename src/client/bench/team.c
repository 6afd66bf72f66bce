/* SPDX-License-Identifier: MIT */
/*
 * Forks the processes of a bench and talks with each by a socket pair, a byte at a time:
 *
 *   process: READY (its connections are open)   parent: GO (the run begins, for all alike)
 *   process: DONE  (its outcome is complete)    parent: closes its end, when the server's processor
 *                                               time has been read; then the connections end
 *
 * Must not touch a connection.
 */
#include "client/bench/team.h"

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "client/bench/lanes.h"
#include "client/bench/moment.h"
#include "client/bench/progress.h"
#include "client/bench/sizecheck.h"

enum { READY = 'r', GO = 'g', DONE = 'd' };

enum { LOOK_MS = 250 };

/* What a process leaves for its parent. */
struct seat {
	struct outcome outcome;
	struct err err;
};

/* Memory that all share; each process writes its own seat, the parent the rest. */
struct table {
	atomic_bool stop;
	int64_t start_ns; /* written before GO */
	struct seat seats[];
};

struct team {
	const struct plan *plan;
	struct table *table;
	int fds[PLAN_PROCESSES_MOST]; /* to each process; -1: none */
	pid_t pids[PLAN_PROCESSES_MOST];
	int count; /* processes started */
	int signal_fd;
	int interrupted;
	bool looks; /* at the size of answers, until one was right or it has warned */
	struct progress progress;
	struct cputime server;
};

static size_t table_size(const struct plan *plan)
{
	return sizeof(struct table) + (size_t)plan->processes * sizeof(struct seat);
}

static bool is_for_now(ssize_t result)
{
	return result < 0 && (errno == EINTR || errno == EAGAIN);
}

static bool say(int fd, char word)
{
	ssize_t n;

	do
		n = sys_send(fd, &word, 1, MSG_NOSIGNAL);
	while (is_for_now(n));
	return n == 1;
}

/* False when the other has closed its end, or is gone (errno 0), or this end has failed. */
static bool hear(int fd, char *word)
{
	ssize_t n;

	do
		n = sys_recv(fd, word, 1, 0);
	while (is_for_now(n));
	if (n == 0)
		errno = 0;
	return n == 1;
}

static void work(struct table *table, const struct plan *plan, int process, int fd)
{
	struct seat *seat = &table->seats[process];
	struct lane_set lanes;
	char word;

	if (!lanes_new(&lanes, plan, process, &seat->outcome, &seat->err))
		return;
	if (lanes_open(&lanes, &table->stop, &seat->err) && say(fd, READY) && hear(fd, &word) &&
	    lanes_run(&lanes, table->start_ns, &table->stop, &seat->err) && say(fd, DONE))
		hear(fd, &word);
	lanes_free(&lanes);
}

/* A process must not outlive its parent, whatever ends that. */
static _Noreturn void be_process(struct team *team, int process, int fd, pid_t parent)
{
	for (int i = 0; i < process; i++)
		sys_close(team->fds[i]);
	sys_close(team->signal_fd);
	if (sys_prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
		err_errno(&team->table->seats[process].err, CODE_OSERR, "prctl");
		sys_leave(CODE_OSERR);
	}
	if (getppid() != parent)
		sys_leave(CODE_OSERR);
	work(team->table, team->plan, process, fd);
	sys_leave(CODE_OK);
}

static bool start_one(struct team *team, struct err *err)
{
	pid_t parent = getpid(), pid;
	int fds[2];

	if (sys_socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(err, CODE_OSERR, "socketpair");
	pid = sys_fork();
	if (pid == 0) {
		sys_close(fds[0]);
		be_process(team, team->count, fds[1], parent);
	}
	sys_close(fds[1]);
	if (pid < 0) {
		sys_close(fds[0]);
		return err_errno(err, CODE_OSERR, "cannot start a process");
	}
	team->fds[team->count] = fds[0];
	team->pids[team->count++] = pid;
	return true;
}

/* The first signal ends the run; the ones behind it change nothing, for that takes no time. */
static void take_signal(struct team *team)
{
	struct signalfd_siginfo info;

	if (sys_read(team->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	team->interrupted = (int)info.ssi_signo;
	atomic_store_explicit(&team->table->stop, true, memory_order_relaxed);
}

static void look_at_size(struct team *team, uint64_t answered, uint64_t came)
{
	if (!team->looks || (answered == 0 && came == 0))
		return;
	team->looks = false;
	if (answered > 0)
		return;
	progress_end(&team->progress);
	sizecheck_warn(team->plan, came);
}

static void show_progress(struct team *team)
{
	uint64_t answered = 0, lost = 0, came = 0;

	for (int i = 0; i < team->count; i++) {
		const struct outcome *outcome = &team->table->seats[i].outcome;

		/* another process is writing: an old value does no harm here */
		answered += __atomic_load_n(&outcome->answered, __ATOMIC_RELAXED);
		for (int kind = 0; kind < LOSS_KINDS; kind++)
			lost += __atomic_load_n(&outcome->lost[kind], __ATOMIC_RELAXED);
		if (came == 0)
			came = __atomic_load_n(&outcome->came, __ATOMIC_RELAXED);
	}
	look_at_size(team, answered, came);
	progress_show(&team->progress, moment_ns(), answered, lost);
}

/*
 * The signal that has ended a process which has closed its end; 0: none. It is left to dismiss().
 */
static int signal_of(const struct team *team, int process)
{
	siginfo_t info = { 0 };
	int n;

	do
		n = sys_waitid(P_PID, (id_t)team->pids[process], &info, WEXITED | WNOWAIT);
	while (n < 0 && errno == EINTR);
	return n == 0 && info.si_code != CLD_EXITED ? info.si_status : 0;
}

/* errno 0: it has closed its end. */
static bool complain(const struct team *team, int process, struct err *err)
{
	const struct err *said = &team->table->seats[process].err;
	int signal;

	if (said->text[0] != '\0')
		return err_set(err, said->code, "%s", said->text);
	if (errno != 0)
		return err_errno(err, CODE_OSERR, "cannot talk to process %d of the bench",
				 (int)team->pids[process]);
	signal = signal_of(team, process);
	if (signal == 0)
		return err_set(err, CODE_OSERR, "process %d of the bench has ended before its time",
			       (int)team->pids[process]);
	return err_set(err, CODE_OSERR,
		       "process %d of the bench was ended by signal %d (%s) before its time",
		       (int)team->pids[process], signal, strsignal(signal));
}

static int wait_ms(const struct team *team)
{
	int ms = progress_wait_ms(&team->progress);

	return ms < 0 && team->looks ? LOOK_MS : ms;
}

/* Waits until each process has said that word. */
static bool gather(struct team *team, char wanted, struct err *err)
{
	struct pollfd watched[PLAN_PROCESSES_MOST + 1];
	int left = team->count, last = team->count;

	for (int i = 0; i < team->count; i++)
		watched[i] = (struct pollfd){ .fd = team->fds[i], .events = POLLIN };
	watched[last] = (struct pollfd){ .fd = team->signal_fd, .events = POLLIN };
	while (left > 0) {
		int n = sys_poll(watched, (nfds_t)last + 1, wait_ms(team));

		if (n < 0 && errno != EINTR)
			return err_errno(err, CODE_OSERR, "poll");
		if (n > 0 && watched[last].revents != 0)
			take_signal(team);
		for (int i = 0; i < last && n > 0; i++) {
			char word = 0;

			if (watched[i].fd < 0 || watched[i].revents == 0)
				continue;
			if (!hear(watched[i].fd, &word))
				return complain(team, i, err);
			if (word != wanted)
				return err_set(err, CODE_INTERNAL,
					       "process %d of the bench says what it must not",
					       (int)team->pids[i]);
			watched[i].fd = -1;
			left--;
		}
		show_progress(team);
	}
	return true;
}

static bool check_connected(const struct team *team, struct err *err)
{
	int error = 0;

	for (int i = 0; i < team->count; i++) {
		const struct outcome *outcome = &team->table->seats[i].outcome;

		if (outcome->connects > 0)
			return true;
		if (outcome->connect_errno != 0)
			error = outcome->connect_errno;
	}
	if (error == 0)
		return true; /* interrupted before anything was tried */
	errno = error;
	return err_errno(err, err_code(error, CODE_UNAVAILABLE), "%s: cannot connect",
			 team->plan->target.name);
}

static bool run(struct team *team, struct result *result, struct err *err)
{
	while (team->count < team->plan->processes)
		if (!start_one(team, err))
			return false;
	if (!gather(team, READY, err) || !check_connected(team, err))
		return false;
	if (team->interrupted != 0)
		return true;
	result->has_begun = true;
	team->looks = sizecheck_applies(team->plan);
	cputime_begin(&team->server);
	team->table->start_ns = moment_ns();
	progress_start(&team->progress, team->table->start_ns);
	for (int i = 0; i < team->count; i++)
		if (!say(team->fds[i], GO))
			return complain(team, i, err);
	if (!gather(team, DONE, err) || !check_connected(team, err))
		return false;
	result->server = cputime_end(&team->server);
	return true;
}

/* Their parent's end closed, the processes end; those that cannot hear it are ended. */
static void dismiss(struct team *team, bool is_good)
{
	for (int i = 0; i < team->count; i++) {
		sys_close(team->fds[i]);
		if (!is_good)
			sys_kill(team->pids[i], SIGKILL);
	}
	for (int i = 0; i < team->count; i++)
		while (sys_waitpid(team->pids[i], NULL, 0) < 0 && errno == EINTR)
			;
}

static bool find_server(struct team *team, const struct plan *plan, struct err *err)
{
	for (int i = 0; i < plan->server_pid_count; i++) {
		if (cputime_add(&team->server, plan->server_pids[i]))
			continue;
		if (errno == ESRCH)
			return err_set(err, CODE_USAGE, "--server-pid %d: there is no such process",
				       (int)plan->server_pids[i]);
		return err_errno(err, CODE_OSERR, "--server-pid %d", (int)plan->server_pids[i]);
	}
	return true;
}

/* The processes inherit the block: a Ctrl-C of the terminal reaches this one only. */
static bool listen_to_signals(struct team *team, struct err *err)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	if (sys_sigprocmask(SIG_BLOCK, &mask, NULL) == 0) {
		team->signal_fd = sys_signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
		if (team->signal_fd >= 0)
			return true;
	}
	return err_errno(err, CODE_OSERR, "signalfd");
}

static bool run_at_table(struct team *team, struct result *result, struct err *err)
{
	bool is_good = run(team, result, err);

	progress_end(&team->progress);
	dismiss(team, is_good);
	for (int i = 0; i < team->count; i++)
		outcome_merge(&result->outcome, &team->table->seats[i].outcome);
	result->interrupted = team->interrupted;
	return is_good;
}

static bool set_table(struct team *team, struct result *result, struct err *err)
{
	size_t size = table_size(team->plan);
	bool is_good;

	team->table =
		sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (team->table == MAP_FAILED)
		return err_errno(err, CODE_OSERR, "no memory for %d process%s",
				 team->plan->processes, team->plan->processes == 1 ? "" : "es");
	is_good = run_at_table(team, result, err);
	sys_munmap(team->table, size);
	return is_good;
}

bool team_run(const struct plan *plan, struct result *result, struct err *err)
{
	struct team team = { .plan = plan, .signal_fd = -1, .server.proc = "/proc" };
	bool is_good;

	memset(result, 0, sizeof(*result));
	progress_init(&team.progress, plan);
	is_good = find_server(&team, plan, err) && listen_to_signals(&team, err) &&
		  set_table(&team, result, err);
	if (team.signal_fd >= 0)
		sys_close(team.signal_fd);
	cputime_free(&team.server);
	return is_good;
}
