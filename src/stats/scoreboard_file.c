/* SPDX-License-Identifier: MIT */
/*
 * Creates, maps and reads the scoreboard's file. It knows the offset of the slots but not their
 * contents, and trusts no file that it did not create.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sys.h"
#include "stats/scoreboard.h"

enum {
	COPY_TRIES = 20, /* a fold is short, unless the master was stopped within one */
	NAME_TRIES = 16,
};
static const size_t slots_at = offsetof(struct scoreboard, slots);

/* Allocates real space now: a full file system must fail here, not as SIGBUS in a worker. */
bool scoreboard_fill(int fd, off_t size)
{
	return sys_fallocate(fd, 0, 0, size) == 0 || errno == EOPNOTSUPP || errno == ENOSYS;
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
		size = file_read(fd, &magic, sizeof(magic));
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

/*
 * The same without a path: through /proc. Without /proc the writable descriptor is used, sealed so
 * that no new mapping can write; existing mappings can still write.
 */
static int open_memory_reader(int fd)
{
	char path[32];
	int reader;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = sys_open(path, O_RDONLY | O_CLOEXEC, 0);
	if (reader >= 0 || sys_fcntl_int(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) < 0)
		return reader;
	return sys_fcntl_int(fd, F_DUPFD_CLOEXEC, 0);
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
	    !scoreboard_fill(fd, (off_t)slots_at))
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
		board->read_fd = path ? open_reader(fd, path) : open_memory_reader(fd);
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
		err_errno(err, err_code(errno, CODE_OSERR), "cannot create the scoreboard %s",
			  fd >= 0 || errno != EEXIST ? fresh : path);
		if (fd >= 0)
			sys_unlink(fresh);
		return NULL;
	}
	if (sys_rename(fresh, path) == 0)
		return board;
	err_errno(err, err_code(errno, CODE_OSERR), "cannot create the scoreboard %s", path);
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

/* Replaces the mapping of these bytes by a view that can never be written. */
static bool close_to_writing(struct scoreboard *board, size_t from, size_t to)
{
	return from == to ||
	       sys_mmap((char *)board + from, to - from, PROT_READ, MAP_SHARED | MAP_FIXED,
			board->read_fd, (off_t)from) != MAP_FAILED;
}

bool scoreboard_confine(struct scoreboard *board, const struct slot *slot)
{
	size_t from = (size_t)((const char *)slot - (const char *)board);

	if (!close_to_writing(board, 0, from) ||
	    !close_to_writing(board, from + sizeof(*slot), sizeof(*board)))
		return false;
	/* otherwise mremap(2) could extend the mapping over the next part of the file */
	return sys_mseal((char *)board + from, sizeof(*slot)) == 0 || errno == ENOSYS;
}

static const struct scoreboard *map_view(const char *path, struct err *err)
{
	int fd = sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
	void *board = MAP_FAILED;
	struct stat st;

	if (fd < 0) {
		err_errno(err, CODE_FAILED, "cannot open the scoreboard %s", path);
		return NULL;
	}
	if (sys_fstat(fd, &st) < 0)
		err_errno(err, CODE_FAILED, "cannot read the scoreboard %s", path);
	else if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct scoreboard))
		err_set(err, CODE_FAILED, "%s is not a scoreboard of this version", path);
	else if ((board = sys_mmap(NULL, sizeof(struct scoreboard), PROT_READ, MAP_SHARED, fd,
				   0)) == MAP_FAILED)
		err_errno(err, CODE_FAILED, "cannot map the scoreboard %s", path);
	sys_close(fd);
	return board == MAP_FAILED ? NULL : board;
}

const struct scoreboard *scoreboard_view(const char *path, struct err *err)
{
	const struct scoreboard *board = map_view(path, err);

	if (!board)
		return NULL;
	if (board->magic == SCOREBOARD_MAGIC && board->version == SCOREBOARD_VERSION &&
	    board->slot_count == SCOREBOARD_SLOTS && board->size == sizeof(*board))
		return board;
	scoreboard_unview(board);
	err_set(err, CODE_FAILED, "%s is not a scoreboard of this version", path);
	return NULL;
}

