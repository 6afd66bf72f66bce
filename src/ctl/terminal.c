/* SPDX-License-Identifier: MIT */
/*
 * Takes and restores the terminal, writes to it, and decodes its keys. Must not depend on the text
 * shown or on the effect of a key.
 */
#include "ctl/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/sys.h"

/* ?1049: the alternate screen; ?25: the cursor. */
#define ENTER_SCREEN "\033[?1049h\033[?25l\033[H\033[2J"
#define LEAVE_SCREEN "\r\n\033[0m\033[?25h\033[?1049l"

enum { DEFAULT_ROWS = 24, DEFAULT_COLUMNS = 80 };

static void get_size(unsigned *rows, unsigned *columns)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		size.ws_row = size.ws_col = 0;
	*rows = size.ws_row > 0 ? size.ws_row : DEFAULT_ROWS;
	*columns = size.ws_col > 0 ? size.ws_col : DEFAULT_COLUMNS;
}

unsigned terminal_width(void)
{
	unsigned rows, columns;

	get_size(&rows, &columns);
	return columns;
}

bool terminal_check(struct err *err)
{
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(
			err, CODE_USAGE,
			"--watch: needs a terminal on stdin and stdout (without it, -s status "
			"prints once)");
	if (term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0)
		return err_set(err, CODE_USAGE,
			       "--watch: this terminal cannot be written all over (TERM is %s)",
			       term == NULL || term[0] == '\0' ? "not set" : "dumb");
	return true;
}

/*
 * Ctrl-C and Ctrl-Z still send their signals. Ctrl-S must not stop the output: a signal must end
 * the program at once.
 */
static bool set_modes(const struct termios *before)
{
	struct termios modes = *before;

	modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	modes.c_iflag &= ~(tcflag_t)IXON;
	modes.c_iflag |= ICRNL;
	modes.c_oflag |= OPOST | ONLCR;
	modes.c_cc[VMIN] = 1;
	modes.c_cc[VTIME] = 0;
	return tcsetattr(STDIN_FILENO, TCSANOW, &modes) == 0;
}

bool terminal_wait_foreground(void)
{
	struct termios now;

	return tcgetattr(STDIN_FILENO, &now) == 0 && tcsetattr(STDIN_FILENO, TCSANOW, &now) == 0;
}

bool terminal_take(struct terminal *terminal)
{
	if (!terminal->is_taken && tcgetattr(STDIN_FILENO, &terminal->before) < 0)
		return false;
	terminal->is_taken = true;
	terminal_measure(terminal);
	return set_modes(&terminal->before) && terminal_write(ENTER_SCREEN, strlen(ENTER_SCREEN));
}

void terminal_leave(struct terminal *terminal)
{
	if (!terminal->is_taken)
		return;
	terminal->is_taken = false;
	terminal_write(LEAVE_SCREEN, strlen(LEAVE_SCREEN));
	tcsetattr(STDIN_FILENO, TCSANOW, &terminal->before);
}

void terminal_measure(struct terminal *terminal)
{
	get_size(&terminal->rows, &terminal->columns);
}

/* Another process on the same terminal may have made it non-blocking. */
static bool wait_writable(void)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return sys_poll(&fd, 1, -1) >= 0 || errno == EINTR;
}

bool terminal_write(const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t written = sys_write(STDOUT_FILENO, bytes, size);

		if (written < 0 && errno == EAGAIN && wait_writable())
			continue;
		if (written < 0 && errno != EINTR)
			return false;
		if (written > 0) {
			bytes += written;
			size -= (size_t)written;
		}
	}
	return true;
}

struct key_row {
	unsigned code;
	enum key key;
};

static const struct key_row letters[] = {
	{ 'q', KEY_QUIT },      { 'Q', KEY_QUIT }, { ' ', KEY_REFRESH }, { '\n', KEY_REFRESH },
	{ '\r', KEY_REFRESH },  { 'k', KEY_UP },   { 'j', KEY_DOWN },    { 'b', KEY_PAGE_UP },
	{ 'f', KEY_PAGE_DOWN }, { 'g', KEY_TOP },  { 'G', KEY_BOTTOM },
};

/* The final byte X of ESC [ X (CSI) and ESC O X (SS3). */
static const struct key_row finals[] = {
	{ 'A', KEY_UP },
	{ 'B', KEY_DOWN },
	{ 'H', KEY_TOP },
	{ 'F', KEY_BOTTOM },
};

/* The parameter N of ESC [ N ~ (VT220). */
static const struct key_row numbers[] = {
	{ 1, KEY_TOP },       { 4, KEY_BOTTOM }, { 5, KEY_PAGE_UP },
	{ 6, KEY_PAGE_DOWN }, { 7, KEY_TOP },    { 8, KEY_BOTTOM },
};

#define FIND_KEY(rows, code) find_key(rows, sizeof(rows) / sizeof(*(rows)), code)
static enum key find_key(const struct key_row *rows, size_t count, unsigned code)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].code == code)
			return rows[i].key;
	return KEY_NONE;
}

/* Within ESC [ ...: digits and semicolons, then the byte that ends the sequence. */
static enum key decode_csi(struct terminal_keys *keys, unsigned char byte)
{
	if (byte >= '0' && byte <= '9' && keys->parameters == 0 && keys->number < 100)
		keys->number = keys->number * 10 + (byte - '0');
	if (byte == ';')
		keys->parameters++;
	if (byte < 0x40)
		return KEY_NONE;
	keys->state = KEYS_GROUND;
	return byte == '~' ? FIND_KEY(numbers, keys->number) : FIND_KEY(finals, byte);
}

enum key terminal_decode_key(struct terminal_keys *keys, unsigned char byte)
{
	if (byte == '\033') {
		keys->state = KEYS_ESCAPE;
		return KEY_NONE;
	}
	switch (keys->state) {
	case KEYS_ESCAPE:
		*keys = (struct terminal_keys){ .state = byte == '[' ? KEYS_CSI :
							 byte == 'O' ? KEYS_SS3 :
								       KEYS_GROUND };
		return KEY_NONE;
	case KEYS_CSI:
		return decode_csi(keys, byte);
	case KEYS_SS3:
		keys->state = KEYS_GROUND;
		return FIND_KEY(finals, byte);
	default:
		return FIND_KEY(letters, byte);
	}
}
