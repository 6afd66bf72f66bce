/* SPDX-License-Identifier: MIT */
/* Tells a story on stderr. Called wherever a step of a talk is made. */
#include "client/story.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/stdio.h"

void trace_init(struct trace *trace, bool is_on)
{
	trace->is_on = is_on;
	trace->has_colour = is_on && stdio_has_colour(STDERR_FILENO);
	trace->start_us = clock_us();
}

void trace_print(const struct trace *trace, const char *format, ...)
{
	int64_t since_us = clock_us() - trace->start_us;
	int error = errno;
	char text[1024];
	va_list values;

	if (!trace->is_on)
		return;
	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	fprintf(stderr, "%s%3lld.%06lld%s  %s\n", trace->has_colour ? "\033[2m" : "",
		(long long)(since_us / 1000000), (long long)(since_us % 1000000),
		trace->has_colour ? "\033[0m" : "", text);
	errno = error;
}
