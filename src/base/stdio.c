/* SPDX-License-Identifier: MIT */
/* Standard input, output and error. */
#include "base/stdio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "base/writer.h"

enum { WAIT_MS = 1000 };

void stdio_fill(bool needs_stdout)
{
	int fd;

	do
		fd = sys_open("/dev/null", O_RDWR, 0);
	while (fd >= 0 && fd < STDOUT_FILENO);
	if (fd == STDOUT_FILENO && needs_stdout) {
		int only_read = sys_open("/dev/null", O_RDONLY, 0);

		if (only_read >= 0)
			sys_dup2(only_read, STDOUT_FILENO);
		fd = only_read;
	}
	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = sys_open("/dev/null", O_RDWR, 0);
	if (fd >= 0)
		sys_close(fd);
}

void stdio_leave_terminal(void)
{
	int fd = sys_open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY, 0);

	if (fd < 0)
		return;
	sys_dup2(fd, STDIN_FILENO);
	sys_dup2(fd, STDOUT_FILENO);
	sys_close(fd);
}

bool stdio_flush(struct err *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	return err->text[0] != '\0' || err_errno(err, CODE_OSERR, "cannot write to stdout");
}

void stdio_say_last(const char *text)
{
	const struct writer writer = WRITER_STDERR;
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };

	(void)sys_poll(&ready, 1, WAIT_MS);
	(void)writer_write(&writer, text, strlen(text));
}

bool stdio_has_colour(int fd)
{
	const char *refused = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && (refused == NULL || refused[0] == '\0') && term != NULL &&
	       term[0] != '\0' && strcmp(term, "dumb") != 0;
}
