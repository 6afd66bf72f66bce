/* SPDX-License-Identifier: MIT */
/* Forks the actors of a lesson, gives them orders and ends them. Draws nothing but results. */
#include "demo/process.h"

#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proctitle.h"
#include "base/strbuf.h"
#include "base/sys.h"
#include "demo/kernel.h"

enum { ANSWER_MS = 10000, DEATH_MS = 1000 };

/* An actor's life: orders until there is one without an act, or nobody to give any. */
static _Noreturn void serve_calls(int channel, const char *name)
{
	struct call call;

	proctitle_set("prefork-demo: %s", name);
	while (sys_recv(channel, &call, sizeof(call), 0) == sizeof(call) && call.run != NULL) {
		call_run(&call);
		if (sys_send(channel, &call, sizeof(call), MSG_NOSIGNAL) != sizeof(call))
			break;
	}
	_exit(0);
}

/* The parent may have died before the kernel was told to pass that on. */
static _Noreturn void start_child(pid_t parent, int mine, const char *name)
{
	sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	serve_calls(mine, name);
}

static struct process hire(struct output *out, unsigned column, const char *name,
			   unsigned long share)
{
	struct process process = { .out = out, .column = column, .name = name };
	pid_t parent = getpid();
	int ends[2];

	if (sys_socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		output_skip_rest(out, "socketpair()");
	process.pid = share != 0 ? sys_clone(share | SIGCHLD, NULL) : sys_fork();
	if (process.pid < 0)
		output_skip_rest(out, share != 0 ? "clone()" : "fork()");
	if (process.pid == 0) {
		if (share == 0)
			sys_close(ends[0]);
		start_child(parent, ends[1], name);
	}
	process.channel = ends[0];
	process.child_channel = -1;
	/* where the table is shared, closing it here would close it there */
	if (share == 0)
		sys_close(ends[1]);
	else
		process.child_channel = ends[1];
	return process;
}

struct process process_self(struct output *out, unsigned column, const char *name)
{
	return (struct process){ .out = out,
				 .column = column,
				 .name = name,
				 .pid = getpid(),
				 .channel = -1,
				 .child_channel = -1 };
}

struct process process_fork(struct output *out, unsigned column, const char *name)
{
	return hire(out, column, name, 0);
}

struct process process_fork_sharing(struct output *out, unsigned column, const char *name)
{
	return hire(out, column, name, CLONE_FILES);
}

/*
 * An actor does not answer, perhaps because it is at its end, for which the parent has words; else
 * errno says why.
 */
static _Noreturn void lose(const struct process *process, const char *name)
{
	int64_t until_ms = clock_ms() + DEATH_MS;
	int error = errno;

	while (sys_waitpid(process->pid, &process->out->claims->lost_status, WNOHANG) !=
		       process->pid &&
	       clock_ms() < until_ms)
		sys_poll(NULL, 0, 1);
	if (process->out->claims->lost_status != 0)
		_exit(CODE_INTERNAL);
	errno = error;
	output_skip_rest(process->out, name);
}

void process_start_call(const struct process *process, struct call call)
{
	if (sys_send(process->channel, &call, sizeof(call), MSG_NOSIGNAL) != sizeof(call))
		lose(process, "send() to a process of this lesson");
}

/*
 * What the system forbids, or has no room for: no call of a lesson fails so by the lesson's doing.
 */
static bool is_systems_fault(int error)
{
	static const int errors[] = { EPERM,  ENOSYS, ENOPROTOOPT, EAFNOSUPPORT,
				      ENOMEM, EMFILE, ENFILE,      ENOBUFS };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i] == error)
			return true;
	return false;
}

static void check_allowed(struct output *out, const struct call *call)
{
	errno = call->error;
	if (call->result < 0 && is_systems_fault(call->error))
		output_skip_rest(out, call->name);
}

/*
 * Waits for the answer or for the end of the process: where the table is shared this process holds
 * the actor's end too, which then stays open. Without pidfd_open(2) that end is not seen.
 */
static int await_answer(const struct process *process, int wait_ms)
{
	struct pollfd signs[] = { { .fd = process->channel, .events = POLLIN },
				  { .fd = -1, .events = POLLIN } };
	int n;

	if (process->child_channel >= 0)
		signs[1].fd = sys_pidfd_open(process->pid, 0);
	do
		n = sys_poll(signs, 2, wait_ms);
	while (n < 0 && errno == EINTR);
	if (signs[1].fd >= 0)
		sys_close(signs[1].fd);
	return n;
}

