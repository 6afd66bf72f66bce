/* SPDX-License-Identifier: MIT */
/* Finds the arena by its magic word, and the records in it by theirs. */
#include "damage.h"

#include <fcntl.h>

#include "client.h"
#include "harness.h"
#include "worker/arena.h"
#include "worker/record.h"

enum { STEP = 1 << 20, SEARCHED = 64 * STEP };

/* Opens the memory of the worker, and finds its arena there; -1 where that is forbidden. */
static int open_arena(pid_t worker, off_t *arena)
{
	char path[64], line[512];
	bool is_found = false;
	unsigned long from;
	uint64_t word;
	FILE *maps;
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/mem", worker);
	mem = open(path, O_RDWR | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", worker);
	maps = fopen(path, "re");
	while (mem >= 0 && maps && !is_found && fgets(line, sizeof(line), maps))
		is_found = strstr(line, " rw-s ") && sscanf(line, "%lx-", &from) == 1 &&
			   pread(mem, &word, sizeof(word), (off_t)from) == sizeof(word) &&
			   word == ARENA_MAGIC;
	if (maps)
		fclose(maps);
	if (is_found) {
		*arena = (off_t)from;
		return mem;
	}
	if (mem >= 0)
		close(mem);
	return -1;
}

bool damage_head(pid_t worker)
{
	static const uint64_t nothing;
	off_t arena;
	int mem = open_arena(worker, &arena);
	bool done = mem >= 0 && pwrite(mem, &nothing, sizeof(nothing), arena) == sizeof(nothing);

	if (mem >= 0)
		close(mem);
	return done;
}

static bool is_record_of(const struct record *r, uint16_t port)
{
	return record_is_client(r) && r->remote_port == port;
}

/* Where the record is; the first of its size bytes are in *r. */
static off_t find_record(int mem, off_t arena, uint16_t port, struct record *r)
{
	static uint64_t words[STEP / sizeof(uint64_t)];

	for (off_t at = arena; at < arena + SEARCHED; at += STEP) {
		if (pread(mem, words, sizeof(words), at) != sizeof(words))
			break;
		for (size_t i = 0; i + sizeof(*r) / sizeof(*words) <= STEP / sizeof(*words); i++) {
			memcpy(r, words + i, sizeof(*r));
			if (is_record_of(r, port))
				return at + (off_t)(i * sizeof(*words));
		}
	}
	fail_msg("there is no record of port %u", port);
	return 0;
}

bool damage_record(pid_t worker, int fd, void (*change)(struct record *r))
{
	struct sockaddr_in client;
	socklen_t size = sizeof(client);
	struct record r;
	off_t arena, at;
	bool done;
	int mem = open_arena(worker, &arena);

	if (mem < 0)
		return false;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&client, &size), 0);
	at = find_record(mem, arena, ntohs(client.sin_port), &r);
	change(&r);
	done = pwrite(mem, &r, sizeof(r), at) == sizeof(r);
	close(mem);
	return done;
}
