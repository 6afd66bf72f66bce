/* SPDX-License-Identifier: MIT */
/* Lays out, maps and confines the memory. It reads none of it. */
#include "stats/limit_memory.h"

#include "base/memfile.h"
#include "base/sys.h"
#include "stats/scoreboard.h"

/* Keys beside those of connections: of listeners. */
enum { KEYS_MORE = 512 };

static size_t round_up(size_t size)
{
	return (size + SCOREBOARD_PAGE - 1) / SCOREBOARD_PAGE * SCOREBOARD_PAGE;
}

static size_t slot_at(const struct limit_memory *memory, unsigned slot)
{
	return round_up(sizeof(struct limit_rates)) + slot * memory->stride;
}

static bool choose_key(struct siphash_key *key)
{
	return sys_getrandom(key, sizeof(*key)) == (ssize_t)sizeof(*key);
}

/* No holder of the descriptor can make it smaller under the others. */
static bool open_file(struct limit_memory *memory)
{
	memory->fd = sys_memfd_create("prefork-srv limits", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return memory->fd >= 0 && sys_ftruncate(memory->fd, (off_t)memory->size) == 0 &&
	       sys_fcntl_int(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0;
}

static bool map_file(struct limit_memory *memory)
{
	void *base = sys_mmap(NULL, memory->size, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_NORESERVE, memory->fd, 0);

	if (base == MAP_FAILED)
		return false;
	memory->base = base;
	(void)sys_madvise(base, memory->size, MADV_DONTDUMP);
	memory->read_fd = memfile_open_reader(memory->fd);
	return memory->read_fd >= 0;
}

bool limit_memory_new(struct limit_memory *memory, uint32_t connections, struct err *err)
{
	*memory = (struct limit_memory){ .fd = -1, .read_fd = -1 };
	memory->entries = limit_counts_entries(connections + KEYS_MORE);
	memory->stride =
		round_up(SCOREBOARD_PAGE + 2 * (size_t)memory->entries * sizeof(_Atomic uint64_t));
	memory->size = slot_at(memory, SCOREBOARD_SLOTS);
	if (choose_key(&memory->key) && open_file(memory) && map_file(memory))
		return true;
	err_errno(err, CODE_OSERR, "cannot map the memory of the limits");
	limit_memory_free(memory);
	return false;
}

void limit_memory_free(struct limit_memory *memory)
{
	if (memory->base)
		(void)sys_munmap(memory->base, memory->size);
	if (memory->fd > 0)
		sys_close(memory->fd);
	if (memory->read_fd > 0)
		sys_close(memory->read_fd);
	*memory = (struct limit_memory){ .fd = -1, .read_fd = -1 };
}

/* Half of a table may be in use. */
bool limit_memory_fits(const struct limit_memory *memory, int64_t connections, size_t listeners)
{
	return connections + (int64_t)listeners <= (int64_t)memory->entries / 2;
}

bool limit_memory_confine(const struct limit_memory *memory, unsigned slot)
{
	size_t from = slot_at(memory, slot), first = slot_at(memory, 0);

	if (!memory->base)
		return true;
	return memfile_close_to_writing(memory->base, first, from, memory->read_fd) &&
	       memfile_close_to_writing(memory->base, from + memory->stride, memory->size,
					memory->read_fd) &&
	       memfile_seal(memory->base, first) &&
	       memfile_seal(memory->base + from, memory->stride);
}

struct limit_counts limit_memory_counts(const struct limit_memory *memory, unsigned slot)
{
	char *at = memory->base + slot_at(memory, slot);

	return (struct limit_counts){ .head = (struct limit_counts_head *)at,
				      .tables = (_Atomic uint64_t *)(at + SCOREBOARD_PAGE),
				      .entries = memory->entries };
}
