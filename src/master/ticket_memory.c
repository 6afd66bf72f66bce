/* SPDX-License-Identifier: MIT */
/* Maps, rotates and confines the keys. It reads none of them. */
#include "master/ticket_memory.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memfile.h"
#include "base/sys.h"
#include "config/conf_tls.h"
#include "master/trial/prestart_tls.h"

enum { SIZE = 4096, RETRY_MS = 60 * 1000 };

_Static_assert(sizeof(struct tls_ticket_keys) <= SIZE, "one page");

void ticket_memory_empty(struct ticket_memory *memory)
{
	*memory = (struct ticket_memory){ .read_fd = -1 };
}

/* 0 means that there is no key, and the clock may begin there. */
static int64_t to_seconds(int64_t now_ms)
{
	return 1 + now_ms / 1000;
}

/* No holder of the descriptor can make it smaller under the others. */
static bool map_file(struct ticket_memory *memory, int fd)
{
	void *page;

	if (sys_ftruncate(fd, SIZE) < 0 ||
	    sys_fcntl_int(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		return false;
	memory->read_fd = memfile_open_reader(fd);
	if (memory->read_fd < 0)
		return false;
	page = sys_mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return false;
	(void)sys_madvise(page, SIZE, MADV_DONTDUMP);
	memory->keys = page;
	return true;
}

static bool open_memory(struct ticket_memory *memory, struct err *err)
{
	int fd = sys_memfd_create("prefork-srv tickets", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	bool is_open = fd >= 0 && map_file(memory, fd);

	if (!is_open)
		err_errno(err, CODE_OSERR, "cannot map the keys of session tickets");
	if (fd >= 0)
		sys_close(fd);
	if (is_open && tls_ticket_keys_start(memory->keys, to_seconds(clock_ms()), err))
		return true;
	ticket_memory_leave(memory);
	return false;
}

struct tls_sites *ticket_memory_sites(struct ticket_memory *memory, const struct conf *conf,
				      struct err *err)
{
	if (conf->tls_count > 0 && memory->keys == NULL && !open_memory(memory, err))
		return NULL;
	return prestart_tls(conf, memory->keys, err);
}

int64_t ticket_memory_due_ms(const struct ticket_memory *memory, const struct conf *conf,
			     int64_t otherwise_ms)
{
	int64_t rotation_ms = conf_tls_rotation_ms(conf), due_ms;

	if (memory->keys == NULL || rotation_ms == 0)
		return otherwise_ms;
	due_ms = memory->keys->current.made_s * 1000 + rotation_ms;
	if (due_ms < memory->retry_ms)
		due_ms = memory->retry_ms;
	return due_ms < otherwise_ms ? due_ms : otherwise_ms;
}

void ticket_memory_step(struct ticket_memory *memory, const struct conf *conf, int64_t now_ms)
{
	bool rotated;
	struct err err;

	if (ticket_memory_due_ms(memory, conf, INT64_MAX) > now_ms ||
	    tls_ticket_keys_rotate(memory->keys, to_seconds(now_ms),
				   conf_tls_rotation_ms(conf) / 1000, &rotated, &err))
		return;
	memory->retry_ms = now_ms + RETRY_MS;
	LOG(EVENT_environment_warned, LOG_STR("message", err.text));
}

bool ticket_memory_confine(const struct ticket_memory *memory)
{
	return memory->keys == NULL ||
	       memfile_close_to_writing(memory->keys, 0, SIZE, memory->read_fd);
}

void ticket_memory_leave(struct ticket_memory *memory)
{
	if (memory->keys != NULL)
		(void)sys_munmap(memory->keys, SIZE);
	if (memory->read_fd >= 0)
		sys_close(memory->read_fd);
	ticket_memory_empty(memory);
}

void ticket_memory_free(struct ticket_memory *memory)
{
	if (memory->keys != NULL)
		tls_ticket_keys_wipe(memory->keys);
	ticket_memory_leave(memory);
}
