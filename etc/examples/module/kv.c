/* SPDX-License-Identifier: MIT */
/*
 * kv.c: a module of prefork-srv that keeps keys and values for all its clients. Build it with
 * `make` in this folder, then:
 *   prefork-srv -w 4 -l 9000=module,module=./kv.so,arguments=size=64m
 *
 * A line is a command, and gets one line as its answer:
 *   set KEY VALUE  ok, or full       get KEY   = VALUE, or none
 *   del KEY        ok, or none       incr KEY  = the new number, or error (no number, or the last)
 *   quit           the server ends the connection
 * A key has up to 47 bytes and no blank, a value up to 95 bytes.
 *
 * Why the memory is shared: a client does not choose its worker, so a table for each worker would
 * answer by chance. The price is a lock that the workers take in turn; with a table for each worker
 * there would be none, and that suits a cache, where a miss is no error. The memory is not a file:
 * it lasts through crashes and reloads, and ends with the server.
 *
 * Why a worker may die anywhere here, by kill -9 too:
 *   - The kernel marks the lock of a process that dies (set_robust_list(2)), and the next worker
 *     that wants it takes it over. A mutex of pthreads would not do: a worker is not made by
 *     fork(3), and the C library does not know it.
 *   - The table needs no repair. Each change is prepared where nobody reads, and comes into force
 *     with one store: of a slot's state, or of the half of it that holds the value. A worker that
 *     dies before the store has changed nothing, after it everything.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <prefork-srv/service.h>

enum { KEY_SIZE = 48, VALUE_SIZE = 96, LINE_MOST = KEY_SIZE + VALUE_SIZE + 8 };
enum { SLOT_FREE, SLOT_USED, SLOT_DELETED };

struct slot {
	_Atomic uint32_t state;
	_Atomic uint32_t half; /* the value in force */
	char key[KEY_SIZE];
	char values[2][VALUE_SIZE];
};

struct table {
	_Atomic uint32_t
		lock; /* 0, or the worker's thread id (FUTEX_TID_MASK) and the kernel's bits */
	struct slot slots[];
};

enum { SETS, GETS, DELETES, COMMANDS_INVALID };
static const char *const counters[] = { "sets", "gets", "deletes", "commands_invalid", NULL };

/* Of the connection that is served; set by find_table. Two listeners have two tables. */
static struct table *table;
static size_t slot_count;

static void find_table(const struct prefork_conn *c)
{
	size_t size;

	table = prefork_shared(prefork_listener_of(c), &size);
	slot_count = (size - sizeof(struct table)) / sizeof(struct slot);
}

/* --- The lock --- */

/*
 * Tells the kernel which lock to mark when this process dies. No worker has locked anything before
 * it is made, so that each starts with a zeroed copy.
 */
static void watch_lock(void)
{
	static struct robust_list_head watched;

	watched.list_op_pending = (struct robust_list *)&table->lock;
	if (watched.list.next)
		return;
	watched.list.next = &watched.list;
	syscall(SYS_set_robust_list, &watched, sizeof(watched));
}

/* Held for less than a microsecond, so that to wait is to let the others run. */
static void lock_table(void)
{
	uint32_t own = (uint32_t)getpid();

	watch_lock();
	for (;;) {
		uint32_t seen = atomic_load(&table->lock);

		if ((seen == 0 || (seen & FUTEX_OWNER_DIED)) &&
		    atomic_compare_exchange_strong(&table->lock, &seen, own))
			return;
		sched_yield();
	}
}

static void unlock_table(void)
{
	atomic_store(&table->lock, 0);
}

/* --- The table --- */

static size_t hash_key(const char *key)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
	return (size_t)(hash % slot_count);
}

/*
 * The slot of the key; or, with *free, NULL and the first slot in which it may be put (NULL: the
 * table is full).
 */
static struct slot *find_slot(const char *key, struct slot **free)
{
	size_t at = hash_key(key);

	*free = NULL;
	for (size_t i = 0; i < slot_count; i++, at = (at + 1) % slot_count) {
		struct slot *slot = &table->slots[at];
		uint32_t state = atomic_load(&slot->state);

		if (state == SLOT_USED && strcmp(slot->key, key) == 0)
			return slot;
		if (state != SLOT_USED && !*free)
			*free = slot;
		if (state == SLOT_FREE)
			break;
	}
	return NULL;
}

static const char *value_of(const struct slot *slot)
{
	return slot->values[atomic_load(&slot->half) & 1];
}

static bool set_value(const char *key, const char *value)
{
	struct slot *free, *slot = find_slot(key, &free);
	uint32_t half;

	if (!slot && !free)
		return false;
	if (!slot) {
		snprintf(free->key, KEY_SIZE, "%s", key);
		snprintf(free->values[0], VALUE_SIZE, "%s", value);
		atomic_store(&free->half, 0);
		atomic_store(&free->state, SLOT_USED);
		return true;
	}
	half = !(atomic_load(&slot->half) & 1);
	snprintf(slot->values[half], VALUE_SIZE, "%s", value);
	atomic_store(&slot->half, half);
	return true;
}

