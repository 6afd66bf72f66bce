/* SPDX-License-Identifier: MIT */
/*
 * Reads the kernel's data on sockets and processes: from sockets, sock_diag(7) and /proc. Must not
 * change any.
 */
#include "demo/kernel.h"

#include <dirent.h>
#include <inttypes.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/sys.h"

int64_t kernel_sysctl(const char *name, int64_t fallback)
{
	char path[96], text[64], *end;
	long long value;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	if (!file_read_path(path, text, sizeof(text)))
		return fallback;
	value = strtoll(text, &end, 10);
	return end == text ? fallback : value;
}

/* Counts the ends in TIME_WAIT of this network namespace; 0 where they cannot be counted. */
static int64_t count_time_waits(void)
{
	char text[1024];
	const char *found;

	if (!file_read_path("/proc/net/sockstat", text, sizeof(text)))
		return 0;
	found = strstr(text, " tw ");
	return found == NULL ? 0 : strtoll(found + strlen(" tw "), NULL, 10);
}

/* Returns word `number` of a line, its length in *size; NULL when the line has fewer words. */
static const char *find_word(const char *line, unsigned number, size_t *size)
{
	for (;; number--) {
		line += strspn(line, " ");
		*size = strcspn(line, " \n");
		if (*size == 0)
			return NULL;
		if (number == 0)
			return line;
		line += *size;
	}
}

/* A group is a line of names, and below it a line of values. */
int64_t kernel_tcp_counter(const char *name)
{
	static const char group[] = "\nTcpExt:";
	char text[16384] = "\n";
	const char *names, *values, *word;
	size_t size;

	if (!file_read_path("/proc/net/netstat", text + 1, sizeof(text) - 1))
		return -1;
	names = strstr(text, group);
	values = names != NULL ? strstr(names + 1, group) : NULL;
	if (values == NULL)
		return -1;
	for (unsigned i = 0; (word = find_word(names + 1, i, &size)) != NULL; i++) {
		if (size != strlen(name) || memcmp(word, name, size) != 0)
			continue;
		word = find_word(values + 1, i, &size);
		return word != NULL ? strtoll(word, NULL, 10) : -1;
	}
	return -1;
}

/*
 * True when some descriptor of the process is the socket of that name. False for a process that has
 * ended, or belongs to another user.
 */
static bool has_socket(struct diagram *out, const char *pid, const char *wanted)
{
	char path[64], name[64];
	struct dirent *entry;
	bool found = false;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	folder = opendir(path);
	if (folder == NULL && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		diagram_skip_rest(out, path);
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

unsigned kernel_holders(struct diagram *out, uint64_t inode, pid_t *pids)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	unsigned count = 0;
	char wanted[64];

	if (folder == NULL)
		diagram_skip_rest(out, "opendir(/proc)");
	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    !has_socket(out, entry->d_name, wanted))
			continue;
		if (count < KERNEL_HOLDERS)
			pids[count] = (pid_t)strtol(entry->d_name, NULL, 10);
		count++;
	}
	closedir(folder);
	return count;
}

int64_t kernel_in_flight(pid_t pid, int fd)
{
	static const char key[] = "\nscm_fds:";
	char path[48], info[1024];
	const char *found;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)pid, fd);
	if (!file_read_path(path, info, sizeof(info)))
		return -1;
	found = strstr(info, key);
	return found != NULL ? strtoll(found + sizeof(key) - 1, NULL, 10) : -1;
}

uint64_t kernel_inode(struct diagram *out, int fd)
{
	pid_t pids[KERNEL_HOLDERS], self = getpid();
	struct stat st;
	unsigned count;

	if (sys_fstat(fd, &st) < 0)
		diagram_skip_rest(out, "fstat()");
	count = kernel_holders(out, st.st_ino, pids);
	for (unsigned i = 0; i < count && i < KERNEL_HOLDERS; i++)
		if (pids[i] == self)
			return st.st_ino;
	errno = ENOENT;
	diagram_skip_rest(out, "/proc does not tell that this process holds its own socket");
}

bool kernel_ends(int server_fd, struct ends *ends)
{
	ends->server.len = ends->client.len = sizeof(ends->server.un);
	return sys_getsockname(server_fd, &ends->server.sa, &ends->server.len) == 0 &&
	       sys_getpeername(server_fd, &ends->client.sa, &ends->client.len) == 0;
}

