/* SPDX-License-Identifier: MIT */
/* Tells a story on stderr. Called wherever a step of a talk is made. */
#include "client/story.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/stdio.h"

void story_start(struct story *story, bool is_told)
{
	story->is_told = is_told;
	story->has_colour = is_told && stdio_has_colour(STDERR_FILENO);
	story->start_us = clock_us();
}

void story_tell(const struct story *story, const char *format, ...)
{
	int64_t since_us = clock_us() - story->start_us;
	int error = errno;
	char text[1024];
	va_list values;

	if (!story->is_told)
		return;
	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	fprintf(stderr, "%s%3lld.%06lld%s  %s\n", story->has_colour ? "\033[2m" : "",
		(long long)(since_us / 1000000), (long long)(since_us % 1000000),
		story->has_colour ? "\033[0m" : "", text);
	errno = error;
}
