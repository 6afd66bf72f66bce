/* SPDX-License-Identifier: MIT */
/*
 * Opens every name with O_NOFOLLOW and judges what was opened, so that a file that is exchanged in
 * between is judged as well. The kernel is not given ".." either, which only links have: a folder
 * that is moved meanwhile has another parent. The walk begins again at the root instead, with the
 * names passed so far but the last one.
 */
#include "services/files/open/beneath_walk.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/sys.h"

struct walk {
	int root;
	int dir; /* the folder reached: the root, or a descriptor of the walk's own */
	enum beneath_symlinks symlinks;
	unsigned steps, links;
	struct stat root_st, st; /* st: of what was reached last */
	/* The links whose end is not reached: it is when no more than `left` bytes are left. */
	struct {
		uid_t owner;
		size_t left;
	} pending[BENEATH_LINKS_MOST];
	unsigned pending_count;
	size_t passed_length;
	char passed[PATH_MAX]; /* the names from the root to dir, each with a slash behind it */
	char *rest;            /* what is left to walk, at the end of text: no slash before it */
	char text[2 * PATH_MAX];
};

static int fail_with(int error)
{
	errno = error;
	return -1;
}

static void close_keeping_errno(int fd)
{
	int error = errno;

	(void)sys_close(fd);
	errno = error;
}

static size_t count_left(const struct walk *w)
{
	return (size_t)(w->text + sizeof(w->text) - 1 - w->rest);
}

static void enter_dir(struct walk *w, int dir)
{
	if (w->dir != w->root)
		close_keeping_errno(w->dir);
	w->dir = dir;
}

static int put_before(struct walk *w, const char *text, size_t length)
{
	if (length > (size_t)(w->rest - w->text))
		return fail_with(ENAMETOOLONG);
	w->rest -= length;
	memcpy(w->rest, text, length);
	return 0;
}

/* Puts a path before the rest. One that ends with a slash, or is empty, names a folder. */
static int put_path_before(struct walk *w, const char *path, size_t length)
{
	if (length > 0 && path[0] == '/')
		return fail_with(EXDEV);
	if (*w->rest != '\0') {
		if (put_before(w, "/", 1) != 0)
			return -1;
	} else if (length == 0 || path[length - 1] == '/') {
		if (put_before(w, ".", 1) != 0)
			return -1;
	}
	return put_before(w, path, length);
}

/* Judges the links whose end is reached. */
static int judge_owners(struct walk *w)
{
	while (w->pending_count > 0 && count_left(w) <= w->pending[w->pending_count - 1].left) {
		if (w->pending[w->pending_count - 1].owner != w->st.st_uid)
			return fail_with(ELOOP);
		w->pending_count--;
	}
	return 0;
}

static int go_up(struct walk *w)
{
	size_t length = w->passed_length;

	if (length == 0)
		return fail_with(EXDEV);
	do
		length--;
	while (length > 0 && w->passed[length - 1] != '/');
	if (*w->rest == '\0' && put_before(w, ".", 1) != 0)
		return -1;
	if (put_before(w, w->passed, length) != 0)
		return -1;
	w->passed_length = 0;
	enter_dir(w, w->root);
	w->st = w->root_st;
	return judge_owners(w);
}

/* Puts the link's target in its place; w->st is the link's. */
static int follow_link(struct walk *w, int link)
{
	char target[PATH_MAX];
	ssize_t length;

	if (w->symlinks == BENEATH_SYMLINKS_NO || w->links == BENEATH_LINKS_MOST)
		return fail_with(ELOOP);
	w->links++;
	length = sys_readlinkat(link, "", target, sizeof(target));
	if (length < 0)
		return -1;
	if (length == 0)
		return fail_with(ENOENT);
	if ((size_t)length == sizeof(target))
		return fail_with(ENAMETOOLONG);
	if (w->symlinks == BENEATH_SYMLINKS_SAME_OWNER) {
		w->pending[w->pending_count].owner = w->st.st_uid;
		w->pending[w->pending_count++].left = count_left(w);
	}
	return put_path_before(w, target, (size_t)length);
}