/* Returns -1 with errno set where the kernel does not answer. */
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
 * The same from /proc/net/tcp (proc(5)), for systems that forbid netlink: slow on a system with
 * many sockets.
 */
static int read_proc_tcp(const struct addr *local, const struct addr *remote)
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

static int get_state(const struct addr *local, const struct addr *remote)
{
	int state = ask_sockdiag(local, remote);

	return state >= 0 || errno == EAGAIN ? state : read_proc_tcp(local, remote);
}

int kernel_client_state(const struct ends *ends)
{
	return get_state(&ends->client, &ends->server);
}

int kernel_server_state(const struct ends *ends)
{
	return get_state(&ends->server, &ends->client);
}

static const char *get_state_name(int state)
{
	return state < 0 ? "not told" : sockdiag_state_name(state);
}

/*
 * True when the kernel, since the first call of this function, had no room for an end in TIME_WAIT,
 * or in FIN_WAIT2 without a process, and dropped it: the connections of another program may have
 * taken the room.
 */
static bool has_time_wait_overflow(void)
{
	static int64_t first = -1; /* written by this function only */
	int64_t now = kernel_tcp_counter("TCPTimeWaitOverflow");

	if (first < 0)
		first = now;
	return now > first;
}

static _Noreturn void skip_time_wait(struct diagram *out)
{
	errno = ENOBUFS;
	diagram_skip_rest(out, "TIME_WAIT (net.ipv4.tcp_max_tw_buckets)");
}

bool kernel_await_states(struct diagram *out, const struct ends *ends, int client, int server)
{
	int64_t until_ms = clock_ms() + KERNEL_WAIT_MS;
	int client_now, server_now;
	bool is_so, is_crowded = has_time_wait_overflow();

	do {
		client_now = kernel_client_state(ends);
		server_now = kernel_server_state(ends);
		is_so = (client < 0 || client_now == client) &&
			(server < 0 || server_now == server);
	} while (!is_so && clock_ms() < until_ms && sys_poll(NULL, 0, 1) >= 0);
	diagram_kernel(out, "client's end %s, server's end %s", get_state_name(client_now),
		       get_state_name(server_now));
	if (client_now < 0 || server_now < 0)
		diagram_skip_rest(out, "sock_diag and /proc/net/tcp");
	if (!is_so && (is_crowded || has_time_wait_overflow()))
		skip_time_wait(out);
	return is_so;
}

void kernel_require_time_wait(struct diagram *out)
{
	enum { ROOM = 16 };

	has_time_wait_overflow();
	if (kernel_sysctl("net/ipv4/tcp_max_tw_buckets", INT64_MAX) - count_time_waits() <= ROOM)
		skip_time_wait(out);
}

struct accept_queue kernel_queue(struct diagram *out, int listener)
{
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (sys_getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		diagram_skip_rest(out, "getsockopt(TCP_INFO)");
	size = sizeof(memory);
	if (sys_getsockopt(listener, SOL_SOCKET, SO_MEMINFO, memory, &size) < 0)
		diagram_skip_rest(out, "getsockopt(SO_MEMINFO)");
	/* for a listening socket, these two fields describe the queue */
	return (struct accept_queue){ .length = info.tcpi_unacked,
				      .limit = info.tcpi_sacked,
				      .drops = memory[SK_MEMINFO_DROPS] };
}

struct accept_queue kernel_await_queue(struct diagram *out, int listener, unsigned length,
				       uint32_t drops)
{
	int64_t until_ms = clock_ms() + KERNEL_WAIT_MS;
	struct accept_queue queue;

	do
		queue = kernel_queue(out, listener);
	while ((queue.length < length || queue.drops < drops) && clock_ms() < until_ms &&
	       sys_poll(NULL, 0, 1) >= 0);
	return queue;
}

char kernel_process_state(pid_t pid)
{
	char path[32], stat[256];
	const char *name_end;

	errno = ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!file_read_path(path, stat, sizeof(stat)))
		return '?';
	name_end = strrchr(stat, ')');
	return name_end != NULL && name_end[1] == ' ' ? name_end[2] : '?';
}

int64_t kernel_sleeps(pid_t pid)
{
	static const char key[] = "\nvoluntary_ctxt_switches:";
	char path[32], status[8192];
	const char *found;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (!file_read_path(path, status, sizeof(status)))
		return -1;
	found = strstr(status, key);
	return found != NULL ? strtoll(found + sizeof(key) - 1, NULL, 10) : -1;
}