/* --- The commands: each writes its answer, with the table locked --- */

static bool run_set(struct prefork_conn *c, const char *key, const char *value)
{
	prefork_count(c, SETS, 1);
	return prefork_printf(c, set_value(key, value) ? "ok\n" : "full\n");
}

static bool run_get(struct prefork_conn *c, const char *key, const char *value)
{
	struct slot *free, *slot = find_slot(key, &free);

	(void)value;
	prefork_count(c, GETS, 1);
	return slot ? prefork_printf(c, "= %s\n", value_of(slot)) : prefork_printf(c, "none\n");
}

static bool run_del(struct prefork_conn *c, const char *key, const char *value)
{
	struct slot *free, *slot = find_slot(key, &free);

	(void)value;
	prefork_count(c, DELETES, 1);
	if (slot)
		atomic_store(&slot->state, SLOT_DELETED);
	return prefork_printf(c, slot ? "ok\n" : "none\n");
}

static bool run_incr(struct prefork_conn *c, const char *key, const char *value)
{
	struct slot *free, *slot = find_slot(key, &free);
	char text[VALUE_SIZE], *end = text;
	long long number = 0;

	(void)value;
	errno = 0;
	if (slot)
		number = strtoll(value_of(slot), &end, 10);
	if (slot && (*end != '\0' || end == value_of(slot) || errno != 0 || number == LLONG_MAX))
		return prefork_printf(c, "error\n");
	snprintf(text, sizeof(text), "%lld", number + 1);
	prefork_count(c, SETS, 1);
	return set_value(key, text) ? prefork_printf(c, "= %s\n", text) :
				      prefork_printf(c, "full\n");
}

static const struct command {
	const char *word;
	bool takes_value;
	bool (*run)(struct prefork_conn *c, const char *key, const char *value);
} commands[] = {
	{ "set", true, run_set },
	{ "get", false, run_get },
	{ "del", false, run_del },
	{ "incr", false, run_incr },
};

static bool is_fit(const char *text, size_t size)
{
	return text && *text && strlen(text) < size;
}

static void run_line(struct prefork_conn *c, char *line)
{
	char *rest = line, *word = strsep(&rest, " "), *key = strsep(&rest, " ");

	prefork_count_message(c);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		const struct command *command = &commands[i];

		if (strcmp(command->word, word) != 0 || !is_fit(key, KEY_SIZE) ||
		    (command->takes_value ? !is_fit(rest, VALUE_SIZE) : rest != NULL))
			continue;
		lock_table();
		command->run(c, key, rest);
		unlock_table();
		return;
	}
	prefork_count(c, COMMANDS_INVALID, 1);
	prefork_printf(c, "error\n");
}

/* --- The hooks --- */

/* Runs the lines that have come whole, while there is room for their answers. */
static enum prefork_verdict read_lines(struct prefork_conn *c)
{
	char line[LINE_MOST + 1];

	find_table(c);
	while (prefork_room(c) >= LINE_MOST) {
		size_t size;
		const char *input = prefork_input(c, &size), *end = memchr(input, '\n', size);
		size_t length = end ? (size_t)(end - input) : size;

		if (length > LINE_MOST)
			return prefork_finish(c, "line_too_long");
		if (!end)
			return prefork_input_ended(c) ? PREFORK_FINISH : PREFORK_MORE;
		memcpy(line, input, length);
		line[length > 0 && line[length - 1] == '\r' ? length - 1 : length] = '\0';
		prefork_consume(c, length + 1);
		if (strcmp(line, "quit") == 0)
			return prefork_finish(c, "quit");
		run_line(c, line);
	}
	return PREFORK_MORE;
}

/* Zeroed memory is an empty table: no process has to prepare it. 64 MiB unless the arguments say otherwise. */
static size_t find_size(const struct prefork_listener *listener)
{
	size_t size = 64 * 1024 * 1024;

	if (!prefork_argument_size(listener, "size", &size) ||
	    size < sizeof(struct table) + sizeof(struct slot))
		return 0;
	return size;
}

static bool check(const struct prefork_listener *listener)
{
	for (size_t i = 0; i < prefork_arguments(listener); i++)
		if (strncmp(prefork_argument(listener, i), "size=", 5) != 0)
			return prefork_refuse("\"%s\" is unknown (size=64m)",
					      prefork_argument(listener, i));
	return find_size(listener) > 0 || prefork_refuse("size= is no size, or too small");
}

const struct prefork_service prefork_service = {
	PREFORK_SERVICE,      .name = "kv",   .state_version = 1,
	.counters = counters, .check = check, .shared_size = find_size,
	.input = read_lines,
};
