/* SPDX-License-Identifier: MIT */
/* Forks the actors of a lesson, gives them orders and ends them. Draws nothing but results. */
#include "demo/cast.h"

#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proctitle.h"
#include "base/strbuf.h"
#include "base/sys.h"
#include "demo/evidence.h"

enum { ANSWER_MS = 10000, DEATH_MS = 1000 };

/* An actor's life: orders until there is one without an act, or nobody to give any. */
static _Noreturn void act(int orders, const char *name)
{
	struct order order;

	proctitle_set("prefork-demo: %s", name);
	while (sys_recv(orders, &order, sizeof(order), 0) == sizeof(order) && order.act != NULL) {
		order_do(&order);
		if (sys_send(orders, &order, sizeof(order), MSG_NOSIGNAL) != sizeof(order))
			break;
	}
	_exit(0);
}

/* The parent may have died before the kernel was told to pass that on. */
static _Noreturn void begin(pid_t parent, int mine, const char *name)
{
	sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	act(mine, name);
}

static struct actor hire(struct stage *stage, unsigned column, const char *name,
			 unsigned long share)
{
	struct actor actor = { .column = column, .name = name };
	pid_t parent = getpid();
	int ends[2];

	if (sys_socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		stage_give_up(stage, "socketpair()");
	actor.pid = share != 0 ? sys_clone(share | SIGCHLD, NULL) : sys_fork();
	if (actor.pid < 0)
		stage_give_up(stage, share != 0 ? "clone()" : "fork()");
	if (actor.pid == 0) {
		if (share == 0)
			sys_close(ends[0]);
		begin(parent, ends[1], name);
	}
	actor.orders = ends[0];
	actor.theirs = -1;
	/* where the table is shared, closing it here would close it there */
	if (share == 0)
		sys_close(ends[1]);
	else
		actor.theirs = ends[1];
	return actor;
}

struct actor cast_self(unsigned column, const char *name)
{
	return (struct actor){
		.column = column, .name = name, .pid = getpid(), .orders = -1, .theirs = -1
	};
}

struct actor cast_hire(struct stage *stage, unsigned column, const char *name)
{
	return hire(stage, column, name, 0);
}

struct actor cast_hire_sharing(struct stage *stage, unsigned column, const char *name)
{
	return hire(stage, column, name, CLONE_FILES);
}

/*
 * An actor does not answer, perhaps because it is at its end, for which the parent has words; else
 * errno says why.
 */
static _Noreturn void lose(struct stage *stage, const struct actor *actor, const char *call)
{
	int64_t until_ms = clock_ms() + DEATH_MS;
	int error = errno;

	while (sys_waitpid(actor->pid, &stage->tally->lost, WNOHANG) != actor->pid &&
	       clock_ms() < until_ms)
		sys_poll(NULL, 0, 1);
	if (stage->tally->lost != 0)
		_exit(CODE_INTERNAL);
	errno = error;
	stage_give_up(stage, call);
}

void cast_begin(struct stage *stage, const struct actor *actor, struct order order)
{
	if (sys_send(actor->orders, &order, sizeof(order), MSG_NOSIGNAL) != sizeof(order))
		lose(stage, actor, "send() to a process of this lesson");
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

static void check_allowed(struct stage *stage, const struct order *order)
{
	errno = order->error;
	if (order->result < 0 && is_systems_fault(order->error))
		stage_give_up(stage, order->call);
}

/*
 * Waits for the answer or for the end of the process: where the table is shared this process holds
 * the actor's end too, which then stays open. Without pidfd_open(2) that end is not seen.
 */
static int await_answer(const struct actor *actor, int wait_ms)
{
	struct pollfd signs[] = { { .fd = actor->orders, .events = POLLIN },
				  { .fd = -1, .events = POLLIN } };
	int n;

	if (actor->theirs >= 0)
		signs[1].fd = sys_pidfd_open(actor->pid, 0);
	do
		n = sys_poll(signs, 2, wait_ms);
	while (n < 0 && errno == EINTR);
	if (signs[1].fd >= 0)
		sys_close(signs[1].fd);
	return n;
}

bool cast_end(struct stage *stage, const struct actor *actor, struct order *order, int wait_ms)
{
	int n = await_answer(actor, wait_ms);

	if (n == 0)
		return false;
	errno = n < 0 ? errno : ESRCH;
	if (n < 0 || sys_recv(actor->orders, order, sizeof(*order), MSG_DONTWAIT) != sizeof(*order))
		lose(stage, actor, "recv() from a process of this lesson");
	check_allowed(stage, order);
	return true;
}

struct order cast_do(struct stage *stage, const struct actor *actor, struct order order)
{
	if (actor->orders < 0) {
		order_do(&order);
		check_allowed(stage, &order);
		return order;
	}
	cast_begin(stage, actor, order);
	if (!cast_end(stage, actor, &order, ANSWER_MS)) {
		errno = ETIMEDOUT;
		stage_give_up(stage, order.call);
	}
	return order;
}

struct order cast_play(struct stage *stage, const struct actor *actor, struct order order)
{
	struct order done = cast_do(stage, actor, order);
	char text[ORDER_TEXT];

	stage_cell(stage, actor->column, "%s", order_text(&done, text));
	if (order_takes(&done) || order_drops(&done))
		stage_hold(stage, actor->column, order_takes(&done));
	return done;
}

struct order cast_step(struct stage *stage, const struct actor *actor, struct order order)
{
	struct order done = cast_play(stage, actor, order);

	stage_line(stage);
	return done;
}

bool cast_pass(struct stage *stage, enum direction direction, const struct actor *from, int from_fd,
	       const struct actor *to, int to_fd, const char *word)
{
	struct order sent, got;
	char label[16];

	snprintf(label, sizeof(label), "\"%s\"", word);
	stage_arrow(stage, direction, label);
	sent = cast_step(stage, from, order_send(from_fd, word));
	got = cast_step(stage, to, order_recv(to_fd, ORDER_BYTES, ANSWER_MS / 2));
	return sent.result == (int64_t)strlen(word) && order_says(&got, word);
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

void cast_await_sleep(struct stage *stage, const struct actor *actor)
{
	int64_t until_ms = clock_ms() + ANSWER_MS;
	int unread = 1;
	char state;

	/* it also sleeps while it waits for the order: first the order must have been taken */
	while (sys_ioctl(actor->orders, SIOCOUTQ, &unread) == 0 && clock_ms() < until_ms) {
		state = process_state(actor->pid);
		if (unread == 0 && state == 'S')
			return;
		if (state == '?')
			stage_give_up(stage, "the state of a process in /proc");
		if (state == 'Z')
			lose(stage, actor, "a process of this lesson");
		sys_poll(NULL, 0, 1);
	}
	errno = ETIMEDOUT;
	stage_give_up(stage, "waiting for a process to sleep");
}

static const char *name_of(pid_t pid, const struct actor *actors, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (actors[i].pid == pid)
			return actors[i].name;
	return "a stranger";
}

unsigned cast_holders(struct stage *stage, uint64_t inode, const struct actor *actors,
		      unsigned count)
{
	pid_t pids[EVIDENCE_HOLDERS];
	unsigned holders = evidence_holders(stage, inode, pids);
	char names[EVIDENCE_HOLDERS * 16] = "";
	struct strbuf text = strbuf_on(names, sizeof(names) - 1);

	for (unsigned i = 0; i < holders && i < EVIDENCE_HOLDERS; i++) {
		strbuf_raw(&text, i == 0 ? ": " : ", ");
		strbuf_raw(&text, name_of(pids[i], actors, count));
	}
	names[text.used] = '\0';
	stage_kernel(stage, "%u process%s the socket%s", holders,
		     holders == 1 ? " holds" : "es hold", names);
	return holders;
}

static void reap(struct actor *actor)
{
	while (sys_waitpid(actor->pid, NULL, 0) < 0 && errno == EINTR)
		;
	sys_close(actor->orders);
	if (actor->theirs >= 0)
		sys_close(actor->theirs);
	actor->pid = 0;
}

void cast_kill(struct stage *stage, struct actor *actor)
{
	if (sys_kill(actor->pid, SIGKILL) < 0)
		stage_give_up(stage, "kill()");
	reap(actor);
	stage_hold(stage, actor->column, false);
}

void cast_dismiss(struct stage *stage, struct actor *actor)
{
	if (actor->pid == 0)
		return;
	cast_begin(stage, actor, (struct order){ .act = NULL });
	reap(actor);
}
