/* SPDX-License-Identifier: MIT */
/* A process that may not do everything, as in a container (seccomp(2)). */
#ifndef UNIT_SANDBOX_H
#define UNIT_SANDBOX_H

#include <stdbool.h>

enum { SANDBOX_ANY = -1 };

/*
 * From now on this system call (SYS_socket ...) fails with EPERM in this process and its children,
 * where its first argument is that number (SANDBOX_ANY: always). False where that cannot be had.
 */
bool sandbox_forbid(long call, int first);

#endif
