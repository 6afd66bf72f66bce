/* SPDX-License-Identifier: MIT */
/*
 * Handles the path of a unix socket. It opens no socket, except a temporary one for a test connect,
 * and replaces nothing but a socket that refuses connections.
 */
#include <stdio.h>
#include <string.h>

#include "base/sys.h"
#include "config/identity.h"
#include "net/socket_owner.h"
#include "net/unix_path.h"

struct owner {
	uid_t user; /* (uid_t)-1: unchanged */
	gid_t group;
};

enum { LOCK_MOST_MS = 1000, LOCK_STEP_MS = 5 };

/* Remaining time to wait for locks. Written by lock_folder and unix_path_limit_wait. */
static int wait_left_ms = LOCK_MOST_MS;

enum presence { ABSENT, STALE, SERVED, FOREIGN, UNKNOWN };

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
	if (user[0] && !identity_user(user, &owner->user, NULL))
		return err_set(err, CODE_CONFIG, "owner: there is no user \"%s\"", user);
	if (text[length] == ':' && !identity_group(text + length + 1, &owner->group))
		return err_set(err, CODE_CONFIG, "owner: there is no group \"%s\"",
			       text + length + 1);
	return true;
}

static enum presence probe_connect(const struct addr *addr)
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

/* The file at the path. UNKNOWN with errno set. */
static enum presence find_presence(const struct addr *addr)
{
	struct stat st;

	if (sys_lstat(addr->un.sun_path, &st) < 0)
		return errno == ENOENT ? ABSENT : UNKNOWN;
	if (!S_ISSOCK(st.st_mode))
		return FOREIGN;
	return probe_connect(addr);
}

