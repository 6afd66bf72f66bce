/* SPDX-License-Identifier: MIT */
/*
 * Makes and maps the scoreboard. It decides nothing about workers and trusts no file that it
 * did not make. Called by the master, and by whoever wants to see the state of a server (-s).
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/sys.h"
#include "base/whole.h"
#include "core/crew.h"
#include "core/scoreboard.h"

/* A fold is over in no time, unless the master was stopped or killed within one. */
enum { COPY_TRIES = 20 };

/* Takes real space now: a full file system must fail here and not as SIGBUS in a worker. */
static bool make_room(int fd, off_t size)
{
	if (sys_fallocate(fd, 0, 0, size) == 0)
		return true;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return false;
	return sys_ftruncate(fd, size) == 0;
}

static struct scoreboard *map_new(const char *path)
{
	int kept, fd;
	void *board = MAP_FAILED;

	sys_unlink(path);
	fd = sys_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return NULL;
	if (sys_fchmod(fd, 0644) == 0 && make_room(fd, sizeof(struct scoreboard)))
		board = sys_mmap(NULL, sizeof(struct scoreboard), PROT_READ | PROT_WRITE,
				 MAP_SHARED, fd, 0);
	kept = errno;
	sys_close(fd);
	if (board == MAP_FAILED)
		sys_unlink(path);
	errno = kept;
	return board == MAP_FAILED ? NULL : board;
}

static struct scoreboard *map_nameless(void)
{
	void *board = sys_mmap(NULL, sizeof(struct scoreboard), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return board == MAP_FAILED ? NULL : board;
}

struct scoreboard *scoreboard_new(const char *path, struct err *err)
{
	char fresh[4096];
	struct scoreboard *board;
	struct stat st;
	int length = path ? snprintf(fresh, sizeof(fresh), "%s.new", path) : 0;

