/* SPDX-License-Identifier: MIT */
/*
 * Forks the processes of a lesson, has them run calls and ends them; connects a pair of them. Draws
 * the calls. Must not judge them.
 */
#include "demo/process.h"

#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/proctitle.h"
#include "base/strbuf.h"
#include "base/sys.h"

enum { ANSWER_MS = 10000, ACCEPT_MS = 5000, DEATH_MS = 1000 };

/* Runs calls in the process until one has no function, or the other end of channel is closed. */
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

/* The parent may have died before PR_SET_PDEATHSIG took effect. */
static _Noreturn void start_child(pid_t parent, int channel, const char *name)
{
	sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	serve_calls(channel, name);
}

static struct process fork_process(struct diagram *out, unsigned column, const char *name,
				   unsigned long share)
{
	struct process process = { .out = out, .column = column, .name = name };
	pid_t parent = getpid();
	int ends[2];

	if (sys_socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		diagram_skip_rest(out, "socketpair()");
	process.pid = share != 0 ? sys_clone(share | SIGCHLD, NULL) : sys_fork();
	if (process.pid < 0)
		diagram_skip_rest(out, share != 0 ? "clone()" : "fork()");
	if (process.pid == 0) {
		if (share == 0)
			sys_close(ends[0]);
		start_child(parent, ends[1], name);
	}
	process.channel = ends[0];
	process.child_channel = -1;
	/* if the table is shared, closing it here would close it in the process too */
	if (share == 0)
		sys_close(ends[1]);
	else
		process.child_channel = ends[1];
	return process;
}

struct process process_self(struct diagram *out, unsigned column, const char *name)
{
	return (struct process){ .out = out,
				 .column = column,
				 .name = name,
				 .pid = getpid(),
				 .channel = -1,
				 .child_channel = -1 };
}

struct process process_fork(struct diagram *out, unsigned column, const char *name)
{
	return fork_process(out, column, name, 0);
}

struct process process_fork_sharing(struct diagram *out, unsigned column, const char *name)
{
	return fork_process(out, column, name, CLONE_FILES);
}

/*
 * The process does not answer. When it has ended, prefork-demo reports how; otherwise errno has the
 * error.
 */
static _Noreturn void end_lost(const struct process *process, const char *call)
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
	diagram_skip_rest(process->out, call);
}

void process_start_call(const struct process *process, struct call call)
{
	if (sys_send(process->channel, &call, sizeof(call), MSG_NOSIGNAL) != sizeof(call))
		end_lost(process, "send() to a process of this lesson");
}

/*
 * True for an errno by which the system forbids a call or lacks the room for it: no lesson causes
 * such a failure itself.
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

static void check_allowed(struct diagram *out, const struct call *call)
{
	errno = call->error;
	if (call->result < 0 && is_systems_fault(call->error))
		diagram_skip_rest(out, call->name);
}

/*
 * Waits for the result or for the end of the process. If the table of descriptors is shared, this
 * process holds the other end of the channel too, which then stays open: a pidfd reports the end.
 * Without pidfd_open(2) the end is not noticed.
 */
static int await_channel(const struct process *process, int wait_ms)
{
	struct pollfd sources[] = { { .fd = process->channel, .events = POLLIN },
				    { .fd = -1, .events = POLLIN } };
	int n;

	if (process->child_channel >= 0)
		sources[1].fd = sys_pidfd_open(process->pid, 0);
	do
		n = sys_poll(sources, 2, wait_ms);
	while (n < 0 && errno == EINTR);
	if (sources[1].fd >= 0)
		sys_close(sources[1].fd);
	return n;
}

bool process_await_result(const struct process *process, struct call *call, int wait_ms)
{
	int n = await_channel(process, wait_ms);

	if (n == 0)
		return false;
	errno = n < 0 ? errno : ESRCH;
	if (n < 0 || sys_recv(process->channel, call, sizeof(*call), MSG_DONTWAIT) != sizeof(*call))
		end_lost(process, "recv() from a process of this lesson");
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
		diagram_skip_rest(process->out, call.name);
	}
	return call;
}

struct call process_run_cell(const struct process *process, struct call call)
{
	struct call done = process_run(process, call);
	char text[CALL_TEXT];

	diagram_cell(process->out, process->column, "%s", call_text(&done, text));
	if (call_opened_socket(&done) || call_closed_socket(&done))
		diagram_lifeline(process->out, process->column, call_opened_socket(&done));
	return done;
}

struct call process_run_line(const struct process *process, struct call call)
{
	struct call done = process_run_cell(process, call);

	diagram_line(process->out);
	return done;
}

bool process_send_word(enum direction direction, const struct process *from, int from_fd,
		       const struct process *to, int to_fd, const char *word)
{
	struct call sent, got;
	char label[16];

	snprintf(label, sizeof(label), "\"%s\"", word);
	diagram_arrow(from->out, direction, label);
	sent = process_run_line(from, call_send(from_fd, word));
	got = process_run_line(to, call_recv(to_fd, CALL_BYTES, ANSWER_MS / 2));
	return sent.result == (int64_t)strlen(word) && call_received(&got, word);
}

