/* SPDX-License-Identifier: MIT */
/*
 * All system calls in one place. Each row of tables/syscalls.def becomes sys_NAME with the
 * parameters and the result of the call it stands for (see its man page, section 2); errno is the
 * kernel's. Code that handles a failure uses these, so that a test can make any of them fail: a
 * build with --enable-faults consults base/sys_fault.c before each call, and any other build pays
 * nothing. Any process.
 */
#ifndef BASE_SYS_H
#define BASE_SYS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Missing in older headers. The number is the same on all architectures but alpha. */
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

/* Since Linux 6.9 (linux/pidfd.h). */
#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP (1U << 2)
#endif

enum sys_row {
#define SYSCALL(name, type, parameters, call, errnos) SYS_ROW_##name,
#include "tables/syscalls.def"
	SYS_ROW_COUNT
};

/*
 * Each call writes 1 + its row here before it starts, for the crash report of a process that died
 * in it. Points to a word of this process until a worker points it into its arena.
 */
extern uint32_t *sys_last_call;

/* The name of a recorded call; "none" for 0 and for a number without a row. */
const char *sys_name(uint32_t noted);

enum sys_fault {
	FAULT_NONE,
	FAULT_INSTEAD, /* the call fails and is not made */
	FAULT_BEHIND,  /* the call is made, and reported as failed */
	FAULT_KILL     /* the call is made, and the process is killed after it */
};

enum sys_fault_role {
	FAULT_MASTER,
	FAULT_WORKER,
	FAULT_KEEPER,
	FAULT_HELPER,
	FAULT_CHILD,
	FAULT_ANY, /* all roles together */
	FAULT_ROLES
};

enum { FAULT_LINE = 256 };

#ifdef FAULTS
/* Returns the fault planned for the next call of that row. */
enum sys_fault sys_fault_ask(unsigned row);
/*
 * Applies the fault after the call, unless it was FAULT_NONE. True when the call failed, with errno
 * set.
 */
bool sys_fault_strike(enum sys_fault fault);
/* Sets the role of this process, as in the log. */
void sys_fault_role(const char *name);
#else
static inline void sys_fault_role(const char *name)
{
	(void)name;
}
#endif

#ifdef FAULTS
/* The failure value of a call: NULL for a char pointer (getcwd(3)), else -1 (mmap(2)). */
#define SYS_FAILED(type) _Generic((type)0, char * : (type)0, default : (type)-1)
#define SYSCALL(name, type, parameters, call, errnos)                 \
	static inline type sys_##name parameters                      \
	{                                                             \
		enum sys_fault fault = sys_fault_ask(SYS_ROW_##name); \
		type result = SYS_FAILED(type);                       \
                                                                      \
		*sys_last_call = 1 + SYS_ROW_##name;                  \
		if (fault != FAULT_INSTEAD)                           \
			result = call;                                \
		if (fault != FAULT_NONE && sys_fault_strike(fault))   \
			result = SYS_FAILED(type);                    \
		return result;                                        \
	}
#else
#define SYSCALL(name, type, parameters, call, errnos) \
	static inline type sys_##name parameters      \
	{                                             \
		*sys_last_call = 1 + SYS_ROW_##name;  \
		return call;                          \
	}
#endif
#include "tables/syscalls.def"

/*
 * Ends a child with _exit(2): stdio buffers and atexit(3) handlers are the parent's. A build with
 * sanitizers first reports leaked memory, which changes the exit code.
 */
_Noreturn void sys_leave(int code);

#endif
