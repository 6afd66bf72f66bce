/* SPDX-License-Identifier: MIT */
/* Reads files whole. It knows nothing of what is in them. */
#include "base/file.h"

#include "base/sys.h"

ssize_t file_read(int fd, void *to, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = sys_read(fd, (char *)to + used, size - used);

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

bool file_read_path(const char *path, char *text, size_t size)
{
	int fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0), kept;
	ssize_t n;

	if (fd < 0)
		return false;
	n = file_read(fd, text, size - 1);
	kept = errno;
	sys_close(fd);
	errno = kept;
	if (n >= 0)
		text[n] = '\0';
	return n >= 0;
}
