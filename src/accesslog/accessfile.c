/* SPDX-License-Identifier: MIT */
/*
 * Opens the access log's target. It buffers nothing and counts nothing; writing is base/writer's.
 */
#include "accesslog/accessfile.h"

#include <string.h>

#include "base/sys.h"

void accessfile_close(struct accessfile *file)
{
	writer_close(&file->outlet);
	logfile_close(&file->file);
	memcpy(file->target, "off", sizeof("off"));
}

bool accessfile_open(struct accessfile *file, const char *target, uid_t owner, struct err *err)
{
	bool is_file = strcmp(target, "off") != 0 && strcmp(target, "stderr") != 0;
	struct logfile fresh = LOGFILE_CLOSED("access log");

	if (strlen(target) >= sizeof(file->target))
		return err_set(err, CODE_CONFIG,
			       "cannot open the access log: its path is too long");
	if (is_file && !logfile_use(&fresh, target, owner, err))
		return false;
	accessfile_close(file);
	memcpy(file->target, target, strlen(target) + 1);
	file->file = fresh;
	if (is_file)
		file->outlet = writer_take(fresh.fd);
	else if (strcmp(target, "stderr") == 0)
		file->outlet = writer_open(STDERR_FILENO);
	return true;
}

/* What cannot be asked is another one each time. */
static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino != 0 && a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

bool accessfile_reopen(struct accessfile *file, bool create, bool *is_other, struct err *err)
{
	struct stat before = { 0 }, after = { 0 };

	*is_other = false;
	if (file->file.fd < 0)
		return true;
	(void)sys_fstat(file->file.fd, &before);
	if (!logfile_reopen(&file->file, create, err))
		return false;
	(void)sys_fstat(file->file.fd, &after);
	*is_other = !is_same(&before, &after);
	file->outlet = writer_take(file->file.fd);
	return true;
}

unsigned accessfile_fds(const struct accessfile *file, int *fds)
{
	if (file->file.fd >= 0)
		return logfile_fds(&file->file, fds);
	fds[0] = file->outlet.fd;
	return fds[0] > STDERR_FILENO ? 1 : 0;
}
