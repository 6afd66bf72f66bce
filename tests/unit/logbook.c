/* SPDX-License-Identifier: MIT */
/* Helpers shared by the tests of the access log. */
#include "unit/logbook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "accesslog/accesslog.h"
#include "base/sys.h"
#include "unit/folder.h"

char logbook_path[128], logbook_events[128], logbook_text[1 << 20];

int logbook_set_up(void **state)
{
	struct err err;

	if (folder_make(state) != 0)
		return -1;
	snprintf(logbook_path, sizeof(logbook_path), "%s/access", (const char *)*state);
	snprintf(logbook_events, sizeof(logbook_events), "%s/log", (const char *)*state);
	return log_open(logbook_events, LEVEL_NOTICE, LOG_TEXT, (uid_t)-1, &err) ? 0 : -1;
}

void logbook_open(const char *target, enum log_format format)
{
	struct conf conf = { .log_access = (char *)(uintptr_t)target, .log_format = format };
	struct err err;

	if (!accesslog_open(&conf, (uid_t)-1, &err))
		fail_msg("%s", err.text);
}

int logbook_tear_down(void **state)
{
	struct err err;

	logbook_open("off", LOG_TEXT);
	accesslog_is_on = false;
	log_open("stderr", LEVEL_NOTICE, LOG_TEXT, (uid_t)-1, &err);
	unlink(logbook_path);
	unlink(logbook_events);
	return folder_remove(state);
}

const char *logbook_read(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, logbook_text, sizeof(logbook_text) - 1);

	if (fd >= 0)
		close(fd);
	logbook_text[n > 0 ? n : 0] = '\0';
	return logbook_text;
}

unsigned logbook_count(const char *in, const char *what)
{
	unsigned n = 0;

	while ((in = strstr(in, what)) != NULL) {
		in += strlen(what);
		n++;
	}
	return n;
}

/* Expects exactly one line, after the flush that is due. */
void logbook_expect(struct served *s, const char *parts, ...)
{
	va_list list;

	served_alarm(s, FLUSH_MS);
	logbook_read(logbook_path);
	assert_int_equal(logbook_count(logbook_text, "\n"), 1);
	va_start(list, parts);
	for (const char *part = parts; part; part = va_arg(list, const char *))
		if (!strstr(logbook_text, part))
			fail_msg("no \"%s\" in: %s", part, logbook_text);
	va_end(list);
}

void assert_lines(const struct served *s, unsigned lines, unsigned lost, unsigned failures)
{
	assert_int_equal(served_metric(s, METRIC_access_log_lines_total), lines);
	assert_int_equal(served_metric(s, METRIC_access_log_lost_total), lost);
	assert_int_equal(served_metric(s, METRIC_access_log_failures_total), failures);
}

/* Opens a connection, sends x, reads the answer, and closes it. */
void logbook_visit(struct served *s)
{
	int client = served_connect(s);
	char answer[64];
	bool ended;

	served_send(s, client, "x", 1);
	served_read(s, client, answer, sizeof(answer), &ended);
	close(client);
	served_settle(s);
}