bool process_await_result(const struct process *process, struct call *call, int wait_ms)
{
	int n = await_answer(process, wait_ms);

	if (n == 0)
		return false;
	errno = n < 0 ? errno : ESRCH;
	if (n < 0 || sys_recv(process->channel, call, sizeof(*call), MSG_DONTWAIT) != sizeof(*call))
		lose(process, "recv() from a process of this lesson");
	check_allowed(process->out, call);
	return true;
}

struct call process_run(const struct process *process, struct call call)
{
	if (process->channel < 0) {
		call_run(&call);
		check_allowed(process->out, &call);
		return call;
	}
	process_start_call(process, call);
	if (!process_await_result(process, &call, ANSWER_MS)) {
		errno = ETIMEDOUT;
		output_skip_rest(process->out, call.name);
	}
	return call;
}

struct call process_run_cell(const struct process *process, struct call call)
{
	struct call done = process_run(process, call);
	char text[CALL_TEXT];

	output_cell(process->out, process->column, "%s", call_text(&done, text));
	if (call_opened_socket(&done) || call_closed_socket(&done))
		output_lifeline(process->out, process->column, call_opened_socket(&done));
	return done;
}

struct call process_run_line(const struct process *process, struct call call)
{
	struct call done = process_run_cell(process, call);

	output_line(process->out);
	return done;
}

bool process_send_word(enum direction direction, const struct process *from, int from_fd,
		       const struct process *to, int to_fd, const char *word)
{
	struct call sent, got;
	char label[16];

	snprintf(label, sizeof(label), "\"%s\"", word);
	output_arrow(from->out, direction, label);
	sent = process_run_line(from, call_send(from_fd, word));
	got = process_run_line(to, call_recv(to_fd, CALL_BYTES, ANSWER_MS / 2));
	return sent.result == (int64_t)strlen(word) && call_received(&got, word);
}

/* The state letter of proc(5), /proc/PID/stat; '?' with errno where that is not told. */
static char process_state(pid_t pid)
{
	char path[32], stat[256];
	const char *name_end;

	errno = ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!file_read_path(path, stat, sizeof(stat)))
		return '?';
	name_end = strrchr(stat, ')');
	return name_end != NULL && name_end[1] == ' ' ? name_end[2] : '?';
}

void process_await_sleep(const struct process *process)
{
	int64_t until_ms = clock_ms() + ANSWER_MS;
	int unread = 1;
	char state;

	/* it also sleeps while it waits for the order: first the order must have been taken */
	while (sys_ioctl(process->channel, SIOCOUTQ, &unread) == 0 && clock_ms() < until_ms) {
		state = process_state(process->pid);
		if (unread == 0 && state == 'S')
			return;
		if (state == '?')
			output_skip_rest(process->out, "the state of a process in /proc");
		if (state == 'Z')
			lose(process, "a process of this lesson");
		sys_poll(NULL, 0, 1);
	}
	errno = ETIMEDOUT;
	output_skip_rest(process->out, "waiting for a process to sleep");
}

static const char *name_of(pid_t pid, const struct process *processes, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (processes[i].pid == pid)
			return processes[i].name;
	return "a stranger";
}

unsigned process_show_holders(struct output *out, uint64_t inode, const struct process *processes,
			      unsigned count)
{
	pid_t pids[KERNEL_HOLDERS];
	unsigned holders = kernel_holders(out, inode, pids);
	char names[KERNEL_HOLDERS * 16] = "";
	struct strbuf text = strbuf_on(names, sizeof(names) - 1);

	for (unsigned i = 0; i < holders && i < KERNEL_HOLDERS; i++) {
		strbuf_raw(&text, i == 0 ? ": " : ", ");
		strbuf_raw(&text, name_of(pids[i], processes, count));
	}
	names[text.used] = '\0';
	output_kernel(out, "%u process%s the socket%s", holders,
		      holders == 1 ? " holds" : "es hold", names);
	return holders;
}

static void reap(struct process *process)
{
	while (sys_waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
		;
	sys_close(process->channel);
	if (process->child_channel >= 0)
		sys_close(process->child_channel);
	process->pid = 0;
}

void process_kill(struct process *process)
{
	if (sys_kill(process->pid, SIGKILL) < 0)
		output_skip_rest(process->out, "kill()");
	reap(process);
	output_lifeline(process->out, process->column, false);
}

void process_stop(struct process *process)
{
	if (process->pid == 0)
		return;
	process_start_call(process, (struct call){ .run = NULL });
	reap(process);
}
