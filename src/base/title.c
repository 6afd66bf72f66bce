/* SPDX-License-Identifier: MIT */
/*
 * Writes the process's title over its own arguments. It parses no argument. Called by main at its
 * start, and by every process when its role or state changes.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "base/title.h"

enum { TITLE_MOST = 1024 }; /* the kernel shows at most a page */

/* Set by title_start in main, before any fork; read only afterwards. */
static struct {
	char *area;            /* arguments and environment, one after the other */
	size_t size;           /* of it all */
	size_t arguments_size; /* of the arguments alone */
} memory;

/* The end of the strings that follow each other without a gap from `end` on. */
static char *stretch(char **strings, char *end)
{
	for (; *strings && *strings == end; strings++)
		end += strlen(*strings) + 1;
	return end;
}

static size_t count(char **strings)
{
	size_t n = 0;

	while (strings[n])
		n++;
	return n;
}

/* New copies of all the strings, in one NULL-ended array; NULL without memory. */
static char **copy(char **strings)
{
	size_t n = count(strings);
	char **copies = calloc(n + 1, sizeof(*copies));

	for (size_t i = 0; copies && i < n; i++) {
		copies[i] = strdup(strings[i]);
		if (copies[i])
			continue;
		while (i > 0)
			free(copies[--i]);
		free(copies);
		copies = NULL;
	}
	return copies;
}

static void discard(char **strings)
{
	for (size_t i = 0; strings && strings[i]; i++)
		free(strings[i]);
	free(strings);
}

/* libc's two names of the program point into argv[0] as well. */
static void keep_names(const char *old, const char *new)
{
	size_t length = strlen(old);

	if (program_invocation_name >= old && program_invocation_name <= old + length)
		program_invocation_name = (char *)new + (program_invocation_name - old);
	if (program_invocation_short_name >= old && program_invocation_short_name <= old + length)
		program_invocation_short_name = (char *)new + (program_invocation_short_name - old);
}

void title_start(int argc, char **argv)
{
	char **arguments, **environment, *end;

	if (argc < 1)
		return;
	arguments = copy(argv);
	environment = copy(environ);
	if (!arguments || !environment) {
		discard(arguments);
		discard(environment);
		return;
	}
	end = stretch(argv, argv[0]);
	memory.area = argv[0];
	memory.arguments_size = (size_t)(end - argv[0]);
	memory.size = (size_t)(stretch(environ, end) - argv[0]);
	keep_names(argv[0], arguments[0]);
	for (int i = 0; i < argc; i++)
		argv[i] = arguments[i];
	free(arguments);
	environ = environment;
}

void title_set(const char *format, ...)
{
	char text[TITLE_MOST];
	size_t length, room = memory.size < sizeof(text) ? memory.size : sizeof(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	sys_prctl(PR_SET_NAME, (unsigned long)text);
	if (room < 2)
		return;
	length = strnlen(text, room - 1);
	memcpy(memory.area, text, length);
	memset(memory.area + length, 0, memory.size - length);
	/*
	 * a last byte that is not NUL tells the kernel to show the text up to its NUL and no
	 * padding
	 */
	if (length + 1 < memory.arguments_size)
		memory.area[memory.arguments_size - 1] = ' ';
}
