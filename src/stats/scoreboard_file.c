/* SPDX-License-Identifier: MIT */
/*
 * Creates and maps the scoreboard's file, or tests whether it could. It knows the offset of the
 * slots but not their contents, and trusts no file that it did not create.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memfile.h"
#include "base/sys.h"
#include "stats/scoreboard.h"

enum { NAME_TRIES = 16 };
static const size_t head_size = offsetof(struct scoreboard, server_names);

/* Allocates real space now: a full file system must fail here, not as SIGBUS in a worker. */
bool scoreboard_fill(int fd, off_t from, off_t size)
{
	return sys_fallocate(fd, 0, from, size) == 0 || errno == EOPNOTSUPP || errno == ENOSYS;
}

/*
 * True for the file of a master that was killed during its start: a scoreboard of this user, of any
 * version, or an empty file.
 */
static bool is_leftover(const char *path)
{
	int fd = sys_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	uint64_t magic = 0;
	ssize_t size = -1;
	struct stat st;

	if (fd < 0)
		return false;
	if (sys_fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid())
		size = file_read(fd, &magic, sizeof(magic), 0);
	sys_close(fd);
	return size == 0 || (size == sizeof(magic) && magic == SCOREBOARD_MAGIC);
}

/*
 * Creates a file beside path, under the first name that no foreign file has. fresh has size bytes.
 */
static int open_fresh(const char *path, char *fresh, size_t size)
{
	int fd = -1;

	for (int i = 0; i < NAME_TRIES && fd < 0; i++) {
		if (snprintf(fresh, size, i > 0 ? "%s.new.%d" : "%s.new", path, i) >= (int)size) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if (is_leftover(fresh))
			sys_unlink(fresh);
		fd = sys_open(fresh, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd < 0 && errno != EEXIST)
			return -1;
	}
	return fd;
}

/* Returns a second, read-only descriptor of the same file, or -1 with errno set. */
static int open_reader(int fd, const char *path)
{
	int reader = sys_open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
	struct stat own, its;

	if (reader < 0)
		return -1;
	if (sys_fstat(fd, &own) == 0 && sys_fstat(reader, &its) == 0 && own.st_ino == its.st_ino &&
	    own.st_dev == its.st_dev)
		return reader;
	sys_close(reader);
	errno = ESTALE;
	return -1;
}

static void close_fd(int fd)
{
	if (fd > 0)
		sys_close(fd);
}

/* Writes the magic number, allocates the head, and maps the whole file. */
static struct scoreboard *map_new(int fd)
{
	static const uint64_t magic = SCOREBOARD_MAGIC;
	void *board;

	if (sys_pwrite(fd, &magic, sizeof(magic), 0) != sizeof(magic) ||
	    sys_ftruncate(fd, sizeof(struct scoreboard)) < 0 ||
	    !scoreboard_fill(fd, 0, (off_t)head_size))
		return NULL;
	board = sys_mmap(NULL, sizeof(struct scoreboard), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 0);
	return board == MAP_FAILED ? NULL : board;
}

/* Takes over fd; on failure closes it and sets errno. path is the file's, or NULL for memory. */
static struct scoreboard *fill_head(int fd, const char *path)
{
	struct scoreboard *board = map_new(fd);
	struct stat st;
	int kept;

	if (board) {
		board->fd = fd;
		board->read_fd = path ? open_reader(fd, path) : memfile_open_reader(fd);
		if (board->read_fd >= 0 && sys_fstat(fd, &st) == 0) {
			board->inode = st.st_ino;
			board->device = st.st_dev;
			board->version = SCOREBOARD_VERSION;
			board->slot_count = SCOREBOARD_SLOTS;
			board->size = sizeof(*board);
			atomic_store_explicit(&board->master_pid, (uint32_t)getpid(),
					      memory_order_relaxed);
			return board;
		}
	}
	kept = errno;
	if (board)
		scoreboard_free(board, NULL, false);
	else
		sys_close(fd);
	errno = kept;
	return NULL;
}

static struct scoreboard *make_file(const char *path, struct err *err)
{
	char fresh[4096];
	int fd = open_fresh(path, fresh, sizeof(fresh));
	struct scoreboard *board = NULL;

