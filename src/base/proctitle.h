/* SPDX-License-Identifier: MIT */
/*
 * What ps(1) shows of this process. The kernel shows the memory in which main's arguments and
 * environment stand (proc(5), /proc/PID/cmdline), so a title is written over it.
 */
#ifndef BASE_PROCTITLE_H
#define BASE_PROCTITLE_H

/*
 * Moves the arguments' and the environment's strings out of the way (argv[i] and environ lead to
 * copies afterwards); call once in main, before anything keeps a pointer to one of them. Without
 * memory there are no titles.
 */
void proctitle_start(int argc, char **argv);

/*
 * Shows the formatted text, cut to the room there is, and the comm name (prctl(2) PR_SET_NAME) as
 * well.
 */
void proctitle_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
