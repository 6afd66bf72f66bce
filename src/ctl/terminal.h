/* SPDX-License-Identifier: MIT */
/*
 * The terminal on stdin and stdout as a screen of its own: the alternate one, without a cursor,
 * keys one by one and unseen. What terminals of today agree on (ECMA-48, and xterm's alternate
 * screen) is all that is used of them; termios(3). Whoever takes it leaves it on every way out.
 */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "base/err.h"

struct terminal {
	struct termios before; /* the modes to go back to */
	bool is_taken;
	unsigned rows, columns;
};

/* The columns of the terminal on stdout, 80 where it does not know. */
unsigned terminal_width(void);

/* False with err (CODE_USAGE) when there is no terminal that can be written all over. */
bool terminal_check(struct err *err);

/*
 * Waits, stopped by the kernel (SIGTTOU), until this process is in the foreground. False with
 * errno.
 */
bool terminal_await(void);

/*
 * Takes the terminal, or takes it again when others may have changed it meanwhile, and measures it.
 * False with errno. A process in the background is stopped by this until it is in the foreground
 * (SIGTTOU).
 */
bool terminal_take(struct terminal *terminal);

/* Puts everything back; nothing when it is not taken. */
void terminal_leave(struct terminal *terminal);

/* Looks how large it is now. */
void terminal_measure(struct terminal *terminal);

/* Writes all of it; false with errno when the terminal is gone. */
bool terminal_write(const char *bytes, size_t size);

#endif
