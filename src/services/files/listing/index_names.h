/* SPDX-License-Identifier: MIT */
/*
 * The entries of a folder: those that its listener serves, a few at a time; and a table in which
 * those of one folder are sorted, of a fixed size. Worker only; allocates at start alone.
 */
#ifndef SERVICES_FILES_LISTING_INDEX_NAMES_H
#define SERVICES_FILES_LISTING_INDEX_NAMES_H

#include <limits.h>

#include "worker/conn_record.h"

enum {
	INDEX_SORTED_MOST = 1000,      /* entries of a folder that is sorted */
	INDEX_NAMES_BYTES = 64 * 1024, /* of all their names */
	INDEX_LOOKED_MOST = 256,       /* entries that one turn looks at */
	INDEX_LINKS_MOST = 32          /* of these, symbolic links, each of which is a walk */
};

struct index_entry {
	char name[NAME_MAX + 1];
	bool is_folder; /* or a symbolic link to one */
	uint64_t size;  /* bytes, of a file */
	int64_t modified_s;
};

/* A folder that is open. */
struct index_folder {
	unsigned place; /* services/files/open/place.h */
	int fd;
	const char *path; /* below the root, without a slash at its end; "": the root */
	bool hidden;      /* names that begin with a dot are listed */
};

enum index_step {
	INDEX_ENTRY, /* one more */
	INDEX_OTHER, /* one that is not listed */
	INDEX_END,   /* there are no more */
	INDEX_FAILED /* errno tells why */
};

/* What one turn has done. */
struct index_turn {
	unsigned looked, links;
};

/* True when other connections come first. */
bool index_turn_is_over(const struct index_turn *turn);

struct index_walk {
	const struct index_folder *folder;
	int64_t at; /* where the folder is read from; 0: its beginning */
	size_t used, next;
	bool is_set; /* the descriptor is there */
	struct index_turn turn;
};

/*
 * The next entry from walk->at on, which then is behind it. A caller sets folder and at; only one
 * walk at a time. Listed are files, folders, and symbolic links to them that option follow_symlinks
 * allows, whose names a request can have: control characters it cannot.
 */
enum index_step index_walk_next(struct index_walk *walk, struct index_entry *entry);

enum index_sort { INDEX_BY_NAME, INDEX_BY_SIZE, INDEX_BY_DATE, INDEX_SORTS };

struct index_order {
	enum index_sort sort;
	bool is_descending; /* folders come first either way */
};

/* For whom the table was made: a request of a connection, which is the server's only one. */
struct index_owner {
	uint64_t number, generation, messages;
};

/* For the hook init, once or more. False: no memory. */
bool index_names_start(void);

/*
 * Reads the names alone: INDEX_END when the folder can be sorted, INDEX_OTHER when it is too long
 * for that, or INDEX_FAILED.
 */
enum index_step index_names_judge(const struct index_folder *folder);

/*
 * One turn of making the table for the owner: INDEX_END when it is made; INDEX_ENTRY when there is
 * more to do, in another turn, or when the table of another is being made; else as
 * index_names_judge. A table that was lost is begun anew.
 */
enum index_step index_names_make(const struct index_folder *folder, struct index_order order,
				 const struct index_owner *owner);

/*
 * Of a table that is made: its entries, in their order, and a hash of all that is told of them, in
 * that order: the same in every worker.
 */
unsigned index_names_count(void);
uint64_t index_names_hash(void);
void index_names_get(unsigned i, struct index_entry *entry);

#endif
