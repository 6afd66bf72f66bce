/* SPDX-License-Identifier: MIT */
/*
 * Waits for a key between two scenes, on the terminal that is both stdin and stdout. The terminal
 * has its own modes again after each key, and when a signal ends or stops prefork-demo meanwhile.
 * The process that prefork-demo is, and those of the lessons.
 */
#ifndef DEMO_STEP_H
#define DEMO_STEP_H

#include <stdbool.h>

#include "base/err.h"

/* Pauses are wanted. Before anything is forked. False with err (CODE_USAGE) without a terminal. */
bool step_enable(struct err *err);

/*
 * In a child, which a shell does not wait for: prefork-demo alone sees to the terminal when it is
 * stopped.
 */
void step_enter_child(void);

/*
 * Flushes stdout, and waits until a key is pressed. False: q was, or the terminal is gone. Without
 * step_enable: true at once. An alarm(2) of this process is put off meanwhile.
 */
bool step_wait(void);

#endif
