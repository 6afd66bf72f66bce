/* SPDX-License-Identifier: MIT */
/*
 * The process title that ps(1) shows. The kernel shows the memory that holds main's arguments and
 * environment (proc(5), /proc/PID/cmdline), so a title is written over it.
 */
#ifndef BASE_PROCTITLE_H
#define BASE_PROCTITLE_H

/*
 * Moves the strings of the arguments and the environment away; afterwards argv[i] and environ point
 * to copies. Call it once in main, before any pointer to one of them is kept. Without memory there
 * are no titles.
 */
void proctitle_start(int argc, char **argv);

/*
 * Sets the title to the formatted text, cut to the available room, and the comm name too (prctl(2)
 * PR_SET_NAME).
 */
void proctitle_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
