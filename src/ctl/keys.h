/* SPDX-License-Identifier: MIT */
/*
 * Keys out of the bytes that a terminal sends for them: letters, and the sequences of ECMA-48 and
 * of VT220 keyboards for arrows and the like. Pure; any process.
 */
#ifndef CTL_KEYS_H
#define CTL_KEYS_H

enum key {
	KEY_NONE, /* not the end of a key, or of one that means nothing */
	KEY_QUIT,
	KEY_REFRESH,
	KEY_UP,
	KEY_DOWN,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_TOP,
	KEY_BOTTOM
};

/* What has come of a sequence; all zeros at first. */
struct keys {
	enum { KEYS_PLAIN, KEYS_ESCAPE, KEYS_SEQUENCE, KEYS_SINGLE } state;
	unsigned number; /* its first parameter */
	unsigned parameters;
};

/* Takes the next byte; a sequence may come in any pieces. */
enum key keys_take(struct keys *keys, unsigned char byte);

#endif
