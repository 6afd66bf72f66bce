/* SPDX-License-Identifier: MIT */
/* Reads keys, byte by byte. What they do is the caller's business. */
#include "ctl/keys.h"

#include <stddef.h>

struct row {
	unsigned code;
	enum key key;
};

static const struct row letters[] = {
	{ 'q', KEY_QUIT },      { 'Q', KEY_QUIT }, { ' ', KEY_REFRESH }, { '\n', KEY_REFRESH },
	{ '\r', KEY_REFRESH },  { 'k', KEY_UP },   { 'j', KEY_DOWN },    { 'b', KEY_PAGE_UP },
	{ 'f', KEY_PAGE_DOWN }, { 'g', KEY_TOP },  { 'G', KEY_BOTTOM },
};

/* ESC [ X and ESC O X */
static const struct row finals[] = {
	{ 'A', KEY_UP },
	{ 'B', KEY_DOWN },
	{ 'H', KEY_TOP },
	{ 'F', KEY_BOTTOM },
};

/* ESC [ N ~ */
static const struct row numbers[] = {
	{ 1, KEY_TOP },       { 4, KEY_BOTTOM }, { 5, KEY_PAGE_UP },
	{ 6, KEY_PAGE_DOWN }, { 7, KEY_TOP },    { 8, KEY_BOTTOM },
};

#define FIND(rows, code) find(rows, sizeof(rows) / sizeof(*(rows)), code)
static enum key find(const struct row *rows, size_t count, unsigned code)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].code == code)
			return rows[i].key;
	return KEY_NONE;
}

/* Within ESC [ ...: digits and semicolons, then a byte that ends it. */
static enum key take_parameter(struct keys *keys, unsigned char byte)
{
	if (byte >= '0' && byte <= '9' && keys->parameters == 0 && keys->number < 100)
		keys->number = keys->number * 10 + (byte - '0');
	if (byte == ';')
		keys->parameters++;
	if (byte < 0x40)
		return KEY_NONE;
	keys->state = KEYS_PLAIN;
	return byte == '~' ? FIND(numbers, keys->number) : FIND(finals, byte);
}

enum key keys_take(struct keys *keys, unsigned char byte)
{
	if (byte == '\033') {
		keys->state = KEYS_ESCAPE;
		return KEY_NONE;
	}
	switch (keys->state) {
	case KEYS_ESCAPE:
		*keys = (struct keys){ .state = byte == '[' ? KEYS_SEQUENCE :
						byte == 'O' ? KEYS_SINGLE :
							      KEYS_PLAIN };
		return KEY_NONE;
	case KEYS_SEQUENCE:
		return take_parameter(keys, byte);
	case KEYS_SINGLE:
		keys->state = KEYS_PLAIN;
		return FIND(finals, byte);
	default:
		return FIND(letters, byte);
	}
}