	/* the umask affects open's mode */
	if (fd >= 0 && sys_fchmod(fd, 0644) == 0) {
		board = fill_head(fd, fresh);
	} else if (fd >= 0) {
		int kept = errno;

		sys_close(fd);
		errno = kept;
	}
	if (!board) {
		err_errno(err, err_code_of_path(errno), "cannot create the scoreboard %s",
			  fd >= 0 || errno != EEXIST ? fresh : path);
		if (fd >= 0)
			sys_unlink(fresh);
		return NULL;
	}
	if (sys_rename(fresh, path) == 0)
		return board;
	err_errno(err, err_code_of_path(errno), "cannot create the scoreboard %s", path);
	scoreboard_free(board, fresh, true);
	return NULL;
}

static struct scoreboard *make_memory(struct err *err)
{
	int fd = sys_memfd_create("prefork-srv scoreboard", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct scoreboard *board = fd >= 0 ? fill_head(fd, NULL) : NULL;

	if (!board)
		err_errno(err, CODE_OSERR, "cannot create the scoreboard in memory");
	return board;
}

struct scoreboard *scoreboard_new(const char *path, struct err *err)
{
	if (sysconf(_SC_PAGESIZE) > SCOREBOARD_PAGE) {
		err_set(err, CODE_OSERR,
			"the system's pages of %ld bytes are larger than the %d that this program "
			"was built for",
			sysconf(_SC_PAGESIZE), SCOREBOARD_PAGE);
		return NULL;
	}
	return path ? make_file(path, err) : make_memory(err);
}

/* Another server may have put its own file there. */
static bool is_at(const struct scoreboard *board, const char *path)
{
	struct stat st;

	return sys_lstat(path, &st) == 0 && st.st_ino == board->inode && st.st_dev == board->device;
}

void scoreboard_free(struct scoreboard *board, const char *path, bool remove)
{
	if (!board)
		return;
	if (remove && path && is_at(board, path))
		sys_unlink(path);
	close_fd(board->fd);
	close_fd(board->read_fd);
	sys_munmap(board, sizeof(*board));
}

struct scoreboard_part scoreboard_part_slot(const struct scoreboard *board, const struct slot *slot)
{
	return (struct scoreboard_part){ (size_t)((const char *)slot - (const char *)board),
					 sizeof(*slot) };
}

struct scoreboard_part scoreboard_part_servers(void)
{
	return (struct scoreboard_part){ offsetof(struct scoreboard, servers),
					 offsetof(struct scoreboard, past) -
						 offsetof(struct scoreboard, servers) };
}

struct scoreboard_part scoreboard_part_names(void)
{
	return (struct scoreboard_part){ offsetof(struct scoreboard, server_names),
					 offsetof(struct scoreboard, servers) -
						 offsetof(struct scoreboard, server_names) };
}

bool scoreboard_confine(struct scoreboard *board, const struct scoreboard_part *parts,
			unsigned count)
{
	size_t from = 0;

	for (unsigned i = 0; i < count; i++) {
		if (!memfile_close_to_writing(board, from, parts[i].from, board->read_fd))
			return false;
		from = parts[i].from + parts[i].size;
	}
	if (!memfile_close_to_writing(board, from, sizeof(*board), board->read_fd))
		return false;
	for (unsigned i = 0; i < count; i++)
		if (!memfile_seal((char *)board + parts[i].from, parts[i].size))
			return false;
	return true;
}

static bool refuse_path(const char *path, struct err *err)
{
	return err_errno(err, err_code_of_path(errno), "cannot create the scoreboard %s", path);
}

/* A file system without O_TMPFILE fails with EISDIR, EOPNOTSUPP or EINVAL. */
static bool is_unknown(int error)
{
	return error == EISDIR || error == EOPNOTSUPP || error == EINVAL;
}

/* Allocates the space in an unnamed file, which is freed by its close. */
static bool has_room(const char *folder, unsigned workers)
{
	size_t size = head_size + workers * (sizeof(struct past) + sizeof(struct slot));
	int fd = sys_open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), error = 0;

	if (fd < 0)
		return is_unknown(errno);
	if (!scoreboard_fill(fd, 0, (off_t)size))
		error = errno;
	sys_close(fd);
	errno = error;
	return error == 0;
}

bool scoreboard_probe(const char *path, unsigned workers, struct err *err)
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
	return has_room(file_folder(path, folder, sizeof(folder)), workers) ||
	       refuse_path(path, err);
}
