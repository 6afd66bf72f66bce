/* SPDX-License-Identifier: MIT */
/* Follows the cursor of the terminal. Must not write bytes other than the missing newline. */
#include "client/screen.h"

#include <stdio.h>

#include "base/sys.h"

static bool is_same_terminal(int fd, const struct stat *as)
{
	struct stat st;

	return isatty(fd) && sys_fstat(fd, &st) == 0 && st.st_rdev == as->st_rdev;
}

void screen_init(struct screen *screen)
{
	struct stat st;

	*screen = (struct screen){ .is_mid_line = false };
	if (sys_fstat(STDERR_FILENO, &st) < 0)
		return;
	screen->is_shared = isatty(STDERR_FILENO) && is_same_terminal(STDOUT_FILENO, &st);
	screen->is_typed_on = screen->is_shared && is_same_terminal(STDIN_FILENO, &st);
}

void screen_wrote(struct screen *screen, char last)
{
	screen->is_mid_line = screen->is_shared && last != '\n';
}

void screen_read(struct screen *screen, char last)
{
	if (screen->is_typed_on && last == '\n')
		screen->is_mid_line = false;
}

void screen_break_line(struct screen *screen)
{
	if (screen->is_mid_line)
		fputc('\n', stderr);
	screen->is_mid_line = false;
}
