/* SPDX-License-Identifier: MIT */
/*
 * Reads folders (getdents64(2)) and sorts. It sorts in place: qsort(3) may allocate. A table is
 * made in several turns: the names, then what is behind them. Once it is made another request may
 * take it, and the first one makes it again; while it is made the others wait, or none would ever
 * end.
 */
#include "services/files/listing/index_names.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/sys.h"
#include "services/files/send/file_send.h"

enum {
	READ_BYTES = 32 * 1024,
	READ_MOST = 2 * INDEX_SORTED_MOST, /* names in a folder that is sorted, listed or not */
	STALLED_MS = 20 /* so long after its last turn a table that is not made may be taken */
};

struct row {
	int64_t modified_s;
	uint64_t size;
	uint32_t name; /* its place among the names */
	bool is_folder;
};

struct table {
	struct index_owner owner;
	struct index_order order;
	int64_t turn_ms;                     /* of the last turn that made it */
	unsigned count, looked, names_count; /* rows; of the names, those that were looked at */
	uint32_t used;                       /* bytes of names */
	uint64_t hash;                       /* of the rows as they are sorted */
	struct row rows[INDEX_SORTED_MOST];
	uint16_t sorted[INDEX_SORTED_MOST];
	char names[INDEX_NAMES_BYTES];
	_Alignas(struct dirent64) char read[READ_BYTES]; /* what a walk has read of a folder */
};

/* Of this worker, which alone writes it. */
static struct table *table;

bool index_names_start(void)
{
	if (!table)
		table = calloc(1, sizeof(*table));
	return table != NULL;
}

static bool copy_name(struct index_entry *entry, const char *name)
{
	size_t size = strlen(name) + 1;

	if (size > sizeof(entry->name))
		return false;
	memcpy(entry->name, name, size);
	return true;
}

/* --- Reading --- */

static bool read_more(struct index_walk *walk)
{
	ssize_t n;

	if (!walk->is_set && sys_lseek(walk->folder->fd, walk->at, SEEK_SET) < 0)
		return false;
	walk->is_set = true;
	n = sys_getdents64(walk->folder->fd, table->read, READ_BYTES);
	walk->next = 0;
	walk->used = n > 0 ? (size_t)n : 0;
	return n >= 0;
}

/* A request cannot name it otherwise (http_target.h). */
static bool is_name(const struct index_folder *folder, const char *name)
{
	if (name[0] == '.' && (!folder->hidden || name[1 + (name[1] == '.')] == '\0'))
		return false;
	for (; *name != '\0'; name++)
		if ((unsigned char)*name < ' ' || *name == 0x7f)
			return false;
	return true;
}

static bool is_kind(unsigned char type)
{
	return type == DT_REG || type == DT_DIR || type == DT_LNK || type == DT_UNKNOWN;
}

/* Fills in what a link leads to, as a request for it would find it. */
static bool follow_link(const struct index_folder *folder, const char *name, struct stat *st)
{
	struct beneath_file file;
	char path[SERVED_PATH];
	enum beneath_end end;

	if (snprintf(path, sizeof(path), "%s%s%s", folder->path, folder->path[0] ? "/" : "",
		     name) >= (int)sizeof(path))
		return false;
	end = file_open_afresh(folder->place, path, &file);
	if (file.fd >= 0)
		(void)sys_close(file.fd);
	*st = file.st;
	return end == BENEATH_FILE || end == BENEATH_FOLDER;
}

/* What a date of four digits can tell. */
static int64_t bound_date(int64_t seconds)
{
	const int64_t first = -62135596800, last = 253402300799;

	return seconds < first ? first : seconds > last ? last : seconds;
}

static bool look_at(const struct index_folder *folder, struct index_entry *entry,
		    struct index_turn *turn)
{
	struct stat st;

