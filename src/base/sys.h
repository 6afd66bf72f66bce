/* SPDX-License-Identifier: MIT */
/*
 * The system calls, by one door. Each row of tables/syscalls.def becomes sys_NAME with the
 * parameters and the result of the call it stands for (see its man page, section 2); errno is the
 * kernel's. Code that must decide on a failure calls these, so that a test can make any of them
 * fail.
 */
#ifndef BASE_SYS_H
#define BASE_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYSCALL(name, type, parameters, call, errnos) \
	static inline type sys_##name parameters      \
	{                                             \
		return call;                          \
	}
#include "tables/syscalls.def"

#endif
