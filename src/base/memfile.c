/* SPDX-License-Identifier: MIT */
/* Opens read-only descriptors of memory, and replaces mappings. It makes no file. */
#include "base/memfile.h"

#include <stdio.h>

#include "base/sys.h"

int memfile_open_reader(int fd)
{
	char path[32];
	int reader;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = sys_open(path, O_RDONLY | O_CLOEXEC, 0);
	if (reader >= 0 || sys_fcntl_int(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) < 0)
		return reader;
	return sys_fcntl_int(fd, F_DUPFD_CLOEXEC, 0);
}

bool memfile_close_to_writing(void *base, size_t from, size_t to, int read_fd)
{
	return from == to || sys_mmap((char *)base + from, to - from, PROT_READ,
				      MAP_SHARED | MAP_FIXED, read_fd, (off_t)from) != MAP_FAILED;
}

bool memfile_seal(void *part, size_t size)
{
	return sys_mseal(part, size) == 0 || errno == ENOSYS;
}
