/* SPDX-License-Identifier: MIT */
/*
 * Whether the pid file could be opened. Must not make, open or lock it. Called by preflight.c, for -t
 * and before a start.
 */
#include <string.h>

#include "base/sys.h"
#include "core/paths.h"
#include "master/pidfile.h"

static bool can_make_in(const char *folder)
{
	return sys_faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
}

static bool probe_folder(const struct conf *conf, const char *path, struct err *err)
{
	char folder[4096];
	bool is_made_at_start = conf->pid_file[0] == '\0' && strncmp(path, "/tmp/", 5) == 0;

	if (can_make_in(paths_folder(path, folder, sizeof(folder))))
		return true;
	if (errno == ENOENT && is_made_at_start && can_make_in("/tmp"))
		return true;
	err_errno(err, err_code(errno, errno == ENOENT ? CODE_CONFIG : CODE_OSERR),
		  "cannot make the pid file %s", path);
	if (errno == ENOENT)
		err_set(err, err->code, "%s (its folder must be there first)", err->text);
	return false;
}

bool pidfile_probe(const struct conf *conf, struct err *err)
{
	char path[4096];
	struct stat st;

	if (!pidfile_path(conf, false, path, sizeof(path), err))
		return false;
	if (sys_lstat(path, &st) < 0 && errno == ENOENT)
		return probe_folder(conf, path, err);
	if (sys_lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(err, CODE_CONFIG, "the pid file %s is not a regular file", path);
	if (sys_faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) == 0)
		return true;
	return err_errno(err, err_code(errno, CODE_OSERR), "cannot open the pid file %s", path);
}
