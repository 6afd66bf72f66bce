/* SPDX-License-Identifier: MIT */
/*
 * The system calls, by one door. Each row of tables/syscalls.def becomes sys_NAME with the
 * parameters and the result of the call it stands for (see its man page, section 2); errno is the
 * kernel's. Code that must decide on a failure calls these, so that a test can make any of them
 * fail: a build with --enable-faults asks base/fault.h before each call, any other pays nothing.
 */
#ifndef BASE_SYS_H
#define BASE_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
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

#include "base/fault.h"

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

#ifdef FAULTS
/* What a call returns that fails: the two kinds of pointer differ (mmap(2), getcwd(3)). */
#define SYS_FAILED(type) _Generic((type)0, char * : (type)0, default : (type)-1)
#define SYSCALL(name, type, parameters, call, errnos)           \
	static inline type sys_##name parameters                \
	{                                                       \
		enum fault fault = fault_ask(SYS_ROW_##name);   \
		type result = SYS_FAILED(type);                 \
                                                                \
		*sys_last_call = 1 + SYS_ROW_##name;            \
		if (fault != FAULT_INSTEAD)                     \
			result = call;                          \
		if (fault != FAULT_NONE && fault_strike(fault)) \
			result = SYS_FAILED(type);              \
		return result;                                  \
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

#endif
