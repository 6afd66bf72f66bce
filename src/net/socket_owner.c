/* SPDX-License-Identifier: MIT */
/*
 * Finds the inode of a listening socket in /proc/net and looks for it among a process's
 * descriptors. It must not touch the socket.
 */
#include "net/socket_owner.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/sys.h"

/* A listening socket in /proc/net. */
struct found {
	uint64_t inode;
	uid_t user;
	bool has_user;
};

/* /proc/net/tcp writes an address as words of four bytes in host byte order. */
static void hex_address(const struct addr *addr, char *text, size_t size)
{
	uint32_t words[4];
	bool is_v6 = addr->sa.sa_family == AF_INET6;
	size_t used = 0;

	if (is_v6)
		memcpy(words, &addr->in6.sin6_addr, sizeof(words));
	else
		words[0] = addr->in.sin_addr.s_addr;
	for (int i = 0; i < (is_v6 ? 4 : 1); i++)
		used += (size_t)snprintf(text + used, size - used, "%08" PRIX32, words[i]);
	snprintf(text + used, size - used, ":%04X",
		 ntohs(is_v6 ? addr->in6.sin6_port : addr->in.sin_port));
}

/* `sl: local remote st tx:rx tr:when retrnsmt uid timeout inode`; state 0A is LISTEN. */
static bool tcp_line(const char *line, const char *wanted, struct found *found)
{
	char local[64], state[8];
	unsigned user;

	if (sscanf(line, " %*s %63s %*s %7s %*s %*s %*s %u %*s %" SCNu64, local, state, &user,
		   &found->inode) != 4)
		return false;
	found->user = user;
	found->has_user = true;
	return strcmp(local, wanted) == 0 && strcmp(state, "0A") == 0;
}

/* `Num RefCount Protocol Flags Type St Inode Path`; flag 0x10000 is a listening socket. */
static bool unix_line(const char *line, const char *wanted, struct found *found)
{
	unsigned flags;
	int path_at = 0;

	if (sscanf(line, "%*s %*s %*s %x %*s %*s %" SCNu64 " %n", &flags, &found->inode,
		   &path_at) != 2 ||
	    path_at == 0)
		return false;
	found->has_user = false;
	return (flags & 0x10000) != 0 && file_same_name(line + path_at, wanted);
}

/* Calls seen for each listening socket on addr until it returns true. */
static bool any_socket(const struct addr *addr, bool (*seen)(const struct found *, void *),
		       void *owner)
{
	bool is_unix = addr->sa.sa_family == AF_UNIX, is_seen = false;
	const char *table = is_unix                        ? "/proc/net/unix" :
			    addr->sa.sa_family == AF_INET6 ? "/proc/net/tcp6" :
							     "/proc/net/tcp";
	char wanted[160], *line = NULL;
	struct found found;
	size_t room = 0;
	FILE *file = fopen(table, "re");

	if (file == NULL)
		return false;
	if (is_unix)
		snprintf(wanted, sizeof(wanted), "%s", addr->un.sun_path);
	else
		hex_address(addr, wanted, sizeof(wanted));
	while (!is_seen && getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		is_seen = (is_unix ? unix_line : tcp_line)(line, wanted, &found) &&
			  seen(&found, owner);
	}
	free(line);
	fclose(file);
	return is_seen;
}

static bool same_user(const struct found *found, pid_t pid)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return !found->has_user || (sys_lstat(path, &st) == 0 && st.st_uid == found->user);
}

static bool links_to(DIR *folder, const char *name, const char *wanted)
{
	char target[64];
	ssize_t len = readlinkat(dirfd(folder), name, target, sizeof(target) - 1);

	if (len < 0)
		return false;
	target[len] = '\0';
	return strcmp(target, wanted) == 0;
}

/* may_be is the result when the process may not be inspected. */
static bool has_inode_or(const struct found *found, pid_t pid, bool may_be)
{
	char path[64], wanted[64];
	struct dirent *entry;
	bool is_held = false;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", found->inode);
	folder = opendir(path);
	if (folder == NULL)
		return errno == EACCES && may_be && same_user(found, pid);
	while (!is_held && (entry = readdir(folder)) != NULL)
		is_held = links_to(folder, entry->d_name, wanted);
	closedir(folder);
	return is_held;
}

static bool has_inode(const struct found *found, void *owner)
{
	return has_inode_or(found, *(pid_t *)owner, true);
}

static bool keep_found(const struct found *found, void *owner)
{
	*(struct found *)owner = *found;
	return true;
}

/* Bounds the search by its cost, on a busy machine too: the master also runs it in a reload. */
enum { SEEK_CPU_US = 500 * 1000 };

/* Finds the process with the lowest id that has the socket and can be inspected. */
static bool find_process(const struct found *found, pid_t *holder)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	int64_t until_us = clock_cpu_us() + SEEK_CPU_US;

	*holder = 0;
	while (folder && clock_cpu_us() < until_us && (entry = readdir(folder)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && (*holder == 0 || pid < *holder) && has_inode_or(found, pid, false))
			*holder = pid;
	}
	if (folder)
		closedir(folder);
	return *holder > 0;
}

/* The wildcard address with the same port: a socket on it also occupies this address. */
static struct addr wildcard_of(const struct addr *addr, sa_family_t family)
{
	struct addr all = { .sa.sa_family = family };
	in_port_t port = addr->sa.sa_family == AF_INET6 ? addr->in6.sin6_port : addr->in.sin_port;

	if (family == AF_INET6)
		all.in6.sin6_port = port;
	else
		all.in.sin_port = port;
	return all;
}

static pid_t find_holder(const struct addr *addr)
{
	struct addr tried[] = { *addr, wildcard_of(addr, AF_INET), wildcard_of(addr, AF_INET6) };
	unsigned count = addr->sa.sa_family == AF_UNIX ? 1 : 3;
	struct found found;
	pid_t pid = 0;

	for (unsigned i = 0; i < count && pid == 0; i++)
		if (any_socket(&tried[i], keep_found, &found))
			(void)find_process(&found, &pid);
	return pid;
}

/* The title as ps shows it, with unprintable bytes replaced. */
static void read_title(pid_t pid, char *text, size_t size)
{
	char path[64];
	size_t got = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	file = fopen(path, "re");
	if (file) {
		got = fread(text, 1, size - 1, file);
		fclose(file);
	}
	while (got > 0 && text[got - 1] == '\0')
		got--;
	text[got] = '\0';
	for (size_t i = 0; i < got; i++)
		if (!isprint((unsigned char)text[i]))
			text[i] = text[i] == '\0' ? ' ' : '?';
}

bool socket_owner_explain(const struct addr *addr, const char *command, struct err *err)
{
	char title[64];
	pid_t pid = find_holder(addr);

	if (pid == 0)
		return err_set(err, err->code, "%s (another program serves it; %s shows which)",
			       err->text, command);
	read_title(pid, title, sizeof(title));
	return err_set(err, err->code, "%s (another program serves it: process %d, \"%s\")",
		       err->text, (int)pid, title);
}

bool socket_owner_has(pid_t pid, const struct addr *addr)
{
	return any_socket(addr, has_inode, &pid);
}