	turn->looked++;
	if (sys_fstatat(folder->fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (S_ISLNK(st.st_mode)) {
		turn->links++;
		if (!follow_link(folder, entry->name, &st))
			return false;
	}
	entry->is_folder = S_ISDIR(st.st_mode);
	entry->size = (uint64_t)st.st_size;
	entry->modified_s = bound_date(st.st_mtim.tv_sec);
	return entry->is_folder || S_ISREG(st.st_mode);
}

/* The name alone. */
static enum index_step next_name(struct index_walk *walk, struct index_entry *entry)
{
	const struct dirent64 *found;

	if (walk->next == walk->used && !read_more(walk))
		return INDEX_FAILED;
	if (walk->next == walk->used)
		return INDEX_END;
	found = (const struct dirent64 *)(const void *)(table->read + walk->next);
	walk->next += found->d_reclen;
	walk->at = found->d_off;
	if (!is_kind(found->d_type) || !is_name(walk->folder, found->d_name) ||
	    !copy_name(entry, found->d_name))
		return INDEX_OTHER;
	return INDEX_ENTRY;
}

bool index_turn_is_over(const struct index_turn *turn)
{
	return turn->looked >= INDEX_LOOKED_MOST || turn->links >= INDEX_LINKS_MOST;
}

enum index_step index_walk_next(struct index_walk *walk, struct index_entry *entry)
{
	enum index_step step = next_name(walk, entry);

	if (step == INDEX_OTHER)
		walk->turn.looked++;
	if (step != INDEX_ENTRY)
		return step;
	return look_at(walk->folder, entry, &walk->turn) ? INDEX_ENTRY : INDEX_OTHER;
}

/* --- Sorting --- */

static const char *name_of(unsigned i)
{
	return table->names + table->rows[i].name;
}

static int compare_keys(const struct row *a, const struct row *b)
{
	switch (table->order.sort) {
	case INDEX_BY_SIZE:
		return (a->size > b->size) - (a->size < b->size);
	case INDEX_BY_DATE:
		return (a->modified_s > b->modified_s) - (a->modified_s < b->modified_s);
	default:
		return 0;
	}
}

static bool is_before(unsigned a, unsigned b)
{
	const struct row *x = &table->rows[a], *y = &table->rows[b];
	int order = 0;

	if (x->is_folder != y->is_folder)
		return x->is_folder;
	if (!x->is_folder || table->order.sort == INDEX_BY_DATE)
		order = compare_keys(x, y);
	if (order == 0)
		order = strcmp(name_of(a), name_of(b));
	return table->order.is_descending ? order > 0 : order < 0;
}

static void swap(unsigned a, unsigned b)
{
	uint16_t kept = table->sorted[a];

	table->sorted[a] = table->sorted[b];
	table->sorted[b] = kept;
}

/* Restores the heap of `count` below `root`: no parent is before its children. */
static void sink(unsigned root, unsigned count)
{
	const uint16_t *sorted = table->sorted;

	for (unsigned child; (child = 2 * root + 1) < count; root = child) {
		if (child + 1 < count && is_before(sorted[child], sorted[child + 1]))
			child++;
		if (!is_before(sorted[root], sorted[child]))
			return;
		swap(root, child);
	}
}

static void sort_rows(void)
{
	for (unsigned i = 0; i < table->count; i++)
		table->sorted[i] = (uint16_t)i;
	for (unsigned i = table->count / 2; i > 0; i--)
		sink(i - 1, table->count);
	for (unsigned end = table->count; end > 1; end--) {
		swap(0, end - 1);
		sink(0, end - 1);
	}
}

static uint64_t hash_rows(void)
{
	uint64_t hash = 0;

	for (unsigned i = 0; i < table->count; i++) {
		const struct row *row = &table->rows[table->sorted[i]];
		const char *name = name_of(table->sorted[i]);
		const uint64_t words[] = { hash, hash_bytes(name, strlen(name)), row->is_folder,
					   (uint64_t)row->modified_s, row->size };

		hash = hash_bytes((const char *)words, sizeof(words));
	}
	return hash;
}

/* --- The table --- */

static void add_name(const char *name, size_t size)
{
	memcpy(table->names + table->used, name, size);
	table->rows[table->names_count++].name = table->used;
	table->used += (uint32_t)size;
}

/* INDEX_END: all names fit the table, which gets them if it `keeps` them. */
static enum index_step read_names(const struct index_folder *folder, bool keeps)
{
	struct index_walk walk = { .folder = folder };
	unsigned count = 0;
	size_t bytes = 0;

	for (unsigned i = 0; i <= READ_MOST; i++) {
		struct index_entry entry;
		enum index_step step = next_name(&walk, &entry);
		size_t size;

		if (step == INDEX_FAILED || step == INDEX_END)
			return step;
		if (step == INDEX_OTHER)
			continue;
		size = strlen(entry.name) + 1;
		if (count == INDEX_SORTED_MOST || size > INDEX_NAMES_BYTES - bytes)
			break;
		if (keeps)
			add_name(entry.name, size);
		count++;
		bytes += size;
	}
	return INDEX_OTHER;
}

enum index_step index_names_judge(const struct index_folder *folder)
{
	return read_names(folder, false);
}

static bool is_owner(const struct index_owner *owner)
{
	return owner->messages != 0 && memcmp(&table->owner, owner, sizeof(*owner)) == 0;
}

static bool is_made(void)
{
	return table->looked == table->names_count;
}

static enum index_step begin_table(const struct index_folder *folder, struct index_order order,
				   const struct index_owner *owner)
{
	enum index_step step;

	table->owner = (struct index_owner){ 0 };
	table->order = order;
	table->count = table->looked = table->names_count = table->used = 0;
	step = read_names(folder, true);
	if (step == INDEX_END)
		table->owner = *owner;
	return step;
}

/* The rows stay in the order of the names; one that is not listed leaves its place. */
static void look_at_name(const struct index_folder *folder, struct index_turn *turn)
{
	uint32_t name = table->rows[table->looked++].name;
	struct index_entry entry;

	if (!copy_name(&entry, table->names + name) || !look_at(folder, &entry, turn))
		return;
	table->rows[table->count++] = (struct row){
		.modified_s = entry.modified_s,
		.size = entry.size,
		.name = name,
		.is_folder = entry.is_folder,
	};
}

enum index_step index_names_make(const struct index_folder *folder, struct index_order order,
				 const struct index_owner *owner)
{
	int64_t now_ms = clock_ms();
	struct index_turn turn = { 0 };
	enum index_step step;

	if (is_owner(owner) && is_made())
		return INDEX_END;
	if (!is_owner(owner)) {
		if (table->owner.messages != 0 && !is_made() &&
		    now_ms < table->turn_ms + STALLED_MS)
			return INDEX_ENTRY;
		step = begin_table(folder, order, owner);
		if (step != INDEX_END)
			return step;
	}
	table->turn_ms = now_ms;
	while (!is_made() && !index_turn_is_over(&turn))
		look_at_name(folder, &turn);
	if (!is_made())
		return INDEX_ENTRY;
	sort_rows();
	table->hash = hash_rows();
	return INDEX_END;
}

unsigned index_names_count(void)
{
	return table->count;
}

uint64_t index_names_hash(void)
{
	return table->hash;
}

void index_names_get(unsigned i, struct index_entry *entry)
{
	const struct row *row = &table->rows[table->sorted[i]];

	(void)copy_name(entry, table->names + row->name);
	entry->is_folder = row->is_folder;
	entry->size = row->size;
	entry->modified_s = row->modified_s;
}