	if (length >= (int)sizeof(fresh)) {
		err_set(err, CODE_CONFIG, "cannot create the scoreboard: its path is too long");
		return NULL;
	}
	board = path ? map_new(fresh) : map_nameless();
	if (!board) {
		err_errno(err, err_code(errno, CODE_OSERR), "cannot create the scoreboard %s",
			  path ? fresh : "in memory");
		return NULL;
	}
	if (path && sys_lstat(fresh, &st) == 0) {
		board->inode = st.st_ino;
		board->device = st.st_dev;
	}
	board->magic = SCOREBOARD_MAGIC;
	board->version = SCOREBOARD_VERSION;
	board->slot_count = SCOREBOARD_SLOTS;
	board->size = sizeof(*board);
	atomic_store_explicit(&board->master_pid, (uint32_t)getpid(), memory_order_relaxed);
	if (path && sys_rename(fresh, path) < 0) {
		err_errno(err, err_code(errno, CODE_OSERR), "cannot create the scoreboard %s",
			  path);
		scoreboard_free(board, fresh, true);
		return NULL;
	}
	return board;
}

/* Another server may have put its own in the place of this one. */
static bool is_at(const struct scoreboard *board, const char *path)
{
	struct stat st;

	return sys_lstat(path, &st) == 0 && st.st_ino == board->inode && st.st_dev == board->device;
}

void scoreboard_free(struct scoreboard *board, const char *path, bool remove)
{
	if (!board)
		return;
	if (remove && is_at(board, path))
		sys_unlink(path);
	sys_munmap(board, sizeof(*board));
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

/* What of size bytes there is from offset on; -1 with errno. */
static ssize_t read_at(int fd, off_t offset, void *to, size_t size)
{
	return lseek(fd, offset, SEEK_SET) < 0 ? -1 : whole_read(fd, to, size);
}

/* Reads until no fold was at work meanwhile, or one is that does not end. */
static ssize_t read_between_folds(int fd, struct scoreboard *copy)
{
	uint32_t folds;
	ssize_t size = 0;

	for (int i = 0; i < COPY_TRIES; i++) {
		size = read_at(fd, 0, copy, sizeof(*copy));
		if (size < (ssize_t)sizeof(*copy))
			return size;
		if (read_at(fd, offsetof(struct scoreboard, folds), &folds, sizeof(folds)) !=
		    sizeof(folds))
			break;
		if (folds % 2 == 0 && folds == atomic_load(&copy->folds))
			break;
	}
	/* the copy does not change: there is nothing to wait for in it */
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
	ssize_t size;
	struct stat st;

	if (fd < 0)
		return err_errno(err, CODE_FAILED, "cannot open the scoreboard %s", path);
	if (sys_fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		sys_close(fd);
		return err_set(err, CODE_FAILED, "%s is not a scoreboard, nor a regular file",
			       path);
	}
	size = read_between_folds(fd, copy);
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

static void raise_to(_Atomic uint32_t *used, unsigned wanted)
{
	if (atomic_load_explicit(used, memory_order_relaxed) < wanted)
		atomic_store_explicit(used, wanted, memory_order_release);
}

void scoreboard_use(struct scoreboard *board, unsigned slots, unsigned workers)
{
	raise_to(&board->slots_used, slots);
	raise_to(&board->workers_used, workers);
}

/*
 * Odd while the shares move from the slot to the past, so that no reader counts them twice or not
 * at all.
 */
void scoreboard_fold(struct scoreboard *board, struct slot *slot, unsigned number)
{
	BUG_ON(number >= SCOREBOARD_WORKERS);
	atomic_fetch_add_explicit(&board->folds, 1, memory_order_acq_rel);
	metric_fold_tally(&board->past[number].tally, &slot->tally);
	atomic_fetch_add_explicit(&board->folds, 1, memory_order_acq_rel);
}

uint32_t scoreboard_set_live(struct slot *slot, const uint32_t *live)
{
	uint32_t sum = 0;

	for (unsigned l = 0; l < METRIC_LISTENERS; l++) {
		cell_set(&slot->tally.listeners[l].connections_live, live ? live[l] : 0);
		sum += live ? live[l] : 0;
	}
	atomic_store_explicit(&slot->live, sum, memory_order_relaxed);
	return sum;
}

enum { OTHER = METRIC_LISTENERS - 1 };

static bool is_row(const struct listener_row *row, const char *address, const char *service)
{
	return strncmp(row->address, address, sizeof(row->address) - 1) == 0 &&
	       strncmp(row->service, service, sizeof(row->service) - 1) == 0;
}

static void name_row(struct listener_row *row, const char *address, const char *service)
{
	snprintf(row->address, sizeof(row->address), "%s", address);
	snprintf(row->service, sizeof(row->service), "%s", service);
}

static bool has_counts(const struct listener_tally *tally)
{
	static const struct listener_tally nothing;

	return memcmp(tally, &nothing, sizeof(nothing)) != 0;
}

/* A worker that still counts there must be gone first. */
static bool is_left(const struct scoreboard *board, unsigned i)
{
	if (atomic_load(&board->listeners[i].life) != LISTENER_GONE)
		return false;
	for (unsigned k = 0; k < scoreboard_slots(board); k++)
		if (atomic_load(&board->slots[k].state) != SLOT_EMPTY &&
		    has_counts(&board->slots[k].tally.listeners[i]))
			return false;
	return true;
}

/* What was counted there goes to the last row, so that no sum falls. */
static void vacate(struct scoreboard *board, unsigned i)
{
	struct queue_tally *queue = &board->listeners[i].queue;

	atomic_fetch_add_explicit(&board->folds, 1, memory_order_acq_rel);
	for (unsigned w = 0; w < scoreboard_workers(board); w++) {
		struct listener_tally *past = board->past[w].tally.listeners;

		metric_add_listener(&past[OTHER], &past[i]);
		memset(&past[i], 0, sizeof(past[i]));
	}
	cell_add(&board->listeners[OTHER].queue.accept_queue_dropped_segments_total,
		 cell_get(&queue->accept_queue_dropped_segments_total));
	memset(queue, 0, sizeof(*queue));
	atomic_store_explicit(&board->listeners[i].life, LISTENER_NEVER, memory_order_relaxed);
	atomic_fetch_add_explicit(&board->folds, 1, memory_order_acq_rel);
}

/* A row for a new listener: an unused one, or that of one that is gone, or the last. */
static unsigned find_row(struct scoreboard *board)
{
	struct listener_row *other = &board->listeners[OTHER];
	unsigned i = 0;

	while (i < OTHER && atomic_load(&board->listeners[i].life) != LISTENER_NEVER)
		i++;
	if (i < OTHER)
		return i;
	for (i = 0; i < OTHER && !is_left(board, i); i++)
		;
	name_row(other, "other", "other");
	if (i < OTHER)
		vacate(board, i);
	if (i < OTHER && atomic_load(&other->life) == LISTENER_NEVER)
		atomic_store_explicit(&other->life, LISTENER_GONE, memory_order_release);
	return i;
}

unsigned scoreboard_enlist(struct scoreboard *board, const char *address, const char *service)
{
	struct listener_row *row = board->listeners;
	unsigned i = 0;

	while (i < OTHER &&
	       (atomic_load(&row[i].life) == LISTENER_NEVER || !is_row(&row[i], address, service)))
		i++;
	if (i == OTHER)
		i = find_row(board);
	if (i < OTHER && atomic_load(&row[i].life) == LISTENER_NEVER)
		name_row(&row[i], address, service);
	atomic_store_explicit(&row[i].life, LISTENER_OPEN, memory_order_release);
	return i;
}

void scoreboard_mark(struct scoreboard *board, enum mark_kind kind, unsigned worker)
{
	uint32_t count = atomic_load_explicit(&board->mark_count, memory_order_relaxed);

	board->marks[count % SCOREBOARD_MARKS] =
		(struct mark){ .at_s = time(NULL), .kind = kind, .worker = worker };
	atomic_store_explicit(&board->mark_count, count + 1, memory_order_release);
}

void scoreboard_all(const struct scoreboard *board, struct worker_tally *out)
{
	struct crew crew;

	crew_look(&crew, board);
	crew_all(&crew, board, out);
}

uint64_t scoreboard_sum(const struct scoreboard *board, enum metric metric)
{
	struct worker_tally all;

	scoreboard_all(board, &all);
	return metric_sum(&all, metric);
}
