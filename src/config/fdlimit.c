/* SPDX-License-Identifier: MIT */
/*
 * Counts descriptors, raises their limit, and builds the message when there are too few. It must
 * not log.
 */
#include "config/fdlimit.h"

#include <dirent.h>
#include <inttypes.h>

#include "base/sys.h"

unsigned fdlimit_open(void)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;
	unsigned count = 0;

	if (folder == NULL)
		return STDERR_FILENO + 1;
	while ((entry = readdir(folder)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count - 1; /* without the folder's own */
}

bool fdlimit_allowed(rlim_t count)
{
	struct rlimit limit;

	if (sys_getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max >= count)
		return true;
	/* root may raise the limit, unless a container forbids it */
	if (geteuid() != 0 || sys_setrlimit(RLIMIT_NOFILE, &(struct rlimit){ count, count }) < 0)
		return false;
	sys_setrlimit(RLIMIT_NOFILE, &limit);
	return true;
}

bool fdlimit_raise(rlim_t count, rlim_t *possible)
{
	struct rlimit limit, higher;

	if (sys_getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return true;
	higher = limit;
	if (higher.rlim_max < count)
		higher.rlim_max = count;
	if (higher.rlim_cur < count)
		higher.rlim_cur = count;
	if (sys_setrlimit(RLIMIT_NOFILE, &higher) == 0)
		return true;
	*possible = limit.rlim_max;
	higher = limit;
	higher.rlim_cur = higher.rlim_max;
	sys_setrlimit(RLIMIT_NOFILE, &higher);
	return false;
}

static uint64_t read_limit(void)
{
	struct rlimit limit = { 0 };

	sys_getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_max;
}

bool fdlimit_refuse(rlim_t count, const char *why, struct err *err)
{
	return err_set(err, CODE_OSERR,
		       "%s: %" PRIu64 " descriptors are needed, and the hard limit is %" PRIu64
		       " (raise it by ulimit -Hn or LimitNOFILE=)",
		       why, (uint64_t)count, read_limit());
}

bool fdlimit_explain(int error, struct err *err)
{
	if (error == EMFILE)
		err_set(err, CODE_OSERR,
			"%s (%u are open, and the hard limit is %" PRIu64
			"; raise it by ulimit -Hn or LimitNOFILE=)",
			err->text, fdlimit_open(), read_limit());
	else if (error == ENFILE)
		err_set(err, CODE_OSERR, "%s (fs.file-max is the limit of the whole system)",
			err->text);
	errno = error;
	return false;
}
