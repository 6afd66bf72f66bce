/* SPDX-License-Identifier: MIT */
/* Reads a file whole. It knows nothing of what is in it. Called by the master's sampling. */
#include "base/procfile.h"

#include "base/sys.h"

/* Bytes read, or -1 with errno. */
static ssize_t read_all(int fd, char *text, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = sys_read(fd, text + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

bool procfile_read(const char *path, char *text, size_t size)
{
	int fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0), kept;
	ssize_t n;

	if (fd < 0)
		return false;
	n = read_all(fd, text, size - 1);
	kept = errno;
	sys_close(fd);
	errno = kept;
	if (n >= 0)
		text[n] = '\0';
	return n >= 0;
}