void scoreboard_unview(const struct scoreboard *board)
{
	if (board)
		sys_munmap((void *)board, sizeof(*board));
}

/* Reads up to size bytes from offset. Returns their number, or -1 with errno set. */
static ssize_t read_at(int fd, off_t offset, void *to, size_t size)
{
	return lseek(fd, offset, SEEK_SET) < 0 ? -1 : file_read(fd, to, size);
}

/*
 * Reads the head and the slots in use. When both are complete, returns the size of a whole file.
 * Returns -1 with errno set.
 */
static ssize_t read_used(int fd, struct scoreboard *copy)
{
	ssize_t head = read_at(fd, 0, copy, slots_at), slots, used;

	if (head < (ssize_t)slots_at)
		return head;
	used = (ssize_t)(scoreboard_slots(copy) * sizeof(struct slot));
	slots = read_at(fd, (off_t)slots_at, copy->slots, (size_t)used);
	if (slots < 0)
		return -1;
	return slots < used ? head + slots : (ssize_t)sizeof(*copy);
}

/* Reads until no fold ran during the read, or gives up on a fold that does not end. */
static ssize_t read_between_folds(int fd, struct scoreboard *copy)
{
	uint32_t folds;
	ssize_t size = 0;

	for (int i = 0; i < COPY_TRIES; i++) {
		size = read_used(fd, copy);
		if (size < (ssize_t)sizeof(*copy))
			return size;
		if (read_at(fd, offsetof(struct scoreboard, folds), &folds, sizeof(folds)) !=
		    sizeof(folds))
			break;
		if (folds % 2 == 0 && folds == atomic_load(&copy->folds))
			break;
	}
	/* the copy does not change, so its readers must not wait for the fold */
	atomic_store(&copy->folds, atomic_load(&copy->folds) & ~1U);
	return size;
}

static bool judge_copy(const char *path, const struct scoreboard *copy, size_t size,
		       struct err *err)
{
	if (size >= offsetof(struct scoreboard, version) && copy->magic != SCOREBOARD_MAGIC)
		return err_set(err, CODE_FAILED, "%s is not a scoreboard", path);
	if (size >= offsetof(struct scoreboard, slot_count) && copy->version != SCOREBOARD_VERSION)
		return err_set(err, CODE_FAILED,
			       "%s is a scoreboard of version %u, this program reads version %d "
			       "(ask with the program that serves)",
			       path, copy->version, SCOREBOARD_VERSION);
	if (size < sizeof(*copy))
		return err_set(err, CODE_FAILED, "the scoreboard %s is cut short: %zu of %zu bytes",
			       path, size, sizeof(*copy));
	if (copy->slot_count != SCOREBOARD_SLOTS || copy->size != sizeof(*copy))
		return err_set(err, CODE_FAILED, "%s is not a scoreboard of this program", path);
	return true;
}

bool scoreboard_copy(const char *path, struct scoreboard *copy, struct err *err)
{
	int fd = sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st = { .st_size = 0 };
	ssize_t size;

	if (fd < 0)
		return err_errno(err, CODE_FAILED, "cannot open the scoreboard %s", path);
	if (sys_fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		sys_close(fd);
		return err_set(err, CODE_FAILED, "%s is not a scoreboard, nor a regular file",
			       path);
	}
	size = read_between_folds(fd, copy);
	/* bytes may be missing at the end, in slots that are not read */
	if (size > st.st_size)
		size = st.st_size;
	if (size < 0)
		err_errno(err, CODE_FAILED, "cannot read the scoreboard %s", path);
	sys_close(fd);
	return size >= 0 && judge_copy(path, copy, (size_t)size, err);
}

const char *scoreboard_path(const char *pid_file, char *text, size_t size)
{
	size_t length = strlen(pid_file);

	if (length > 4 && strcmp(pid_file + length - 4, ".pid") == 0)
		length -= 4;
	snprintf(text, size, "%.*s.scoreboard", (int)length, pid_file);
	return text;
}
