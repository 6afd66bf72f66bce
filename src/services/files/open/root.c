/* SPDX-License-Identifier: MIT */
/* Keeps the folders. It opens no file in them. */
#include "services/files/open/root.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/quote.h"
#include "base/sys.h"
#include "config/privs_look.h"

enum { VALID_MS = 1000 };

struct root {
	const struct listen_conf *conf; /* NULL: of another service */
	unsigned folder, types_of; /* the first place with the same folder, with the same types */
	const char *path;
	int fd; /* -1: it was not there at the last look */
	int error;
	int64_t until_ms; /* when it is looked for again */
	dev_t device;     /* of the last one */
	ino_t inode;
	uint32_t version;
	struct media_types types;
	char headers[ROOT_HEADERS];
};

/* Of this worker, by the number of the place; written by it alone. */
static struct root *roots;
static unsigned root_count;

/* What was found in another folder does not hold in this one. */
static void note_version(struct root *root)
{
	struct stat st = { 0 };

	if (root->fd >= 0 && sys_fstat(root->fd, &st) == 0 && st.st_dev == root->device &&
	    st.st_ino == root->inode)
		return;
	root->device = st.st_dev;
	root->inode = st.st_ino;
	root->version++;
}

static void note_error(struct root *root, int error)
{
	if (error != 0 && error != EMFILE && error != ENFILE && error != root->error)
		LOG(EVENT_root_failed, LOG_STR("path", root->path),
		    LOG_STR("reason", strerror(error)));
	root->error = error;
}

/*
 * Without a descriptor the folder of the last look stays: were it closed, a client would take its
 * place, and this worker, or its successor, would lack it.
 */
static void look_for(struct root *root, int64_t now_ms)
{
	int fd = sys_open(root->path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);

	root->until_ms = now_ms + VALID_MS;
	if (fd < 0 && root->fd >= 0 && (errno == EMFILE || errno == ENFILE))
		return;
	note_error(root, fd < 0 ? errno : 0);
	if (root->error == EMFILE || root->error == ENFILE)
		root->until_ms = 0; /* there may be one in a moment */
	if (root->fd >= 0)
		(void)sys_close(root->fd);
	root->fd = fd;
	note_version(root);
}

/* The system's file may have anything in it. */
static bool has_own_types(const struct listen_conf *listen)
{
	return listen->types[0] != '\0' && strcmp(listen->types, "none") != 0;
}

static bool load_types(const struct listen_conf *listen, struct media_types *types, struct err *err)
{
	if (strcmp(listen->types, "none") == 0)
		return true;
	return media_types_load(has_own_types(listen) ? listen->types : NULL, types, err);
}

/* files.c has checked that they fit. */
static void write_headers(const struct listen_conf *listen, char *text)
{
	size_t used = 0;

	for (size_t i = 0; i < listen->headers.count; i++)
		used += (size_t)snprintf(text + used, ROOT_HEADERS - used, "%s\r\n",
					 listen->headers.texts[i]);
}

bool root_make(unsigned count)
{
	roots = calloc(count, sizeof(*roots));
	root_count = count;
	return roots != NULL;
}

/* A location that has the folder or the types of another place shares them with it. */
static void share(struct root *root, unsigned place)
{
	root->folder = root->types_of = place;
	for (unsigned i = root_count; i-- > 0;) {
		if (i == place || !roots[i].conf)
			continue;
		if (roots[i].folder == i && strcmp(roots[i].path, root->path) == 0)
			root->folder = i;
		if (roots[i].types_of == i && strcmp(roots[i].conf->types, root->conf->types) == 0)
			root->types_of = i;
	}
}

void root_start(unsigned place, const struct listen_conf *conf)
{
	struct root *root = &roots[place];
	struct err ignored;

	root->conf = conf;
	root->path = conf->root;
	root->fd = -1;
	share(root, place);
	if (root->types_of == place) /* where they fail there are the built-in ones */
		(void)load_types(conf, &root->types, &ignored);
	write_headers(conf, root->headers);
}

int root_open(unsigned place)
{
	struct root *root = &roots[roots[place].folder];
	int64_t now_ms = clock_ms();

	if (now_ms >= root->until_ms)
		look_for(root, now_ms);
	errno = root->error;
	return root->fd;
}

uint32_t root_version(unsigned place)
{
	return roots[roots[place].folder].version;
}

const char *root_headers(unsigned place)
{
	return roots[place].headers;
}

bool root_has_header(unsigned place, const char *line)
{
	size_t length = strcspn(line, ":") + 1;

	for (const char *at = root_headers(place); at[0] != '\0'; at += strcspn(at, "\n") + 1)
		if (strncasecmp(at, line, length) == 0)
			return true;
	return false;
}

const struct media_types *root_types(unsigned place)
{
	return &roots[roots[place].types_of].types;
}

/* --- At load --- */

struct root_path {
	const char *chroot, *path;
};

/* Finds the errno of a process that would serve the folder; 0: it can. */
static void enter(const void *what, void *found)
{
	const struct root_path *root = what;
	const char *path = root->path + strspn(root->path, "/");
	int base = sys_open(root->chroot[0] != '\0' ? root->chroot : "/",
			    O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	int fd = base < 0 ? -1 :
			    sys_openat(base, path[0] != '\0' ? path : ".",
				       O_PATH | O_DIRECTORY | O_CLOEXEC, 0);

	if (fd < 0 || sys_faccessat(fd, ".", X_OK, AT_EACCESS) < 0)
		*(int *)found = errno;
}

static bool check_types(const struct listen_conf *listen, struct err *err)
{
	struct media_types types = { 0 };

	if (!load_types(listen, &types, err) ||
	    (has_own_types(listen) && !media_types_check(listen->types, err)))
		return err_prefix(err, "types: ");
	media_types_free(&types);
	return true;
}

bool root_check(const struct conf *conf, const struct listen_conf *listen,
		const struct identity *identity, struct err *err)
{
	const struct root_path root = { .chroot = conf->chroot, .path = listen->root };
	char shown[QUOTE_TEXT];
	int error = 0;

	if (!privs_look(identity, enter, &root, &error, sizeof(error), err))
		return err_prefix(err, "root: ");
	if (error == 0)
		return check_types(listen, err);
	errno = error;
	err_errno(err, err_code(error, CODE_CONFIG), "root: %s cannot be served",
		  quote_show(listen->root, shown));
	return privs_look_blame(identity, err);
}