void process_await_sleep(const struct process *process)
{
	int64_t until_ms = clock_ms() + ANSWER_MS;
	int unread = 1;
	char state;

	/* it also sleeps while it waits for a call: first it must have received the call */
	while (sys_ioctl(process->channel, SIOCOUTQ, &unread) == 0 && clock_ms() < until_ms) {
		state = kernel_process_state(process->pid);
		if (unread == 0 && state == 'S')
			return;
		if (state == '?')
			diagram_skip_rest(process->out, "the state of a process in /proc");
		if (state == 'Z')
			end_lost(process, "a process of this lesson");
		sys_poll(NULL, 0, 1);
	}
	errno = ETIMEDOUT;
	diagram_skip_rest(process->out, "waiting for a process to sleep");
}

static const char *find_name(pid_t pid, const struct process *processes, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (processes[i].pid == pid)
			return processes[i].name;
	return "a stranger";
}

unsigned process_show_holders(struct diagram *out, uint64_t inode, const struct process *processes,
			      unsigned count)
{
	pid_t pids[KERNEL_HOLDERS];
	unsigned holders = kernel_holders(out, inode, pids);
	char names[KERNEL_HOLDERS * 16] = "";
	struct strbuf text = strbuf_on(names, sizeof(names) - 1);

	for (unsigned i = 0; i < holders && i < KERNEL_HOLDERS; i++) {
		strbuf_raw(&text, i == 0 ? ": " : ", ");
		strbuf_raw(&text, find_name(pids[i], processes, count));
	}
	names[text.used] = '\0';
	diagram_kernel(out, "%u process%s the socket%s", holders,
		       holders == 1 ? " holds" : "es hold", names);
	return holders;
}

static void reap_process(struct process *process)
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
		diagram_skip_rest(process->out, "kill()");
	reap_process(process);
	diagram_lifeline(process->out, process->column, false);
}

void process_stop(struct process *process)
{
	if (process->pid == 0)
		return;
	process_start_call(process, (struct call){ .run = NULL });
	reap_process(process);
}

int process_socket(struct diagram *out)
{
	int fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		diagram_skip_rest(out, "socket()");
	return fd;
}

int process_listen(struct diagram *out, int backlog, struct addr *bound)
{
	int fd = process_socket(out);

	*bound = call_loopback(0);
	if (sys_bind(fd, &bound->sa, bound->len) < 0)
		diagram_skip_rest(out, "bind()");
	if (sys_fcntl_int(fd, F_SETFL, O_NONBLOCK) < 0)
		diagram_skip_rest(out, "fcntl()");
	if (sys_listen(fd, backlog) < 0)
		diagram_skip_rest(out, "listen()");
	if (sys_getsockname(fd, &bound->sa, &bound->len) < 0)
		diagram_skip_rest(out, "getsockname()");
	return fd;
}

/* The MSS in the server's SYN/ACK limits the bytes that the client sends in one segment. */
static void limit_segments(struct process_pair *pair, int listener)
{
	if (pair->mss > 0 &&
	    sys_setsockopt(listener, IPPROTO_TCP, TCP_MAXSEG, &pair->mss, sizeof(pair->mss)) < 0)
		diagram_skip_rest(pair->out, "setsockopt(TCP_MAXSEG)");
}

/* The client is forked first: no other process may hold its end. */
void process_pair_open(struct process_pair *pair, const char *heading)
{
	static const char *const names[] = { "server", NULL };
	struct call connected, accepted;
	struct addr bound;
	int listener;

	diagram_columns(pair->out, names);
	diagram_scene(pair->out, heading);
	pair->client = process_fork(pair->out, DIAGRAM_CLIENT, "client");
	pair->server = process_self(pair->out, 1, names[0]);
	listener = process_listen(pair->out, 1, &bound);
	limit_segments(pair, listener);
	connected = process_run_cell(&pair->client, call_connect(&bound));
	diagram_arrow(pair->out, TO_SERVER, "SYN");
	accepted = process_run_line(&pair->server, call_accept(listener, ACCEPT_MS));
	pair->client_fd = (int)connected.result;
	pair->conn = (int)accepted.result;
	sys_close(listener);
	errno = connected.error != 0 ? connected.error : accepted.error;
	if (connected.result < 0 || accepted.result < 0)
		diagram_skip_rest(pair->out, "a connection on loopback");
	if (!kernel_ends(pair->conn, &pair->ends))
		diagram_skip_rest(pair->out, "getpeername()");
}

void process_pair_close(struct process_pair *pair)
{
	if (pair->conn >= 0)
		sys_close(pair->conn);
	process_stop(&pair->client);
}
