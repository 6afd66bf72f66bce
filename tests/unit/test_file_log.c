/* SPDX-License-Identifier: MIT */
/* Tests of services/files/open/file_log: the reason of each errno, and few lines. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "services/files/open/file_log.h"
#include "services/files/open/place.h"
#include "unit/configured.h"
#include "unit/folder.h"
#include "unit/logbook.h"

#define LINK "a symbolic link that follow_symlinks does not allow, or too many"
#define KIND "neither a regular file nor a folder"

static const struct row {
	enum file_reason reason; /* FILE_REASONS: by error */
	int error;
	const char *event, *text;
} rows[] = {
	{ FILE_REASONS, EACCES, "file_failed", "Permission denied" },
	{ FILE_REASONS, EIO, "file_failed", "Input/output error" },
	{ FILE_REASONS, EXDEV, "file_failed", "a symbolic link leads out of the root" },
	{ FILE_REASONS, ELOOP, "file_failed", LINK },
	{ FILE_REASONS, ENXIO, "file_failed", KIND },
	{ FILE_REASONS, ENODEV, "file_failed", KIND },
	{ FILE_REASON_LINK, 0, "file_failed", LINK },
	{ FILE_REASON_SHORTER, 0, "file_failed", "the file became shorter while it was read" },
	{ FILE_REASON_HIDDEN, 0, "file_refused", "a name begins with a dot (hidden = no)" },
	{ FILE_REASON_FOLDER, 0, "file_refused", "a folder without an index (autoindex = no)" },
};

/* One for each row, and one more; each has a location behind it. */
enum { ROWS = sizeof(rows) / sizeof(*rows), LISTENERS = ROWS + 1 };

static struct conf *conf;
static struct listener listeners[LISTENERS];
static struct listener_set set = { .list = listeners, .count = LISTENERS };

static int set_up(void **state)
{
	const struct heritage heritage = { .listeners = &set };
	char text[LISTENERS * 128] = "";
	struct err err;

	if (logbook_set_up(state) != 0 ||
	    !log_open(logbook_events, LEVEL_INFO, LOG_TEXT, (uid_t)-1, &err))
		return -1;
	for (unsigned i = 0; i < LISTENERS; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "listen \"127.0.0.1:%u\" { service = http root = /tmp\n"
			 " location /sub { root = / } }\n",
			 8000 + i);
	conf = configured_load_good(*state, text);
	for (unsigned i = 0; i < LISTENERS; i++)
		listeners[i].conf = &conf->listeners[i];
	for (unsigned i = 0; i < LISTENERS; i++)
		if (!place_start(&heritage, listeners[i].conf))
			return -1;
	return file_log_start(LISTENERS) ? 0 : -1;
}

static int tear_down(void **state)
{
	conf_free(conf);
	return logbook_tear_down(state);
}

static void assert_line(unsigned port, const char *path, unsigned status, const char *text,
			unsigned count)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "listen=127.0.0.1:%u path=%s status=%u reason=\"%s\" count=%u\n", port, path,
		 status, text, count);
	if (logbook_count(logbook_read(logbook_events), line) != 1)
		fail_msg("%s in %s", line, logbook_text);
}

static void reason__has_its_event_and_words(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ROWS; i++) {
		unsigned place = place_of_listener(i);

		if (rows[i].reason == FILE_REASONS)
			file_log_error(place, "a/b", 403, rows[i].error);
		else
			file_log_reason(place, "a/b", 403, rows[i].reason);
		assert_line(8000 + i, "/tmp/a/b", 403, rows[i].text, 1);
		assert_int_equal(logbook_count(logbook_text, "file_"), i + 1);
		assert_true(logbook_count(logbook_text, rows[i].event) >= 1);
	}
}

/* A listener and its locations have one line a second of each event; others are counted. */
static void lines__are_few(void **state)
{
	unsigned listen = place_of_listener(LISTENERS - 1), calls = 0, before;

	(void)state;
	before = logbook_count(logbook_read(logbook_events), "file_");
	file_log_error(listen, "a", 403, EACCES);
	file_log_reason(listen, ".a", 404, FILE_REASON_HIDDEN);
	assert_line(8000 + LISTENERS - 1, "/tmp/.a", 404, "a name begins with a dot (hidden = no)",
		    1);
	assert_int_equal(logbook_count(logbook_text, "file_"), before + 2);
	do {
		file_log_error(listen + 1, "sub/b", 500, EIO);
		calls++;
	} while (logbook_count(logbook_read(logbook_events), "file_") == before + 2);
	assert_true(calls > 1);
	assert_line(8000 + LISTENERS - 1, "//sub/b", 500, "Input/output error", calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reason__has_its_event_and_words),
		cmocka_unit_test(lines__are_few),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
