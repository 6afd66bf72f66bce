/* SPDX-License-Identifier: MIT */
/* A process with forbidden system calls, as in a container (seccomp(2)). */
#ifndef UNIT_SANDBOX_H
#define UNIT_SANDBOX_H

#include <stdbool.h>

enum { SANDBOX_ANY = -1 };

/*
 * From now on this system call (SYS_socket ...) fails with EPERM, or with `error`, in this process
 * and its children, if its first argument is `first` (SANDBOX_ANY: always). Returns false where the
 * kernel cannot do that.
 */
bool sandbox_forbid(long call, int first);
bool sandbox_fail(long call, int first, int error);

/*
 * Runs a test in a child, which the call is forbidden in and not in the tests that follow. Returns
 * false when a claim in it failed.
 */
bool sandbox_run(void (*test)(void));

#endif
