/* SPDX-License-Identifier: MIT */
/* Keeps the folders. It opens no file in them. */
#include "services/files/root.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/quote.h"
#include "base/sys.h"
#include "config/privs_look.h"

enum { VALID_MS = 1000 };

struct root {
	const char *path;
	int fd; /* -1: it was not there at the last look */
	int error;
	int64_t until_ms; /* when it is looked for again */
	struct media_types types;
	char headers[ROOT_HEADERS];
};

/* Of this worker, by the number of the listener; written by it alone. */
static struct root *roots;

static void look_for(struct root *root, int64_t now_ms)
{
	int fd = sys_open(root->path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);

	root->error = fd < 0 ? errno : 0;
	if (root->fd >= 0)
		(void)sys_close(root->fd);
	root->fd = fd;
	root->until_ms = now_ms + VALID_MS;
}

static bool load_types(const struct listen_conf *listen, struct media_types *types, struct err *err)
{
	if (strcmp(listen->types, "none") == 0)
		return true;
	return media_types_load(listen->types[0] != '\0' ? listen->types : NULL, types, err);
}

/* files.c has checked that they fit. */
static void write_headers(const struct listen_conf *listen, char *text)
{
	size_t used = 0;

	for (size_t i = 0; i < listen->headers.count; i++)
		used += (size_t)snprintf(text + used, ROOT_HEADERS - used, "%s\r\n",
					 listen->headers.texts[i]);
}

unsigned root_number(const struct heritage *heritage, const struct listen_conf *listen)
{
	unsigned number = 0;

	while (heritage->listeners->list[number].conf != listen)
		number++;
	return number;
}

bool root_start(const struct heritage *heritage, const struct listen_conf *listen)
{
	struct root *root;
	struct err ignored;

	if (!roots)
		roots = calloc(heritage->listeners->count, sizeof(*roots));
	if (!roots)
		return false;
	root = &roots[root_number(heritage, listen)];
	root->path = listen->root;
	root->fd = -1;
	look_for(root, clock_ms());
	write_headers(listen, root->headers);
	(void)load_types(listen, &root->types, &ignored); /* else there are the built-in ones */
	return true;
}

int root_open(unsigned listener)
{
	struct root *root = &roots[listener];
	int64_t now_ms = clock_ms();

	if (now_ms >= root->until_ms)
		look_for(root, now_ms);
	errno = root->error;
	return root->fd;
}

const char *root_headers(unsigned listener)
{
	return roots[listener].headers;
}

const struct media_types *root_types(unsigned listener)
{
	return &roots[listener].types;
}

/* --- At load --- */

struct asked {
	const char *chroot, *path;
};

/* Finds the errno of a process that would serve the folder; 0: it can. */
static void enter(const void *what, void *found)
{
	const struct asked *asked = what;
	const char *path = asked->path + strspn(asked->path, "/");
	int base = sys_open(asked->chroot[0] != '\0' ? asked->chroot : "/",
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

	if (!load_types(listen, &types, err))
		return err_prefix(err, "types: ");
	media_types_free(&types);
	return true;
}

bool root_check(const struct conf *conf, const struct listen_conf *listen,
		const struct identity *identity, struct err *err)
{
	const struct asked asked = { .chroot = conf->chroot, .path = listen->root };
	char shown[QUOTE_TEXT];
	int error = 0;

	if (!privs_look(identity, enter, &asked, &error, sizeof(error), err))
		return err_prefix(err, "root: ");
	if (error == 0)
		return check_types(listen, err);
	errno = error;
	err_errno(err, err_code(error, CODE_CONFIG), "root: %s cannot be served",
		  quote_show(listen->root, shown));
	return privs_look_blame(identity, err);
}
