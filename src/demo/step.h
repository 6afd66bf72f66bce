/* SPDX-License-Identifier: MIT */
/*
 * Waits for a key between two scenes (--step), on the terminal that is both stdin and stdout. The
 * terminal's modes are restored after each key, and when a signal ends or stops prefork-demo
 * meanwhile. prefork-demo's process and those of the lessons.
 */
#ifndef DEMO_STEP_H
#define DEMO_STEP_H

#include <stdbool.h>

#include "base/err.h"

/* Before the first fork. Returns false with err (CODE_USAGE) without a terminal. */
bool step_enable(struct err *err);

/*
 * In a child, for which the shell does not wait: only prefork-demo itself restores the terminal
 * when it is stopped.
 */
void step_enter_child(void);

/*
 * Flushes stdout and waits for a key. Returns false when the key is q, or the terminal is gone.
 * Without step_enable it returns true at once. An alarm(2) of this process is suspended meanwhile.
 */
bool step_wait(void);

#endif
