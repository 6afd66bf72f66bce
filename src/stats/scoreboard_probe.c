/* SPDX-License-Identifier: MIT */
/* Tests whether the scoreboard could be created. It must leave no file behind. */
#include <string.h>

#include "base/file.h"
#include "base/sys.h"
#include "stats/scoreboard.h"

static bool refuse_path(const char *path, struct err *err)
{
	return err_errno(err, err_code(errno, CODE_OSERR), "cannot create the scoreboard %s", path);
}

/* A file system without O_TMPFILE fails with EISDIR, EOPNOTSUPP or EINVAL. */
static bool is_unknown(int error)
{
	return error == EISDIR || error == EOPNOTSUPP || error == EINVAL;
}

/* Allocates the space in an unnamed file, which is freed by its close. */
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
