/* SPDX-License-Identifier: MIT */
/*
 * Talks to syslogd. It makes no line of its own and reports no failure: the log is where it would
 * go.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>

#include "base/sys.h"
#include "base/syslogd.h"

static int join(int fd, const char *path)
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

int syslogd_open(const char *path)
{
	int fd = make_socket();

	tzset();
	if (fd >= 0 && join(fd, path) < 0) {
		int kept = errno;

		sys_close(fd);
		errno = kept;
		fd = -1;
	}
	return fd;
}

void syslogd_part(int fd, const char *path)
{
	int fresh = make_socket();

	if (fresh < 0)
		return;
	/* a daemon that is away now is asked again with each line */
	(void)join(fresh, path);
	(void)sys_dup3(fresh, fd, O_CLOEXEC);
	sys_close(fresh);
}

/* Local time, as daemons expect it; not strftime(3), whose months depend on the locale. */
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

bool syslogd_send(int fd, const char *path, int priority, const char *text, size_t length)
{
	char head[128];
	int head_length = write_head(head, sizeof(head), priority);
	struct iovec parts[] = { { head, (size_t)head_length }, { (char *)text, length } };
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;

	if (sys_sendmsg(fd, &message, flags) >= 0)
		return true;
	return was_restarted(errno) && join(fd, path) == 0 && sys_sendmsg(fd, &message, flags) >= 0;
}
