/* SPDX-License-Identifier: MIT */
/*
 * Reads the server's log line by line and waits for events by name and fields, never by prose. A
 * line is `time level event name=value ...`; other lines are skipped.
 */
#include "harness.h"

#include <fcntl.h>

enum { LOG_PART = 65536 };

void server_fail(struct server *s, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	server_count(s, "", NULL);
	fprintf(stderr, "---- log of the server\n%s---- end of the log\n", s->log ? s->log : "");
	fail_msg("%s", text);
	abort();
}

/* Appends the new bytes of the file to the text. */
static void read_on(struct server *s)
{
	int fd = open(s->log_path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	while (fd >= 0) {
		if (s->log_len + LOG_PART + 1 > s->log_size) {
			s->log_size = 2 * s->log_size + LOG_PART + 1;
			s->log = realloc(s->log, s->log_size);
			assert_non_null(s->log);
		}
		n = pread(fd, s->log + s->log_len, LOG_PART, (off_t)s->log_len);
		s->log_len += n > 0 ? (size_t)n : 0;
		s->log[s->log_len] = '\0';
		if (n <= 0)
			break;
	}
	if (fd >= 0)
		close(fd);
}

void server_follow(struct server *s, const char *path)
{
	snprintf(s->log_path, sizeof(s->log_path), "%s", path);
	s->log_len = s->mark = 0;
}

void server_mark(struct server *s)
{
	read_on(s);
	s->mark = s->log_len;
}

static bool has_field(const char *line, const char *field, size_t len)
{
	for (const char *at = strchr(line, ' '); at; at = strchr(at + 1, ' ')) {
		if (strncmp(at + 1, field, len) == 0 && (at[1 + len] == ' ' || at[1 + len] == '\0'))
			return true;
	}
	return false;
}

static bool has_fields(const char *line, const char *fields)
{
	while (fields && *fields) {
		size_t len = strcspn(fields, " ");

		if (!has_field(line, fields, len))
			return false;
		fields += len + strspn(fields + len, " ");
	}
	return true;
}

/* The third word of the line, which names the event. */
static bool is_event(const char *line, const char *event)
{
	size_t len = strlen(event);

	for (int i = 0; i < 2; i++) {
		line = strchr(line, ' ');
		if (!line)
			return false;
		line += strspn(line, " ");
	}
	return strncmp(line, event, len) == 0 && (line[len] == ' ' || line[len] == '\0');
}

/* Counts the events in whole lines since the mark; the last one goes to line. */
static unsigned look(struct server *s, const char *event, const char *fields, char *line,
		     size_t size)
{
	unsigned count = 0;
	size_t at = s->mark;
	char *end;

	read_on(s);
	while (s->log && (end = memchr(s->log + at, '\n', s->log_len - at)) != NULL) {
		*end = '\0';
		if (is_event(s->log + at, event) && has_fields(s->log + at, fields)) {
			count++;
			snprintf(line, size, "%s", s->log + at);
		}
		*end = '\n';
		at = (size_t)(end - s->log) + 1;
	}
	return count;
}

unsigned server_count(struct server *s, const char *event, const char *fields)
{
	char line[1];

	return look(s, event, fields, line, sizeof(line));
}

const char *server_wait_event(struct server *s, const char *event, const char *fields)
{
	static char line[2048];
	int64_t until_ms = clock_ms() + WAIT_MS;

	while (look(s, event, fields, line, sizeof(line)) == 0) {
		if (clock_ms() > until_ms)
			server_fail(s, "waited in vain for %s %s", event, fields ? fields : "");
		harness_tick();
	}
	return line;
}

void server_wait_count(struct server *s, unsigned n, const char *event, const char *fields)
{
	int64_t until_ms = clock_ms() + WAIT_MS;

	while (server_count(s, event, fields) < n) {
		if (clock_ms() > until_ms)
			server_fail(s, "waited in vain for %u of %s %s: %u", n, event,
				    fields ? fields : "", server_count(s, event, fields));
		harness_tick();
	}
}

int64_t line_number(const char *line, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = strchr(line, ' '); at; at = strchr(at + 1, ' ')) {
		if (strncmp(at + 1, name, len) == 0 && at[1 + len] == '=')
			return strtoll(at + 2 + len, NULL, 10);
	}
	return -1;
}
