/* SPDX-License-Identifier: MIT */
/*
 * The terminal on stdin and stdout, in full-screen use: the alternate screen without a cursor, and
 * keys read one by one without echo. It uses only features that today's terminals share: ECMA-48,
 * xterm's alternate screen, and termios(3). A process that takes the terminal must leave it before
 * it ends, in every case.
 */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "base/err.h"

struct terminal {
	struct termios before; /* the modes to restore */
	bool is_taken;
	unsigned rows, columns;
};

/* Returns the columns of the terminal on stdout; 80 if they are unknown. */
unsigned terminal_width(void);

/*
 * Returns false with err (CODE_USAGE) when there is no terminal, or one that cannot move its
 * cursor.
 */
bool terminal_check(struct err *err);

/*
 * Waits until this process is in the foreground; the kernel stops it meanwhile (SIGTTOU). Returns
 * false with errno set.
 */
bool terminal_wait_foreground(void);

/*
 * Takes the terminal, or takes it again when other processes may have changed it meanwhile, and
 * reads its size. Returns false with errno set. In this call the kernel stops a background process
 * until it is in the foreground (SIGTTOU).
 */
bool terminal_take(struct terminal *terminal);

/* Restores modes, cursor and screen. No effect when the terminal is not taken. */
void terminal_leave(struct terminal *terminal);

/* Reads the size of the terminal into rows and columns. */
void terminal_measure(struct terminal *terminal);

/* Writes all of the bytes. Returns false with errno set when the terminal is gone. */
bool terminal_write(const char *bytes, size_t size);

/* Keys: letters, and the sequences of ECMA-48 and of VT220 keyboards for arrows and the like. */
enum key {
	KEY_NONE, /* the key is not complete, or has no meaning */
	KEY_QUIT,
	KEY_REFRESH,
	KEY_UP,
	KEY_DOWN,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_TOP,
	KEY_BOTTOM
};

/* The state of the decoder between two bytes; zeros at first. */
struct terminal_keys {
	enum { KEYS_GROUND, KEYS_ESCAPE, KEYS_CSI, KEYS_SS3 } state;
	unsigned number; /* the first parameter of the sequence */
	unsigned parameters;
};

/* Decodes the next byte from the terminal; a sequence may arrive in any pieces. Pure. */
enum key terminal_decode_key(struct terminal_keys *keys, unsigned char byte);

#endif
