/* SPDX-License-Identifier: MIT */
/* Compares the files of a configuration, as they are now. Must not open or make one. */
#include "master/trial/path_conflict.h"

#include <string.h>

#include "base/file.h"
#include "base/sys.h"
#include "config/pidfile_path.h"
#include "stats/scoreboard.h"

enum { FILES_MOST = 5 };

struct own_file {
	const char *path, *option, *what;
};

/* Room for the paths that are in no configuration. */
struct own_paths {
	char pid[4096], board[4096 + 16];
};

/* Fills files; returns the number of those that have a path. */
static size_t list_files(const struct conf *conf, struct own_paths *paths, struct own_file *files)
{
	struct err ignored;
	size_t count = 0;

	if (sys_faccessat(AT_FDCWD, conf->origin, F_OK, AT_EACCESS) == 0)
		files[count++] = (struct own_file){ conf->origin, NULL, "configuration" };
	if (pidfile_path(conf, false, paths->pid, sizeof(paths->pid), &ignored) &&
	    paths->pid[0] != '\0') {
		scoreboard_path(paths->pid, paths->board, sizeof(paths->board));
		files[count++] = (struct own_file){ paths->pid, "pid_file", "pid file" };
		files[count++] = (struct own_file){ paths->board, "pid_file", "scoreboard" };
	}
	if (conf->log_path[0] == '/')
		files[count++] = (struct own_file){ conf->log_path, "log.path", "log" };
	if (conf->log_access[0] == '/')
		files[count++] = (struct own_file){ conf->log_access, "log.access", "access log" };
	return count;
}

static const struct own_file *find_same(const struct own_file *files, size_t count,
					const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (file_same(files[i].path, path))
			return &files[i];
	return NULL;
}

static bool refuse_path(const char *path, const struct own_file *same, struct err *err)
{
	return err_set(err, CODE_CONFIG, "\"%s\" is the server's %s too (name another)", path,
		       same->what);
}

static bool check_other_files(const struct conf *conf, const struct own_file *files, size_t count,
			      struct err *err)
{
	for (size_t i = 1; i < count; i++) {
		const struct own_file *same = find_same(files, i, files[i].path);

		if (same == NULL)
			continue;
		refuse_path(files[i].path, same, err);
		return err_prefix(err, "%s: %s: ", conf_place(conf, files[i].option),
				  files[i].option);
	}
	return true;
}

static bool check_sockets(const struct conf *conf, const struct own_file *files, size_t count,
			  struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct listen_conf *listen = &conf->listeners[i];
		const struct own_file *same = NULL;

		if (strncmp(listen->address, "unix:", 5) == 0)
			same = find_same(files, count, listen->address + 5);
		if (same == NULL)
			continue;
		refuse_path(listen->address, same, err);
		return err_prefix(err, "%s: listen: ", listen->origin);
	}
	return true;
}

bool path_conflict_check(const struct conf *conf, struct err *err)
{
	struct own_file files[FILES_MOST];
	struct own_paths paths;
	size_t count = list_files(conf, &paths, files);

	return check_other_files(conf, files, count, err) && check_sockets(conf, files, count, err);
}
