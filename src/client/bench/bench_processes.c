/* SPDX-License-Identifier: MIT */
/*
 * Forks the processes of a bench, starts and ends their run together, and merges their results. The
 * parent and each process have a socket pair, on which each sends a byte at a time:
 *
 *   process: READY (its connections are open)   parent: GO (the run starts, for all at once)
 *   process: DONE  (its stats are complete)     parent: closes its end, after it has read the
 *                                               server's processor time; then the process ends
 *
 * The parent must not touch a connection.
 */
#include "client/bench/bench.h"

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "client/bench/bench_worker.h"

enum { READY = 'r', GO = 'g', DONE = 'd' };
enum { SIZE_CHECK_MS = 250 };

struct process_result {
	struct bench_stats stats;
	struct err err;
};

/* Memory that all processes share. Each writes its own result, the parent the rest. */
struct shared {
	atomic_bool stop;
	int64_t start_ns; /* written before GO */
	struct process_result results[];
};

struct processes {
	const struct bench_options *options;
	struct shared *shared;
	int fds[BENCH_PROCESSES_MAX]; /* to each process; -1: none */
	pid_t pids[BENCH_PROCESSES_MAX];
	int count; /* processes started */
	int signal_fd;
	int interrupted;
	bool checks_size; /* until a response was right, or the warning was given */
	struct bench_progress progress;
	struct cputime server;
};

static size_t shared_size(const struct bench_options *options)
{
	return sizeof(struct shared) + (size_t)options->processes * sizeof(struct process_result);
}

static bool is_transient(ssize_t result)
{
	return result < 0 && (errno == EINTR || errno == EAGAIN);
}

static bool send_byte(int fd, char byte)
{
	ssize_t n;

	do
		n = sys_send(fd, &byte, 1, MSG_NOSIGNAL);
	while (is_transient(n));
	return n == 1;
}

/* Returns false with errno set; 0: the other side has closed its end or is gone. */
static bool receive_byte(int fd, char *byte)
{
	ssize_t n;

	do
		n = sys_recv(fd, byte, 1, 0);
	while (is_transient(n));
	if (n == 0)
		errno = 0;
	return n == 1;
}

static void run_worker(struct shared *shared, const struct bench_options *options, int process,
		       int fd)
{
	struct process_result *result = &shared->results[process];
	struct bench_worker worker;
	char byte;

	if (!bench_worker_new(&worker, options, process, &result->stats, &result->err))
		return;
	if (bench_worker_open(&worker, &shared->stop, &result->err) && send_byte(fd, READY) &&
	    receive_byte(fd, &byte) &&
	    bench_worker_run(&worker, shared->start_ns, &shared->stop, &result->err) &&
	    send_byte(fd, DONE))
		receive_byte(fd, &byte);
	bench_worker_free(&worker);
}

/* A process must not outlive its parent, however the parent ends. */
static _Noreturn void run_process(struct processes *processes, int process, int fd, pid_t parent)
{
	for (int i = 0; i < process; i++)
		sys_close(processes->fds[i]);
	sys_close(processes->signal_fd);
	if (sys_prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
		err_errno(&processes->shared->results[process].err, CODE_OSERR, "prctl");
		sys_leave(CODE_OSERR);
	}
	if (getppid() != parent)
		sys_leave(CODE_OSERR);
	run_worker(processes->shared, processes->options, process, fd);
	sys_leave(CODE_OK);
}

