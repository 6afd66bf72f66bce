/* SPDX-License-Identifier: MIT */
/* Whether the scoreboard could be made. Must leave nothing behind. */
#include <string.h>

#include "base/file.h"
#include "base/sys.h"
#include "stats/scoreboard.h"

static bool refuse_path(const char *path, struct err *err)
{
	return err_errno(err, err_code(errno, CODE_OSERR), "cannot create the scoreboard %s", path);
}

/* A file system that knows no file without a name says so by EISDIR, EOPNOTSUPP or EINVAL. */
static bool is_unknown(int error)
{
	return error == EISDIR || error == EOPNOTSUPP || error == EINVAL;
}

/* Takes the room in a file without a name, which is gone when it is closed. */
static bool has_room(const char *folder, unsigned slots)
{
	int fd = sys_open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), error = 0;

	if (fd < 0)
		return is_unknown(errno);
	if (sys_fallocate(fd, 0, 0, (off_t)offsetof(struct scoreboard, slots[slots])) < 0 &&
	    errno != EOPNOTSUPP && errno != ENOSYS)
		error = errno;
	sys_close(fd);
	errno = error;
	return error == 0;
}

bool scoreboard_probe(const char *path, unsigned slots, struct err *err)
{
	char folder[4096];
	struct stat st;

	if (strlen(path) + sizeof(".new") > sizeof(folder))
		return err_set(err, CODE_CONFIG,
			       "cannot create the scoreboard: its path is too long");
	if (sys_lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return refuse_path(path, err);
	}
	return has_room(file_folder(path, folder, sizeof(folder)), slots) || refuse_path(path, err);
}