/* True when the path is absent or stale. Otherwise false, and err has the reason. */
static bool is_free(const struct addr *addr, struct err *err)
{
	char text[ADDR_TEXT];

	addr_write(addr, text);
	switch (find_presence(addr)) {
	case SERVED:
		err_set(err, CODE_UNAVAILABLE, "cannot bind %s: Address already in use", text);
		return socket_owner_explain(addr, "ss -lxp", err);
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
 * bind(2) makes the file with mode 0777 less the umask, so the umask keeps it narrow from the
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

/*
 * The descriptor refers to one file, even when the path leads to another by now. fchmod(2) does not
 * accept an O_PATH descriptor, so the mode is set through /proc.
 */
static bool give_path(int fd, const struct stat *st, const char *path,
		      const struct listen_conf *conf, const struct owner *owner, struct err *err)
{
	char by_fd[32];

	/* the owner first: the old owner must not have the wider mode */
	if (conf->owner[0] && sys_fchownat(fd, "", owner->user, owner->group,
					   AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, err_code(errno, CODE_OSERR), "cannot give unix:%s to \"%s\"",
				 path, conf->owner);
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	if ((st->st_mode & 0777) != (mode_t)conf->mode && sys_chmod(by_fd, (mode_t)conf->mode) < 0)
		return err_errno(err, err_code(errno, CODE_OSERR), "cannot set the mode of unix:%s",
				 path);
	return true;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool unix_path_apply(const struct addr *addr, const struct stat *made,
		     const struct listen_conf *conf, struct err *err)
{
	const char *path = addr->un.sun_path;
	struct owner owner;
	struct stat st;
	bool good;
	int fd;

	if (!read_owner(conf->owner, &owner, err))
		return false;
	fd = sys_open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(err, err_code(errno, CODE_OSERR), "cannot look at unix:%s", path);
	if (sys_fstat(fd, &st) < 0)
		good = err_errno(err, CODE_OSERR, "cannot look at unix:%s", path);
	else if (!S_ISSOCK(st.st_mode) || !is_same(&st, made))
		good = err_set(err, CODE_UNAVAILABLE,
			       "unix:%s is no longer the socket that the server made", path);
	else
		good = give_path(fd, &st, path, conf, &owner, err);
	sys_close(fd);
	return good;
}

/* Binds. When the path holds a socket that no process serves, replaces it. */
static bool bind_path(int fd, const struct addr *addr, mode_t mode, struct err *err)
{
	if (bind_narrow(fd, addr, mode) == 0)
		return true;
	if (errno != EADDRINUSE)
		return bind_error(addr, err);
	if (!is_free(addr, err))
		return false;
	if (sys_unlink(addr->un.sun_path) < 0 && errno != ENOENT)
		return bind_error(addr, err);
	/* fails when another server takes the freed path first */
	return bind_narrow(fd, addr, mode) == 0 || bind_error(addr, err);
}

/*
 * Finds the file that the bind made. In a folder that other users can write to, it may already be
 * another user's file, which must not be given away.
 */
static bool identify_path(const struct addr *addr, struct stat *made, struct err *err)
{
	struct stat st;

	if (sys_lstat(addr->un.sun_path, &st) < 0)
		return bind_error(addr, err);
	if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return err_set(err, CODE_UNAVAILABLE,
			       "unix:%s was replaced at once (others can write to its folder)",
			       addr->un.sun_path);
	*made = st;
	return true;
}

static bool make_path(int fd, const struct addr *addr, const struct listen_conf *conf,
		      struct stat *made, struct err *err)
{
	*made = (struct stat){ 0 };
	if (!bind_path(fd, addr, (mode_t)conf->mode, err) || !identify_path(addr, made, err))
		return false;
	if (unix_path_apply(addr, made, conf, err)) {
		if (sys_listen(fd, (int)conf->backlog) == 0)
			return true;
		bind_error(addr, err);
	}
	unix_path_remove(addr, made);
	return false;
}

/* Writes the path's folder, with its slash, to text, which is large enough for any path. */
static const char *folder_of(const char *path, char *text)
{
	size_t length = (size_t)(strrchr(path, '/') - path) + 1;

	memcpy(text, path, length);
	text[length] = '\0';
	return text;
}

/*
 * Between bind and listen a socket refuses connections like a stale one, and another starting
 * server would replace its path. So servers take turns by a lock on the folder, which leaves no
 * file behind. Every process that can read the folder can hold that lock: the wait is bounded, and
 * after it the server goes on without the lock. Returns the descriptor to close, or -1.
 */
static int lock_folder(const char *path)
{
	char folder[sizeof(struct sockaddr_un)];
	int fd = sys_open(folder_of(path, folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	while (fd >= 0 && sys_flock(fd, LOCK_EX | LOCK_NB) < 0 && wait_left_ms > 0) {
		sys_poll(NULL, 0, LOCK_STEP_MS);
		wait_left_ms -= LOCK_STEP_MS;
	}
	return fd;
}

void unix_path_limit_wait(int most_ms)
{
	wait_left_ms = most_ms;
}

bool unix_path_listen(int fd, const struct addr *addr, const struct listen_conf *conf,
		      struct stat *made, struct err *err)
{
	struct owner ignored;
	bool good;
	int lock;

	if (!read_owner(conf->owner, &ignored, err))
		return false;
	lock = lock_folder(addr->un.sun_path);
	good = make_path(fd, addr, conf, made, err);
	if (lock >= 0)
		sys_close(lock);
	return good;
}

static bool can_write_folder(const char *path)
{
	char folder[sizeof(struct sockaddr_un)];

	return sys_faccessat(AT_FDCWD, folder_of(path, folder), W_OK | X_OK, AT_EACCESS) == 0;
}

bool unix_path_check(const struct addr *addr, const struct listen_conf *conf, struct err *err)
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

void unix_path_remove(const struct addr *addr, const struct stat *made)
{
	struct stat st;

	if (sys_lstat(addr->un.sun_path, &st) == 0 && is_same(&st, made))
		sys_unlink(addr->un.sun_path);
}

bool unix_path_is_there(const struct addr *addr)
{
	struct stat st;

	return sys_lstat(addr->un.sun_path, &st) == 0 || errno != ENOENT;
}
