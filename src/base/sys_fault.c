/* SPDX-License-Identifier: MIT */
/*
 * System calls that fail on demand, only in a build with --enable-faults. It counts calls in memory
 * that all processes of a server share, and must not use base/sys.h for its own calls. The
 * environment selects the failing call:
 *
 *    PREFORK_FAULT=ROLE:CALL:ERRNO:N[:kill]
 *      ROLE   master, worker, keeper, helper, child (a process without a role yet) or any
 *      CALL   a row of tables/syscalls.def
 *      N      number of the failing call, from 1, over all processes of that role together
 *      kill   the call is made, and the process is killed right after it
 *    PREFORK_FAULT=count: no call fails
 *    PREFORK_FAULT_LOG=FILE: holds a struct fault_report, always up to date
 */
#include "base/sys.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* The content of the file PREFORK_FAULT_LOG, which every process maps. */
struct fault_report {
	char line[FAULT_LINE]; /* the failed call and its process; "" until then */
	_Atomic uint32_t calls[FAULT_ROLES][SYS_ROW_COUNT];
};

static const char *const role_names[FAULT_ROLES] = { "master", "worker", "keeper",
						     "helper", "child",  "any" };

/* Written before main starts; NULL without PREFORK_FAULT. */
static struct fault_report *report;
static struct {
	enum sys_fault_role role;
	unsigned row; /* SYS_ROW_COUNT: no call */
	int error;
	uint32_t nth;
	bool kills;
} plan = { .row = SYS_ROW_COUNT };

/* Written by sys_fault_role; a child has its parent's until it sets its own. */
static struct {
	enum sys_fault_role role;
	pid_t pid;
} self;

static pid_t doomed; /* the process whose call kills it; written by that process */

static enum sys_fault_role find_role(const char *name)
{
	unsigned role = 0;

	while (role < FAULT_ROLES && strcmp(role_names[role], name) != 0)
		role++;
	return (enum sys_fault_role)role;
}

static unsigned find_row(const char *name)
{
	unsigned row = 0;

	while (row < SYS_ROW_COUNT && strcmp(sys_name(row + 1), name) != 0)
		row++;
	return row;
}

/* Returns 0 when there is no errno of that name. */
static int find_error(const char *name)
{
	enum { ERRORS = 256 };

	for (int error = 1; error < ERRORS; error++) {
		const char *known = strerrorname_np(error);

		if (known && strcmp(known, name) == 0)
			return error;
	}
	return 0;
}

static bool read_plan(const char *text)
{
	char role[16] = "", call[32] = "", error[32] = "", tail[8] = "";
	int fields = sscanf(text, "%15[a-z]:%31[a-z0-9_]:%31[A-Z0-9]:%" SCNu32 "%7s", role, call,
			    error, &plan.nth, tail);

	plan.role = find_role(role);
	plan.row = find_row(call);
	plan.error = find_error(error);
	plan.kills = strcmp(tail, ":kill") == 0;
	return plan.role < FAULT_ROLES && plan.row < SYS_ROW_COUNT && plan.error > 0 &&
	       plan.nth > 0 && (fields == 4 || (fields == 5 && plan.kills));
}

/*
 * A mapping needs no descriptor and no permission later, when the process has closed or dropped
 * both.
 */
static struct fault_report *open_report(const char *path)
{
	int fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	void *mapping = MAP_FAILED;

	if (!path || (fd >= 0 && ftruncate(fd, sizeof(struct fault_report)) == 0))
		mapping = mmap(NULL, sizeof(struct fault_report), PROT_READ | PROT_WRITE,
			       MAP_SHARED | (path ? 0 : MAP_ANONYMOUS), fd, 0);
	if (fd >= 0)
		close(fd);
	return mapping == MAP_FAILED ? NULL : mapping;
}

static _Noreturn void refuse_plan(const char *what)
{
	fprintf(stderr, "prefork-srv: %s (ROLE:CALL:ERRNO:N[:kill], or count)\n", what);
	_exit(CODE_USAGE);
}

/* Runs before main, so that its first call counts already. */
__attribute__((constructor)) static void start(void)
{
	const char *text = getenv("PREFORK_FAULT");

	self.pid = getpid();
	if (!text)
		return;
	if (strcmp(text, "count") != 0 && !read_plan(text))
		refuse_plan("PREFORK_FAULT cannot be read");
	report = open_report(getenv("PREFORK_FAULT_LOG"));
	if (!report)
		refuse_plan("PREFORK_FAULT_LOG cannot be written");
}

void sys_fault_role(const char *name)
{
	self.role = find_role(name);
	self.pid = getpid();
	BUG_ON(self.role >= FAULT_ANY);
}

/* Returns the number of calls of that row so far. */
static uint32_t count_call(enum sys_fault_role role, unsigned row)
{
	return atomic_fetch_add_explicit(&report->calls[role][row], 1, memory_order_relaxed) + 1;
}

static bool is_wanted(unsigned row)
{
	enum sys_fault_role role = getpid() == self.pid ? self.role : FAULT_CHILD;
	uint32_t nth = count_call(role, row), of_any = count_call(FAULT_ANY, row);

	if (row != plan.row)
		return false;
	if (plan.role == FAULT_ANY)
		return of_any == plan.nth;
	return role == plan.role && nth == plan.nth;
}

enum sys_fault sys_fault_ask(unsigned row)
{
	if (!report || !is_wanted(row))
		return FAULT_NONE;
	doomed = getpid();
	snprintf(report->line, sizeof(report->line), "%s:%s:%s:%" PRIu32 "%s pid=%d\n",
		 role_names[plan.role], sys_name(row + 1), strerrorname_np(plan.error), plan.nth,
		 plan.kills ? ":kill" : "", (int)doomed);
	if (plan.kills)
		return FAULT_KILL;
	/* The descriptor is closed even when close returns an error (close(2)). */
	return row == SYS_ROW_close ? FAULT_BEHIND : FAULT_INSTEAD;
}

bool sys_fault_strike(enum sys_fault fault)
{
	if (fault == FAULT_KILL) {
		if (getpid() == doomed)
			kill(doomed, SIGKILL);
		return false; /* the child of a fork is not killed */
	}
	errno = plan.error;
	return true;
}