static bool start_process(struct processes *processes, struct err *err)
{
	pid_t parent = getpid(), pid;
	int fds[2];

	if (sys_socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(err, CODE_OSERR, "socketpair");
	pid = sys_fork();
	if (pid == 0) {
		sys_close(fds[0]);
		run_process(processes, processes->count, fds[1], parent);
	}
	sys_close(fds[1]);
	if (pid < 0) {
		sys_close(fds[0]);
		return err_errno(err, CODE_OSERR, "cannot start a process");
	}
	processes->fds[processes->count] = fds[0];
	processes->pids[processes->count++] = pid;
	return true;
}

/* The first signal ends the run at once; further signals have no effect. */
static void read_signal(struct processes *processes)
{
	struct signalfd_siginfo info;

	if (sys_read(processes->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	processes->interrupted = (int)info.ssi_signo;
	atomic_store_explicit(&processes->shared->stop, true, memory_order_relaxed);
}

static void check_response_size(struct processes *processes, uint64_t answers, uint64_t odd_size)
{
	if (!processes->checks_size || (answers == 0 && odd_size == 0))
		return;
	processes->checks_size = false;
	if (answers > 0)
		return;
	bench_report_progress_clear(&processes->progress);
	bench_report_odd_size(processes->options, odd_size);
}

static void update_progress(struct processes *processes)
{
	uint64_t answers = 0, errors = 0, odd_size = 0;

	for (int i = 0; i < processes->count; i++) {
		const struct bench_stats *stats = &processes->shared->results[i].stats;

		/* another process writes them: an old value does no harm here */
		answers += __atomic_load_n(&stats->answers, __ATOMIC_RELAXED);
		for (int kind = 0; kind < BENCH_ERRORS; kind++)
			errors += __atomic_load_n(&stats->errors[kind], __ATOMIC_RELAXED);
		if (odd_size == 0)
			odd_size = __atomic_load_n(&stats->odd_size, __ATOMIC_RELAXED);
	}
	check_response_size(processes, answers, odd_size);
	bench_report_progress_update(&processes->progress, bench_stats_now_ns(), answers, errors);
}

/* Returns the signal that ended a process that has closed its end; 0: none. Does not reap it. */
static int find_exit_signal(const struct processes *processes, int process)
{
	siginfo_t info = { 0 };
	int n;

	do
		n = sys_waitid(P_PID, (id_t)processes->pids[process], &info, WEXITED | WNOWAIT);
	while (n < 0 && errno == EINTR);
	return n == 0 && info.si_code != CLD_EXITED ? info.si_status : 0;
}

/* Uses errno as receive_byte left it. Returns false. */
static bool set_process_error(const struct processes *processes, int process, struct err *err)
{
	const struct err *reported = &processes->shared->results[process].err;
	int signal;

	if (reported->text[0] != '\0')
		return err_set(err, reported->code, "%s", reported->text);
	if (errno != 0)
		return err_errno(err, CODE_OSERR, "cannot talk to process %d of the bench",
				 (int)processes->pids[process]);
	signal = find_exit_signal(processes, process);
	if (signal == 0)
		return err_set(err, CODE_OSERR, "process %d of the bench has ended before its time",
			       (int)processes->pids[process]);
	return err_set(err, CODE_OSERR,
		       "process %d of the bench was ended by signal %d (%s) before its time",
		       (int)processes->pids[process], signal, strsignal(signal));
}

static int poll_timeout_ms(const struct processes *processes)
{
	int ms = bench_report_progress_wait_ms(&processes->progress);

	return ms < 0 && processes->checks_size ? SIZE_CHECK_MS : ms;
}

/* Waits until each process has sent the wanted byte. */
static bool wait_for_all(struct processes *processes, char wanted, struct err *err)
{
	struct pollfd polls[BENCH_PROCESSES_MAX + 1];
	int left = processes->count, last = processes->count;

	for (int i = 0; i < processes->count; i++)
		polls[i] = (struct pollfd){ .fd = processes->fds[i], .events = POLLIN };
	polls[last] = (struct pollfd){ .fd = processes->signal_fd, .events = POLLIN };
	while (left > 0) {
		int n = sys_poll(polls, (nfds_t)last + 1, poll_timeout_ms(processes));

		if (n < 0 && errno != EINTR)
			return err_errno(err, CODE_OSERR, "poll");
		if (n > 0 && polls[last].revents != 0)
			read_signal(processes);
		for (int i = 0; i < last && n > 0; i++) {
			char byte = 0;

			if (polls[i].fd < 0 || polls[i].revents == 0)
				continue;
			if (!receive_byte(polls[i].fd, &byte))
				return set_process_error(processes, i, err);
			if (byte != wanted)
				return err_set(err, CODE_INTERNAL,
					       "process %d of the bench says what it must not",
					       (int)processes->pids[i]);
			polls[i].fd = -1;
			left--;
		}
		update_progress(processes);
	}
	return true;
}

static bool check_connected(const struct processes *processes, struct err *err)
{
	bool needs_tls = processes->options->context != NULL;
	const char *tls_error = "";
	int error = 0;

	for (int i = 0; i < processes->count; i++) {
		const struct bench_stats *stats = &processes->shared->results[i].stats;

		if ((needs_tls ? stats->handshakes : stats->connects) > 0)
			return true;
		if (stats->connect_errno != 0)
			error = stats->connect_errno;
		if (stats->tls_error[0] != '\0')
			tls_error = stats->tls_error;
	}
	if (tls_error[0] != '\0')
		return err_set(err, CODE_UNAVAILABLE, "%s: %s", processes->options->target.name,
			       tls_error);
	if (error == 0)
		return true; /* interrupted before any connection was tried */
	errno = error;
	return err_errno(err, err_code(error, CODE_UNAVAILABLE), "%s: cannot connect",
			 processes->options->target.name);
}

static bool run_processes(struct processes *processes, struct bench_result *result, struct err *err)
{
	while (processes->count < processes->options->processes)
		if (!start_process(processes, err))
			return false;
	if (!wait_for_all(processes, READY, err) || !check_connected(processes, err))
		return false;
	if (processes->interrupted != 0)
		return true;
	result->has_begun = true;
	processes->checks_size = bench_options_have_fixed_size(processes->options);
	cputime_start(&processes->server);
	processes->shared->start_ns = bench_stats_now_ns();
	bench_report_progress_start(&processes->progress, processes->shared->start_ns);
	for (int i = 0; i < processes->count; i++)
		if (!send_byte(processes->fds[i], GO))
			return set_process_error(processes, i, err);
	if (!wait_for_all(processes, DONE, err) || !check_connected(processes, err))
		return false;
	result->server = cputime_stop(&processes->server);
	return true;
}

/* The processes end when the parent closes its ends; after a failure they are killed. */
static void end_processes(struct processes *processes, bool is_good)
{
	for (int i = 0; i < processes->count; i++) {
		sys_close(processes->fds[i]);
		if (!is_good)
			sys_kill(processes->pids[i], SIGKILL);
	}
	for (int i = 0; i < processes->count; i++)
		while (sys_waitpid(processes->pids[i], NULL, 0) < 0 && errno == EINTR)
			;
}

static bool add_server_pids(struct processes *processes, const struct bench_options *options,
			    struct err *err)
{
	for (int i = 0; i < options->server_pid_count; i++) {
		if (cputime_add(&processes->server, options->server_pids[i]))
			continue;
		if (errno == ESRCH)
			return err_set(err, CODE_USAGE, "--server-pid %d: there is no such process",
				       (int)options->server_pids[i]);
		return err_errno(err, CODE_OSERR, "--server-pid %d", (int)options->server_pids[i]);
	}
	return true;
}

/* The processes inherit the blocked signals: a Ctrl-C on the terminal ends the run only here. */
static bool open_signalfd(struct processes *processes, struct err *err)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	if (sys_sigprocmask(SIG_BLOCK, &mask, NULL) == 0) {
		processes->signal_fd = sys_signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
		if (processes->signal_fd >= 0)
			return true;
	}
	return err_errno(err, CODE_OSERR, "signalfd");
}

static bool run_and_merge(struct processes *processes, struct bench_result *result, struct err *err)
{
	bool is_good = run_processes(processes, result, err);

	bench_report_progress_clear(&processes->progress);
	end_processes(processes, is_good);
	for (int i = 0; i < processes->count; i++)
		bench_stats_merge(&result->stats, &processes->shared->results[i].stats);
	result->interrupted = processes->interrupted;
	return is_good;
}

static bool run_with_shared(struct processes *processes, struct bench_result *result,
			    struct err *err)
{
	size_t size = shared_size(processes->options);
	bool is_good;

	processes->shared =
		sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (processes->shared == MAP_FAILED)
		return err_errno(err, CODE_OSERR, "no memory for %d process%s",
				 processes->options->processes,
				 processes->options->processes == 1 ? "" : "es");
	is_good = run_and_merge(processes, result, err);
	sys_munmap(processes->shared, size);
	return is_good;
}

bool bench_processes_run(const struct bench_options *options, struct bench_result *result,
			 struct err *err)
{
	struct processes processes = { .options = options,
				       .signal_fd = -1,
				       .server.proc = "/proc" };
	bool is_good;

	memset(result, 0, sizeof(*result));
	bench_report_progress_init(&processes.progress, options);
	is_good = add_server_pids(&processes, options, err) && open_signalfd(&processes, err) &&
		  run_with_shared(&processes, result, err);
	if (processes.signal_fd >= 0)
		sys_close(processes.signal_fd);
	cputime_free(&processes.server);
	return is_good;
}