static int pass_folder(struct walk *w, int fd, const char *name, size_t length)
{
	if (w->passed_length + length + 1 > sizeof(w->passed)) {
		(void)sys_close(fd);
		return fail_with(ENAMETOOLONG);
	}
	memcpy(w->passed + w->passed_length, name, length);
	w->passed[w->passed_length + length] = '/';
	w->passed_length += length + 1;
	enter_dir(w, fd);
	return judge_owners(w);
}

/* Passes a name that is not the last one, or that was a link when it was to be opened. */
static int pass_name(struct walk *w, const char *name, size_t length)
{
	int fd = sys_openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0), result = -1;

	if (fd < 0)
		return -1;
	if (sys_fstat(fd, &w->st) != 0)
		goto close;
	if (S_ISDIR(w->st.st_mode) && *w->rest != '\0')
		return pass_folder(w, fd, name, length);
	if (S_ISLNK(w->st.st_mode))
		result = follow_link(w, fd);
	else if (*w->rest != '\0')
		result = fail_with(ENOTDIR);
	else if (w->links++ < BENEATH_LINKS_MOST) /* exchanged since: open it again */
		result = put_before(w, name, length);
	else
		result = fail_with(ELOOP);
close:
	close_keeping_errno(fd);
	return result;
}

static int open_last(struct walk *w, const char *name)
{
	int fd = sys_openat(w->dir, name, BENEATH_FLAGS | O_NOFOLLOW, 0);

	if (fd < 0)
		return -1;
	if (sys_fstat(fd, &w->st) == 0 && judge_owners(w) == 0)
		return fd;
	close_keeping_errno(fd);
	/* ELOOP would say that the file itself is a link */
	return fail_with(errno == ELOOP ? EACCES : errno);
}

/* Takes the next name off the rest, and the slashes behind it; its length, or -1. */
static ssize_t take_name(struct walk *w, char *name)
{
	size_t length = strcspn(w->rest, "/");

	if (length > NAME_MAX)
		return fail_with(ENAMETOOLONG);
	memcpy(name, w->rest, length);
	name[length] = '\0';
	w->rest += length;
	w->rest += strspn(w->rest, "/");
	return (ssize_t)length;
}

/* Walks one name. Returns 0 when there are more, else as beneath_walk with *fd. */
static int step_on(struct walk *w, int *fd)
{
	char name[NAME_MAX + 1];
	ssize_t length = take_name(w, name);

	if (length < 0)
		return -1;
	if (w->steps++ == BENEATH_STEPS_MOST)
		return fail_with(ELOOP);
	if (strcmp(name, "..") == 0)
		return go_up(w);
	if (*w->rest == '\0') {
		*fd = open_last(w, name);
		if (*fd >= 0)
			return 0;
		if (errno != ELOOP)
			return -1;
	} else if (strcmp(name, ".") == 0) {
		return judge_owners(w);
	}
	return pass_name(w, name, (size_t)length);
}

int beneath_walk(int root, const char *path, enum beneath_symlinks symlinks, struct stat *st)
{
	struct walk w;
	size_t length = strlen(path);
	int fd = -1;

	w.root = w.dir = root;
	w.symlinks = symlinks;
	w.steps = w.links = w.pending_count = 0;
	w.passed_length = 0;
	w.rest = w.text + sizeof(w.text) - 1;
	*w.rest = '\0';
	if (length >= PATH_MAX)
		return fail_with(ENAMETOOLONG);
	if (sys_fstat(root, &w.root_st) != 0 || put_path_before(&w, path, length) != 0)
		return -1;
	w.st = w.root_st;
	while (fd < 0 && step_on(&w, &fd) == 0)
		;
	enter_dir(&w, root);
	*st = w.st;
	return fd;
}
