/* SPDX-License-Identifier: MIT */
/* Reads numbers from /proc. Judges nothing. */
#include "demo/counter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

int64_t counter_setting(const char *name, int64_t without)
{
	char path[96], text[64], *end;
	long long value;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	if (!file_read_path(path, text, sizeof(text)))
		return without;
	value = strtoll(text, &end, 10);
	return end == text ? without : value;
}

int64_t counter_time_waits(void)
{
	char text[1024];
	const char *found;

	if (!file_read_path("/proc/net/sockstat", text, sizeof(text)))
		return 0;
	found = strstr(text, " tw ");
	return found == NULL ? 0 : strtoll(found + strlen(" tw "), NULL, 10);
}

/* The word of that number in a line, its length in *size; NULL: it has not so many. */
static const char *word_of(const char *line, unsigned number, size_t *size)
{
	for (;; number--) {
		line += strspn(line, " ");
		*size = strcspn(line, " \n");
		if (*size == 0)
			return NULL;
		if (number == 0)
			return line;
		line += *size;
	}
}

/* A group is a line of names, and below it a line of values. */
int64_t counter_tcp(const char *name)
{
	static const char group[] = "\nTcpExt:";
	char text[16384] = "\n";
	const char *names, *values, *word;
	size_t size;

	if (!file_read_path("/proc/net/netstat", text + 1, sizeof(text) - 1))
		return -1;
	names = strstr(text, group);
	values = names != NULL ? strstr(names + 1, group) : NULL;
	if (values == NULL)
		return -1;
	for (unsigned i = 0; (word = word_of(names + 1, i, &size)) != NULL; i++) {
		if (size != strlen(name) || memcmp(word, name, size) != 0)
			continue;
		word = word_of(values + 1, i, &size);
		return word != NULL ? strtoll(word, NULL, 10) : -1;
	}
	return -1;
}
