/* SPDX-License-Identifier: MIT */
/* How a child of this program's processes ends. Any process that a fork made. */
#ifndef BASE_LEAVE_H
#define BASE_LEAVE_H

/*
 * _exit(2): what the parent has left in stdio's buffers and atexit(3) is not the child's. In a
 * build with sanitizers memory that nothing leads to any more is reported first, and ends the
 * process with another code.
 */
_Noreturn void sys_leave(int code);

#endif
