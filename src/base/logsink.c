/* SPDX-License-Identifier: MIT */
/*
 * Opens the log's target and writes lines to it, to syslogd as datagrams. base/log makes the lines;
 * base/writer makes the writes that do not block.
 */
#include "base/logsink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>

#include "base/logfile.h"
#include "base/logline.h"
#include "base/sys.h"
#include "base/writer.h"

/* Each process has its own copy. */
static struct {
	enum logsink_target target;
	struct writer writer; /* for stderr or the file */
	struct logfile file;
	int syslog;                  /* the socket, or -1 */
	char rest[LOGLINE_SIZE];     /* the unwritten part of a line */
	size_t rest_start, rest_end; /* range of bytes in rest */
	uint64_t lost;               /* lines lost and not yet reported */
	int why;                     /* errno of the last loss; 0: the file is gone */
	_Atomic uint64_t *cell;      /* shared counter of lost lines, or NULL */
} sink = { .writer = WRITER_STDERR, .file = LOGFILE_CLOSED("log"), .syslog = -1 };

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

/* The start of the line went to the old target, so its rest must not go to the new one. */
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
	if (sink.target == TO_STDERR && sink.writer.kind == WRITER_OWN)
		return;
	drop_rest();
	close_syslog();
	writer_close(&sink.writer);
	logfile_close(&sink.file);
	sink.target = TO_STDERR;
	sink.writer = writer_open(STDERR_FILENO);
}

static bool use_file(const char *path, uid_t owner, struct err *err)
{
	if (!logfile_use(&sink.file, path, owner, err))
		return false;
	drop_rest();
	close_syslog();
	writer_close(&sink.writer);
	sink.target = TO_FILE;
	sink.writer = writer_take(sink.file.fd);
	return true;
}

static bool use_syslog(struct err *err)
{
	int fd = logsink_syslog_open(LOGSINK_SYSLOG_PATH);

	if (fd < 0)
		return err_errno(err, err_code(errno, CODE_OSERR),
				 "cannot reach syslog at " LOGSINK_SYSLOG_PATH);
	drop_rest();
	close_syslog();
	writer_close(&sink.writer);
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
	sink.writer = writer_take(sink.file.fd);
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
		logsink_syslog_part(sink.syslog, LOGSINK_SYSLOG_PATH);
	else
		writer_part(&sink.writer);
}

unsigned logsink_fds(int *fds)
{
	if (sink.target == TO_FILE)
		return logfile_fds(&sink.file, fds);
	fds[0] = sink.target == TO_SYSLOG ? sink.syslog : sink.writer.fd;
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
	bool is_narrow = sink.target != TO_SYSLOG && writer_is_narrow(&sink.writer);

	return is_narrow ? WRITER_LINE : LOGLINE_SIZE;
}

bool logsink_warns(const char *path, char *text)
{
	return sink.target == TO_FILE && logfile_warns(&sink.file, path, text);
}

static bool is_gone(void)
{
	if (!writer_is_gone(&sink.writer))
		return false;
	sink.why = 0;
	return true;
}

/* Writes as much as is accepted now. Returns the number of bytes written. */
static size_t write_bytes(const char *bytes, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t written = writer_write(&sink.writer, bytes + done, n - done);

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
	if (logsink_syslog_send(sink.syslog, LOGSINK_SYSLOG_PATH, priority, line, length))
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

static int connect_to(int fd, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(un.sun_path, path, strlen(path));
	return sys_connect(fd, (struct sockaddr *)&un, sizeof(un));
}

static int make_socket(void)
{
	return sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int logsink_syslog_open(const char *path)
{
	int fd = make_socket();

	tzset();
	if (fd >= 0 && connect_to(fd, path) < 0) {
		int kept = errno;

		sys_close(fd);
		errno = kept;
		fd = -1;
	}
	return fd;
}

void logsink_syslog_part(int fd, const char *path)
{
	int fresh = make_socket();

	if (fresh < 0)
		return;
	/* when the daemon is away, each line tries to connect again */
	(void)connect_to(fresh, path);
	(void)sys_dup3(fresh, fd, O_CLOEXEC);
	sys_close(fresh);
}

/*
 * Local time, as daemons expect it. strftime(3) is not used: its month names depend on the locale.
 */
static int write_head(char *head, size_t size, int priority)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t now = time(NULL);
	struct tm tm = { 0 };

	localtime_r(&now, &tm);
	return snprintf(head, size, "<%d>%s %2d %02d:%02d:%02d %.32s[%d]: ", LOG_DAEMON | priority,
			months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
			program_invocation_short_name, (int)getpid());
}

static bool was_restarted(int error)
{
	return error == ECONNREFUSED || error == ENOTCONN || error == ECONNRESET;
}

bool logsink_syslog_send(int fd, const char *path, int priority, const char *text, size_t length)
{
	char head[128];
	int head_length = write_head(head, sizeof(head), priority);
	struct iovec parts[] = { { head, (size_t)head_length }, { (char *)text, length } };
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;

	if (sys_sendmsg(fd, &message, flags) >= 0)
		return true;
	return was_restarted(errno) && connect_to(fd, path) == 0 &&
	       sys_sendmsg(fd, &message, flags) >= 0;
}
