/* SPDX-License-Identifier: MIT */
/*
 * Numbers as people write them: a number that was read must be written to a text that reads back to
 * the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct {
	bool (*read)(const char *text, int64_t *value);
	const char *(*write)(int64_t value, char *text);
} rows[] = {
	{ units_read_count, units_write_count },
	{ units_read_duration, units_write_duration },
	{ units_read_size, units_write_size },
	{ units_read_mode, units_write_mode },
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const words[] = { "workers", "backlog", "framing", "level" };
	char text[256], written[UNITS_TEXT];
	bool flag;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, bytes, size);
	text[size] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t first = 0, second = -1;

		if (!rows[i].read(text, &first))
			continue;
		if (first < 0 || !rows[i].read(rows[i].write(first, written), &second) ||
		    first != second)
			abort();
	}
	units_read_flag(text, &flag);
	units_nearest(text, words, 4);
	return 0;
}
