/* SPDX-License-Identifier: MIT */
/*
 * The system calls, by one door. Each row of tables/syscalls.def becomes sys_NAME with the
 * parameters and the result of the call it stands for (see its man page, section 2); errno is the
 * kernel's. Code that must decide on a failure calls these, so that a test can make any of them
 * fail: a build with --enable-faults asks base/sys_fault.c before each call, any other pays
 * nothing. Any process.
 */
#ifndef BASE_SYS_H
#define BASE_SYS_H

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
#include <sys/resource.h>
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

/* Newer than some headers; of one number on all architectures but alpha. */
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

enum sys_row {
#define SYSCALL(name, type, parameters, call, errnos) SYS_ROW_##name,
#include "tables/syscalls.def"
	SYS_ROW_COUNT
};

/*
 * Where each call notes 1 + its row before it begins, for the report on a process that died of it.
 * A word of this process's own until it is pointed elsewhere (by a worker, into its arena).
 */
extern uint32_t *sys_last_call;

/* The name of what was noted; "none" for 0 and for what is no row. */
const char *sys_name(uint32_t noted);

enum sys_fault {
	FAULT_NONE,
	FAULT_INSTEAD, /* the call fails and is not made */
	FAULT_BEHIND,  /* the call is made, and said to have failed */
	FAULT_KILL     /* the call is made, and is the last one of its process */
};

enum sys_fault_role {
	FAULT_MASTER,
	FAULT_WORKER,
	FAULT_KEEPER,
	FAULT_CHILD,
	FAULT_ANY, /* all of them together */
	FAULT_ROLES
};

enum { FAULT_LINE = 256 };

#ifdef FAULTS
/* What is to become of the call of that row that the process is about to make. */
enum sys_fault sys_fault_ask(unsigned row);
/* After the call, unless it was FAULT_NONE: true when it has failed, with errno. */
bool sys_fault_strike(enum sys_fault fault);
/* The role of this process from now on, as in the log. */
void sys_fault_role(const char *name);
#else
static inline void sys_fault_role(const char *name)
{
	(void)name;
}
#endif

#ifdef FAULTS
/* What a call returns that fails: the two kinds of pointer differ (mmap(2), getcwd(3)). */
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
 * _exit(2): what the parent has left in stdio's buffers and atexit(3) is not the child's. In a
 * build with sanitizers memory that nothing leads to any more is reported first, and ends the
 * process with another code.
 */
_Noreturn void sys_leave(int code);

#endif
