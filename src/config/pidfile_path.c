/* SPDX-License-Identifier: MIT */
/* Chooses where the pid file is. Must not make or open it: config/pidfile.c does. */
#include "config/pidfile_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/quote.h"
#include "base/sys.h"

#define FILE_NAME "prefork-srv.pid"
#define VARIABLE  "XDG_RUNTIME_DIR"

enum { REASON = 128 };

static bool fits(int length, size_t size, struct err *err)
{
	if (length < 0 || (size_t)length >= size)
		return err_set(err, CODE_CONFIG,
			       "pid_file: the path is too long (%zu bytes at most)", size - 1);
	return true;
}

static bool make_absolute(const char *path, char *text, size_t size, struct err *err)
{
	char *folder;
	bool done;

	if (path[0] == '/')
		return fits(snprintf(text, size, "%s", path), size, err);
	folder = sys_getcwd(NULL, 0);
	if (!folder)
		return err_errno(err, CODE_OSERR, "pid_file: cannot tell the current directory");
	done = fits(snprintf(text, size, "%s/%s", folder, path), size, err);
	free(folder);
	return done;
}

/* The folder that XDG_RUNTIME_DIR names must be the user's own, and writable by no other. */
static bool judge_runtime_folder(const char *folder, char *why)
{
	struct stat st;

	if (folder[0] != '/')
		snprintf(why, REASON, "is no absolute path");
	else if (sys_stat(folder, &st) < 0)
		snprintf(why, REASON, "cannot be used (%s)", strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		snprintf(why, REASON, "is no directory");
	else if (st.st_uid != geteuid())
		snprintf(why, REASON, "belongs to user %u", (unsigned)st.st_uid);
	else if (!file_is_own_folder(&st))
		snprintf(why, REASON, "others can write to");
	else if (sys_faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0)
		snprintf(why, REASON, "cannot be written (%s)", strerror(errno));
	else
		return true;
	return false;
}

/*
 * The folder that the variable names, or NULL; *why is "" unless it names one that cannot be used.
 */
static const char *runtime_folder(char *why)
{
	const char *folder = getenv(VARIABLE);

	why[0] = '\0';
	if (!folder || folder[0] == '\0' || geteuid() == 0)
		return NULL;
	return judge_runtime_folder(folder, why) ? folder : NULL;
}

static bool is_no_place(int error)
{
	return error == EROFS || error == EACCES || error == EPERM || error == ENOENT ||
	       error == ENOTDIR;
}

/* False where the file cannot be made or written, and there is nothing there that says more. */
static bool has_place(const char *path)
{
	struct stat st;

	if (sys_lstat(path, &st) == 0)
		return sys_faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 || errno != EROFS;
	return file_can_create(path) || !is_no_place(errno);
}

/* Any user may have made a folder of that name in /tmp: it is used only if it is this user's. */
bool pidfile_path_check_private(const char *folder, struct err *err)
{
	struct stat st;

	if (sys_lstat(folder, &st) < 0 ||
	    (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0))
		return true;
	return err_set(err, CODE_NOPERM,
		       "%s is not a private folder of user %u (remove it, or choose a pid file by "
		       "-p)",
		       folder, (unsigned)geteuid());
}

static const char *private_folder(char *text)
{
	snprintf(text, PIDFILE_FOLDER, "/tmp/prefork-srv-%u", (unsigned)geteuid());
	return text;
}

bool pidfile_path_is_private(const char *path, char *folder)
{
	size_t length = strlen(private_folder(folder));

	return strncmp(path, folder, length) == 0 && strcmp(path + length, "/" FILE_NAME) == 0;
}

static bool choose_default(bool for_start, char *text, size_t size, struct err *err)
{
	char why[REASON], own[PIDFILE_FOLDER];
	const char *folder = geteuid() == 0 ? RUNSTATEDIR : runtime_folder(why);
	struct stat st;
	bool is_there;

	if (!folder) {
		folder = private_folder(own);
		if (!pidfile_path_check_private(folder, err))
			return false;
	}
	if (!fits(snprintf(text, size, "%s/" FILE_NAME, folder), size, err))
		return false;
	/* the private folder may still have to be made */
	is_there = folder != own || sys_lstat(folder, &st) == 0;
	if (for_start && !has_place(is_there ? text : folder))
		text[0] = '\0';
	return true;
}

static bool is_none(const struct conf *conf)
{
	return strcmp(conf->pid_file, "none") == 0;
}

bool pidfile_path(const struct conf *conf, bool for_start, char *text, size_t size, struct err *err)
{
	text[0] = '\0';
	if (is_none(conf))
		return true;
	if (conf->pid_file[0] != '\0')
		return make_absolute(conf->pid_file, text, size, err);
	return choose_default(for_start, text, size, err);
}

/* The reason in front, and what follows from it behind. */
bool pidfile_path_warns(const struct conf *conf, const char *path, char *text)
{
	char why[REASON] = "", shown[QUOTE_TEXT];
	int used = 0;

	if (conf->pid_file[0] == '\0' && !runtime_folder(why) && why[0] != '\0')
		used = snprintf(text, PIDFILE_WARNING,
				VARIABLE " is %s, which %s: ", quote_show(getenv(VARIABLE), shown),
				why);
	if (conf->pid_file[0] == '\0' && path[0] == '\0')
		used += snprintf(text + used, PIDFILE_WARNING - (size_t)used,
				 "%s cannot be written (-p chooses another place): ",
				 geteuid() == 0 ? RUNSTATEDIR : "/tmp");
	if (path[0] == '\0')
		snprintf(text + used, PIDFILE_WARNING - (size_t)used,
			 "no pid file is kept, so -s cannot find the server (signal its master, or "
			 "ask the service status)");
	else if (used > 0)
		snprintf(text + used, PIDFILE_WARNING - (size_t)used,
			 "the pid file is %s instead (-p chooses another)", path);
	return path[0] == '\0' || used > 0;
}
