/* SPDX-License-Identifier: MIT */
/* Takes and restores the terminal. It knows nothing of what is shown. */
#include "ctl/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/sys.h"

/* ?1049: the alternate screen; ?25: the cursor. */
#define TAKE  "\033[?1049h\033[?25l\033[H\033[2J"
#define LEAVE "\r\n\033[0m\033[?25h\033[?1049l"

enum { ROWS_UNKNOWN = 24, COLUMNS_UNKNOWN = 80 };

static void ask_size(unsigned *rows, unsigned *columns)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		size.ws_row = size.ws_col = 0;
	*rows = size.ws_row > 0 ? size.ws_row : ROWS_UNKNOWN;
	*columns = size.ws_col > 0 ? size.ws_col : COLUMNS_UNKNOWN;
}

unsigned terminal_width(void)
{
	unsigned rows, columns;

	ask_size(&rows, &columns);
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
 * Signals stay on their keys; Ctrl-S must not stop a screen that is to be left at once when told.
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

bool terminal_await(void)
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
	return set_modes(&terminal->before) && terminal_write(TAKE, strlen(TAKE));
}

void terminal_leave(struct terminal *terminal)
{
	if (!terminal->is_taken)
		return;
	terminal->is_taken = false;
	terminal_write(LEAVE, strlen(LEAVE));
	tcsetattr(STDIN_FILENO, TCSANOW, &terminal->before);
}

void terminal_measure(struct terminal *terminal)
{
	ask_size(&terminal->rows, &terminal->columns);
}

/* Whoever shares the terminal may have made it non-blocking. */
static bool wait_for_room(void)
{
	struct pollfd watch = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return sys_poll(&watch, 1, -1) >= 0 || errno == EINTR;
}

bool terminal_write(const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t written = sys_write(STDOUT_FILENO, bytes, size);

		if (written < 0 && errno == EAGAIN && wait_for_room())
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
