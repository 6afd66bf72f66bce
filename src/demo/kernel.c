/* SPDX-License-Identifier: MIT */
/* Looks at sockets from outside. Changes nothing. */
#include "demo/kernel.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sockdiag.h"
#include "base/sys.h"
#include "demo/counter.h"

bool kernel_ends(int server_fd, struct ends *ends)
{
	ends->server.len = ends->client.len = sizeof(ends->server.un);
	return sys_getsockname(server_fd, &ends->server.sa, &ends->server.len) == 0 &&
	       sys_getpeername(server_fd, &ends->client.sa, &ends->client.len) == 0;
}

/*
 * True when some descriptor of the process is the socket of that name. A process that ends, or is
 * another's, holds none.
 */
static bool holds(struct output *out, const char *pid, const char *wanted)
{
	char path[64], name[64];
	struct dirent *entry;
	bool found = false;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	folder = opendir(path);
	if (folder == NULL && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		output_skip_rest(out, path);
	if (folder == NULL)
		return false;
	while (!found && (entry = readdir(folder)) != NULL) {
		ssize_t n = readlinkat(dirfd(folder), entry->d_name, name, sizeof(name) - 1);

		if (n <= 0)
			continue;
		name[n] = '\0';
		found = strcmp(name, wanted) == 0;
	}
	closedir(folder);
	return found;
}

unsigned kernel_holders(struct output *out, uint64_t inode, pid_t *pids)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	unsigned count = 0;
	char wanted[64];

	if (folder == NULL)
		output_skip_rest(out, "opendir(/proc)");
	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    !holds(out, entry->d_name, wanted))
			continue;
		if (count < KERNEL_HOLDERS)
			pids[count] = (pid_t)strtol(entry->d_name, NULL, 10);
		count++;
	}
	closedir(folder);
	return count;
}

uint64_t kernel_inode(struct output *out, int fd)
{
	pid_t pids[KERNEL_HOLDERS], self = getpid();
	struct stat st;
	unsigned count;

	if (sys_fstat(fd, &st) < 0)
		output_skip_rest(out, "fstat()");
	count = kernel_holders(out, st.st_ino, pids);
	for (unsigned i = 0; i < count && i < KERNEL_HOLDERS; i++)
		if (pids[i] == self)
			return st.st_ino;
	errno = ENOENT;
	output_skip_rest(out, "/proc does not tell that this process holds its own socket");
}

/* -1 with errno where the kernel does not answer. */
static int ask_sockdiag(const struct addr *local, const struct addr *remote)
{
	struct sockdiag diag;
	enum sockdiag_answer answer;
	int state = -1, error;

	if (!sockdiag_open(&diag))
		return -1;
	answer = sockdiag_tcp(&diag, local, remote, &state);
	error = answer == SOCKDIAG_NOTHING ? EAGAIN : errno;
	sockdiag_close(&diag);
	errno = error;
	return answer == SOCKDIAG_FOUND ? state : -1;
}

/*
 * The same from /proc/net/tcp (proc(5)), for places that forbid netlink: slow where there are many.
 */
static int read_table(const struct addr *local, const struct addr *remote)
{
	FILE *table = fopen("/proc/net/tcp", "re");
	char wanted[64], line[256];
	unsigned state;
	int found = TCP_CLOSE;

	if (table == NULL)
		return -1;
	snprintf(wanted, sizeof(wanted), ": %08X:%04X %08X:%04X ", local->in.sin_addr.s_addr,
		 ntohs(local->in.sin_port), remote->in.sin_addr.s_addr, ntohs(remote->in.sin_port));
	while (found == TCP_CLOSE && fgets(line, sizeof(line), table) != NULL) {
		const char *at = strstr(line, wanted);

		if (at != NULL && sscanf(at + strlen(wanted), "%x", &state) == 1)
			found = (int)state;
	}
	fclose(table);
	return found;
}

static int look(const struct addr *local, const struct addr *remote)
{
	int state = ask_sockdiag(local, remote);

	return state >= 0 || errno == EAGAIN ? state : read_table(local, remote);
}

int kernel_client_state(const struct ends *ends)
{
	return look(&ends->client, &ends->server);
}

int kernel_server_state(const struct ends *ends)
{
	return look(&ends->server, &ends->client);
}

/* Of an end that was not told. */
static const char *name_of(int state)
{
	return state < 0 ? "not told" : sockdiag_state_name(state);
}

/*
 * Since this process first looked the kernel has had no room for an end in TIME_WAIT, or in
 * FIN_WAIT2 without a process, and dropped it: another program's connections may have taken the
 * room.
 */
static bool has_overflown(void)
{
	static int64_t first = -1; /* written here only */
	int64_t now = kernel_tcp_counter("TCPTimeWaitOverflow");

	if (first < 0)
		first = now;
	return now > first;
}

static _Noreturn void give_up_time_wait(struct output *out)
{
	errno = ENOBUFS;
	output_skip_rest(out, "TIME_WAIT (net.ipv4.tcp_max_tw_buckets)");
}

bool kernel_await_states(struct output *out, const struct ends *ends, int client, int server)
{
	int64_t until_ms = clock_ms() + KERNEL_WAIT_MS;
	int client_now, server_now;
	bool is_so, is_crowded = has_overflown();

	do {
		client_now = kernel_client_state(ends);
		server_now = kernel_server_state(ends);
		is_so = (client < 0 || client_now == client) &&
			(server < 0 || server_now == server);
	} while (!is_so && clock_ms() < until_ms && sys_poll(NULL, 0, 1) >= 0);
	output_kernel(out, "client's end %s, server's end %s", name_of(client_now),
		      name_of(server_now));
	if (client_now < 0 || server_now < 0)
		output_skip_rest(out, "sock_diag and /proc/net/tcp");
	if (!is_so && (is_crowded || has_overflown()))
		give_up_time_wait(out);
	return is_so;
}

void kernel_require_time_wait(struct output *out)
{
	enum { ROOM = 16 };

	has_overflown();
	if (kernel_sysctl("net/ipv4/tcp_max_tw_buckets", INT64_MAX) - kernel_time_waits() <= ROOM)
		give_up_time_wait(out);
}
