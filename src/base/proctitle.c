/* SPDX-License-Identifier: MIT */
/* Writes the process's title over its own arguments. It parses no argument. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/proctitle.h"
#include "base/sys.h"

enum { TITLE_MOST = 1024 }; /* the kernel shows at most a page */

/* Set by proctitle_start in main, before any fork; read-only afterwards. */
static struct {
	char *area;            /* start of the arguments; the environment follows */
	size_t size;           /* of arguments and environment */
	size_t arguments_size; /* of the arguments alone */
	char **arguments;      /* the copies, kept for the life of the process */
	char **environment;
} memory;

/* Returns the end of the strings that follow `end` without a gap. */
static char *find_end_of(char **strings, char *end)
{
	for (; *strings && *strings == end; strings++)
		end += strlen(*strings) + 1;
	return end;
}

/*
 * Copies the strings of a NULL-terminated array into one block, which stays whole when a variable
 * is unset. Returns NULL without memory.
 */
static char **copy_strings(char **strings)
{
	size_t n = 0, size = 0;
	char **copies, *text;

	for (; strings[n]; n++)
		size += strlen(strings[n]) + 1;
	copies = malloc((n + 1) * sizeof(*copies) + size);
	if (!copies)
		return NULL;
	text = (char *)(copies + n + 1);
	for (size_t i = 0; i < n; i++) {
		copies[i] = text;
		text = stpcpy(text, strings[i]) + 1;
	}
	copies[n] = NULL;
	return copies;
}

/* libc's two names of the program also point into argv[0]. */
static void keep_names(const char *old, const char *new)
{
	size_t length = strlen(old);

	if (program_invocation_name >= old && program_invocation_name <= old + length)
		program_invocation_name = (char *)new + (program_invocation_name - old);
	if (program_invocation_short_name >= old && program_invocation_short_name <= old + length)
		program_invocation_short_name = (char *)new + (program_invocation_short_name - old);
}

void proctitle_start(int argc, char **argv)
{
	char **arguments, **environment, *end;

	if (argc < 1)
		return;
	arguments = copy_strings(argv);
	environment = copy_strings(environ);
	if (!arguments || !environment) {
		free(arguments);
		free(environment);
		return;
	}
	end = find_end_of(argv, argv[0]);
	memory.area = argv[0];
	memory.arguments_size = (size_t)(end - argv[0]);
	memory.size = (size_t)(find_end_of(environ, end) - argv[0]);
	keep_names(argv[0], arguments[0]);
	for (int i = 0; i < argc; i++)
		argv[i] = arguments[i];
	memory.arguments = arguments;
	memory.environment = environ = environment;
}

void proctitle_set(const char *format, ...)
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
	 * a last byte other than NUL makes the kernel show the text up to its NUL, without padding
	 */
	if (length + 1 < memory.arguments_size)
		memory.area[memory.arguments_size - 1] = ' ';
}
