/* SPDX-License-Identifier: MIT */
/*
 * Opens the log's target and writes lines to it as far as it takes them. What a line says is
 * base/log's, how a write does not wait is base/writer's and base/syslogd's business.
 */
#include "base/logsink.h"

#include <string.h>

#include "base/logfile.h"
#include "base/logline.h"
#include "base/sys.h"
#include "base/syslogd.h"
#include "base/writer.h"

/* Each process has its own copy. */
static struct {
	enum logsink_target target;
	struct writer outlet; /* of stderr or the file */
	struct logfile file;
	int syslog;                  /* the socket; else -1 */
	char rest[LOGLINE_SIZE];     /* of a line that was taken in part */
	size_t rest_start, rest_end; /* bytes of it */
	uint64_t lost;               /* lines that nobody was told of */
	int why;                     /* errno of the last one; 0: the file is gone */
	_Atomic uint64_t *cell;      /* counts them too; or NULL */
} sink = { .outlet = WRITER_STDERR, .file = LOGFILE_CLOSED("log"), .syslog = -1 };

static bool has_rest(void)
{
	return sink.rest_start < sink.rest_end;
}

void logsink_lose(void)
{
	sink.lost++;
	if (sink.cell)
		atomic_fetch_add_explicit(sink.cell, 1, memory_order_relaxed);
}

/* The beginning of the line is somewhere else than what comes next. */
static void drop_rest(void)
{
	if (has_rest())
		logsink_lose();
	sink.rest_start = sink.rest_end = 0;
}

static void close_syslog(void)
{
	if (sink.syslog >= 0)
		sys_close(sink.syslog);
	sink.syslog = -1;
}

static void use_stderr(void)
{
	if (sink.target == TO_STDERR && sink.outlet.kind == WRITER_OWN)
		return;
	drop_rest();
	close_syslog();
	writer_close(&sink.outlet);
	logfile_close(&sink.file);
	sink.target = TO_STDERR;
	sink.outlet = writer_open(STDERR_FILENO);
}

static bool use_file(const char *path, uid_t owner, struct err *err)
{
	if (!logfile_use(&sink.file, path, owner, err))
		return false;
	drop_rest();
	close_syslog();
	writer_close(&sink.outlet);
	sink.target = TO_FILE;
	sink.outlet = writer_take(sink.file.fd);
	return true;
}

static bool use_syslog(struct err *err)
{
	int fd = syslogd_open(SYSLOGD_PATH);

	if (fd < 0)
		return err_errno(err, err_code(errno, CODE_OSERR),
				 "cannot reach syslog at " SYSLOGD_PATH);
	drop_rest();
	close_syslog();
	writer_close(&sink.outlet);
	logfile_close(&sink.file);
	sink.target = TO_SYSLOG;
	sink.syslog = fd;
	return true;
}

bool logsink_open(const char *path, uid_t owner, struct err *err)
{
	if (strcmp(path, "syslog") == 0)
		return use_syslog(err);
	if (strcmp(path, "stderr") != 0)
		return use_file(path, owner, err);
	use_stderr();
	return true;
}

bool logsink_reopen(bool create, struct err *err)
{
	if (sink.target != TO_FILE)
		return true;
	if (!logfile_reopen(&sink.file, create, err))
		return false;
	drop_rest();
	sink.outlet = writer_take(sink.file.fd);
	return true;
}

void logsink_forget_folder(void)
{
	logfile_forget_folder(&sink.file);
}

void logsink_own(void)
{
	logsink_forget();
	if (sink.target == TO_SYSLOG)
		syslogd_part(sink.syslog, SYSLOGD_PATH);
	else
		writer_part(&sink.outlet);
}

unsigned logsink_fds(int *fds)
{
	if (sink.target == TO_FILE)
		return logfile_fds(&sink.file, fds);
	fds[0] = sink.target == TO_SYSLOG ? sink.syslog : sink.outlet.fd;
	return fds[0] > STDERR_FILENO ? 1 : 0;
}

void logsink_count_in(_Atomic uint64_t *cell)
{
	sink.cell = cell;
}

enum logsink_target logsink_target(void)
{
	return sink.target;
}

size_t logsink_most(void)
{
	bool is_narrow = sink.target != TO_SYSLOG && writer_is_narrow(&sink.outlet);

	return is_narrow ? WRITER_LINE : LOGLINE_SIZE;
}

bool logsink_warns(const char *path, char *text)
{
	return sink.target == TO_FILE && logfile_warns(&sink.file, path, text);
}

static bool is_gone(void)
{
	if (!writer_is_gone(&sink.outlet))
		return false;
	sink.why = 0;
	return true;
}

/* Writes as far as it is taken now, and returns how many bytes that were. */
static size_t write_bytes(const char *bytes, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t written = writer_write(&sink.outlet, bytes + done, n - done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			break;
		done += (size_t)written;
	}
	if (done < n)
		sink.why = errno;
	return done;
}

bool logsink_has_room(void)
{
	if (is_gone())
		return false;
	if (has_rest())
		sink.rest_start +=
			write_bytes(sink.rest + sink.rest_start, sink.rest_end - sink.rest_start);
	return !has_rest();
}

static bool send_datagram(int priority, const char *line, size_t length)
{
	if (syslogd_send(sink.syslog, SYSLOGD_PATH, priority, line, length))
		return true;
	sink.why = errno;
	return false;
}

bool logsink_write(int priority, const char *line, size_t length)
{
	size_t done;

	if (sink.target == TO_SYSLOG)
		return send_datagram(priority, line, length - 1);
	done = write_bytes(line, length);
	if (done == 0)
		return false;
	sink.rest_start = 0;
	sink.rest_end = length - done;
	memcpy(sink.rest, line + done, sink.rest_end);
	return true;
}

uint64_t logsink_lost(const char **why)
{
	if (sink.why == 0)
		*why = "the file is gone";
	else
		*why = sink.why == EAGAIN ? "what is written to it is not taken fast enough" :
					    strerror(sink.why);
	return sink.lost;
}

void logsink_told(uint64_t lines)
{
	sink.lost -= lines;
}

bool logsink_owes(void)
{
	return sink.lost > 0 || has_rest();
}

void logsink_forget(void)
{
	sink.cell = NULL;
	sink.lost = 0;
	sink.rest_start = sink.rest_end = 0;
}
