/* SPDX-License-Identifier: MIT */
/*
 * Reads the file of a scoreboard, as any process may that only looks. The file may hold anything,
 * and may change or vanish meanwhile. It changes nothing.
 */
#include <string.h>

#include "base/file.h"
#include "base/sys.h"
#include "stats/scoreboard.h"

enum { COPY_TRIES = 20 }; /* a fold is short, unless the master was stopped within one */
static const size_t head_size = offsetof(struct scoreboard, server_names);

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

/*
 * Reads a part of the file, at its place in the copy. Returns the size of a whole file when the
 * part is complete; otherwise where the file ends, or -1 with errno set.
 */
static ssize_t read_part(int fd, struct scoreboard *copy, size_t from, size_t size)
{
	ssize_t got = file_read(fd, (char *)copy + from, size, (off_t)from);

	if (got < 0 || got == (ssize_t)size)
		return got < 0 ? -1 : (ssize_t)sizeof(*copy);
	return (ssize_t)from + got;
}

/* Reads the head, and what is in use of the rest. Returns as read_part does. */
static ssize_t read_used(int fd, struct scoreboard *copy)
{
	ssize_t whole = (ssize_t)sizeof(*copy), size = read_part(fd, copy, 0, head_size);
	unsigned servers = size == whole ? scoreboard_servers(copy) : 0;
	const struct scoreboard_part used[] = {
		{ offsetof(struct scoreboard, server_names),
		  servers * sizeof(*copy->server_names) },
		{ offsetof(struct scoreboard, servers), servers * sizeof(*copy->servers) },
		{ offsetof(struct scoreboard, past),
		  scoreboard_workers(copy) * sizeof(*copy->past) },
		{ offsetof(struct scoreboard, slots),
		  scoreboard_slots(copy) * sizeof(struct slot) },
	};

	for (size_t i = 0; i < sizeof(used) / sizeof(*used) && size == whole; i++)
		size = read_part(fd, copy, used[i].from, used[i].size);
	return size;
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
		if (file_read(fd, &folds, sizeof(folds), offsetof(struct scoreboard, folds)) !=
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
