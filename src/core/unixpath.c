/* SPDX-License-Identifier: MIT */
/*
 * Handles the path of a unix socket. It opens no listening socket and never replaces anything but a
 * socket on which nobody answers. Called by core/endpoint.
 */
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "base/sys.h"
#include "base/units.h"
#include "core/unixpath.h"

struct owner {
	uid_t user; /* -1: stays */
	gid_t group;
};

enum presence { ABSENT, STALE, SERVED, FOREIGN, UNKNOWN };

/* A name, or a number that no name stands for. */
static bool find_user(const char *name, struct owner *owner)
{
	const struct passwd *row = getpwnam(name);
	int64_t number;

	if (row)
		owner->user = row->pw_uid;
	else if (units_read_count(name, &number) && number < UINT32_MAX)
		owner->user = (uid_t)number;
	else
		return false;
	return true;
}

static bool find_group(const char *name, struct owner *owner)
{
	const struct group *row = getgrnam(name);
	int64_t number;

	if (row)
		owner->group = row->gr_gid;
	else if (units_read_count(name, &number) && number < UINT32_MAX)
		owner->group = (gid_t)number;
	else
		return false;
	return true;
}

/* Reads user, user:group or :group. */
static bool read_owner(const char *text, struct owner *owner, struct err *err)
{
	char user[256];
	size_t length = strcspn(text, ":");

	owner->user = (uid_t)-1;
	owner->group = (gid_t)-1;
	if (length >= sizeof(user))
		return err_set(err, CODE_CONFIG, "owner: \"%s\" is too long", text);
	memcpy(user, text, length);
	user[length] = '\0';
	if (user[0] && !find_user(user, owner))
		return err_set(err, CODE_CONFIG, "owner: there is no user \"%s\"", user);
	if (text[length] == ':' && !find_group(text + length + 1, owner))
		return err_set(err, CODE_CONFIG, "owner: there is no group \"%s\"",
			       text + length + 1);
	return true;
}

static enum presence probe(const struct addr *addr)
{
	int fd = sys_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	enum presence found = SERVED;

	if (fd < 0)
		return UNKNOWN;
	if (sys_connect(fd, &addr->sa, addr->len) < 0 && errno == ECONNREFUSED)
		found = STALE;
	sys_close(fd);
	return found;
}

/* What stands at the path. UNKNOWN with errno. */
static enum presence look(const struct addr *addr)
{
	struct stat st;

	if (sys_lstat(addr->un.sun_path, &st) < 0)
		return errno == ENOENT ? ABSENT : UNKNOWN;
	if (!S_ISSOCK(st.st_mode))
		return FOREIGN;
	return probe(addr);
}

/* Says why a path that is not free cannot be had; true when it can, for it is absent or stale. */
static bool is_free(const struct addr *addr, struct err *err)
{
	char text[ADDR_TEXT];

	addr_write(addr, text);
	switch (look(addr)) {
	case SERVED:
		return err_set(err, CODE_UNAVAILABLE,
			       "cannot bind %s: Address already in use (another program serves it; "
			       "ss -lxp shows which)",
			       text);
	case FOREIGN:
		return err_set(err, CODE_UNAVAILABLE,
			       "cannot bind %s: what is there is not a socket (remove it or choose "
			       "another path)",
			       text);
	case UNKNOWN:
		return err_errno(err, err_code(errno, CODE_UNAVAILABLE), "cannot bind %s", text);
	case ABSENT:
	case STALE:
		break;
	}
	return true;
}

/*
 * bind(2) makes the file with 0777 less the umask, so the umask is what keeps it narrow from the
 * start.
 */
static int bind_narrow(int fd, const struct addr *addr, mode_t mode)
{
	mode_t kept = umask(~mode & 0777);
	int result = sys_bind(fd, &addr->sa, addr->len);
	int error = errno;

	umask(kept);
	errno = error;
	return result;
}

static bool bind_error(const struct addr *addr, struct err *err)
{
	char text[ADDR_TEXT];

	addr_write(addr, text);
	err_errno(err, err_code(errno, CODE_UNAVAILABLE), "cannot bind %s", text);
	if (errno == ENOENT)
		err_set(err, err->code, "%s (its folder must be there first)", err->text);
	else if (err->code == CODE_NOPERM)
		err_set(err, err->code, "%s (the server must be allowed to write to its folder)",
			err->text);
	return false;
}

bool unixpath_apply(const struct addr *addr, const struct listen_conf *conf, struct err *err)
{
	const char *path = addr->un.sun_path;
	struct owner owner;
	struct stat st;

	if (!read_owner(conf->owner, &owner, err))
		return false;
	if (sys_lstat(path, &st) < 0)
		return err_errno(err, err_code(errno, CODE_OSERR), "cannot look at unix:%s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, CODE_UNAVAILABLE, "unix:%s is no longer a socket", path);
	/* the owner first: a wider mode must not be there while it is still another's */
	if (conf->owner[0] && sys_chown(path, owner.user, owner.group) < 0)
		return err_errno(err, err_code(errno, CODE_OSERR), "cannot give unix:%s to \"%s\"",
				 path, conf->owner);
	if ((st.st_mode & 0777) != (mode_t)conf->mode && sys_chmod(path, (mode_t)conf->mode) < 0)
		return err_errno(err, err_code(errno, CODE_OSERR), "cannot set the mode of unix:%s",
				 path);
	return true;
}

/* Binds, and when the path is taken by a socket that nobody serves, replaces that. */
static bool claim(int fd, const struct addr *addr, mode_t mode, struct err *err)
{
	if (bind_narrow(fd, addr, mode) == 0)
		return true;
	if (errno != EADDRINUSE)
		return bind_error(addr, err);
	if (!is_free(addr, err))
		return false;
	if (sys_unlink(addr->un.sun_path) < 0 && errno != ENOENT)
		return bind_error(addr, err);
	/* when another server takes the freed path first, this bind says so */
	return bind_narrow(fd, addr, mode) == 0 || bind_error(addr, err);
}

bool unixpath_bind(int fd, const struct addr *addr, const struct listen_conf *conf,
		   struct stat *made, struct err *err)
{
	struct owner ignored;

	if (!read_owner(conf->owner, &ignored, err) || !claim(fd, addr, (mode_t)conf->mode, err))
		return false;
	if (unixpath_apply(addr, conf, err)) {
		if (sys_lstat(addr->un.sun_path, made) == 0)
			return true;
		bind_error(addr, err);
	}
	sys_unlink(addr->un.sun_path);
	return false;
}

static bool can_write_folder(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	size_t length = (size_t)(strrchr(path, '/') - path);

	memcpy(folder, path, length + 1);
	folder[length + 1] = '\0';
	return sys_faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
}

bool unixpath_check(const struct addr *addr, const struct listen_conf *conf, struct err *err)
{
	struct owner owner;

	if (!read_owner(conf->owner, &owner, err) || !is_free(addr, err))
		return false;
	if (!can_write_folder(addr->un.sun_path))
		return bind_error(addr, err);
	if (geteuid() != 0 && owner.user != (uid_t)-1 && owner.user != geteuid())
		return err_set(err, CODE_NOPERM, "only root can give unix:%s to \"%s\"",
			       addr->un.sun_path, conf->owner);
	return true;
}

void unixpath_remove(const struct addr *addr, const struct stat *made)
{
	struct stat st;

	if (sys_lstat(addr->un.sun_path, &st) == 0 && st.st_dev == made->st_dev &&
	    st.st_ino == made->st_ino)
		sys_unlink(addr->un.sun_path);
}
