/* SPDX-License-Identifier: MIT */
/* Reads the columns by their names, because they differ between kernels. */
#include "net/netstat.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/file.h"
#include "base/units.h"

enum { FILE_SIZE = 32768 };

static const char group[] = "TcpExt:";

static const struct {
	const char *name;
	size_t offset;
} columns[] = {
	{ "ListenOverflows", offsetof(struct netstat, listen_overflows) },
	{ "ListenDrops", offsetof(struct netstat, listen_drops) },
	{ "TCPReqQFullDrop", offsetof(struct netstat, syn_queue_drops) },
};

static uint64_t *find_column(struct netstat *out, const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		if (strlen(columns[i].name) == length &&
		    strncmp(columns[i].name, name, length) == 0)
			return (uint64_t *)((char *)out + columns[i].offset);
	return NULL;
}

/* Moves *at to the next word of the line. Returns its length, or 0 at the line's end. */
static size_t next_word(const char **at)
{
	*at += strspn(*at, " ");
	return strcspn(*at, " \n");
}

/* Returns false when the word is not a number. */
static bool read_number(const char *word, size_t length, uint64_t *value)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < length; i++) {
		if (!isdigit((unsigned char)word[i]))
			return false;
		sum = sum * 10 + (uint64_t)(word[i] - '0');
	}
	*value = sum;
	return length > 0;
}

/* Reads the names and the values in parallel. True when a known column was found. */
static bool read_pair(const char *names, const char *values, struct netstat *out)
{
	size_t name_length, value_length;
	bool is_found = false;

	while ((name_length = next_word(&names)) > 0 && (value_length = next_word(&values)) > 0) {
		uint64_t *cell = find_column(out, names, name_length);

		if (cell && read_number(values, value_length, cell))
			is_found = true;
		names += name_length;
		values += value_length;
	}
	return is_found;
}

bool netstat_parse(const char *text, struct netstat *out)
{
	const size_t length = sizeof(group) - 1;

	while (*text) {
		const char *values = strchr(text, '\n');

		if (!values)
			return false;
		values++;
		if (strncmp(text, group, length) == 0 && strncmp(values, group, length) == 0)
			return read_pair(text + length, values + length, out);
		text = values;
	}
	return false;
}

bool netstat_read(struct netstat *out)
{
	char text[FILE_SIZE];

	return file_read_path("/proc/net/netstat", text, sizeof(text)) && netstat_parse(text, out);
}

uint32_t netstat_somaxconn(void)
{
	char text[32];
	int64_t value;

	if (!file_read_path("/proc/sys/net/core/somaxconn", text, sizeof(text)))
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return units_read_count(text, &value) && value <= UINT32_MAX ? (uint32_t)value : 0;
}
