/* SPDX-License-Identifier: MIT */
/*
 * The attacks of the service `evil`. They act on a worker's descriptors and mappings, and on the
 * processes of its user. System calls are made directly: a failed attack is the wanted result.
 */
#include <linux/aio_abi.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "base/sys.h"
#include "services/evil.h"

enum { FDS_MOST = 512, PAGE = 4096, SQUAT_S = 60 };

static void note_try(struct attempt *attempt, bool has_succeeded)
{
	attempt->tried++;
	attempt->succeeded += has_succeeded;
}

static int socket_kind(int fd)
{
	int kind = 0;
	socklen_t len = sizeof(kind);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &len) == 0 ? kind : -1;
}

static bool is_listener(int fd)
{
	int listens = 0;
	socklen_t len = sizeof(listens);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens;
}

/* A client's socket belongs to this worker alone, and one of them carries the answer. */
static bool is_shared(int fd)
{
	return fcntl(fd, F_GETFD) >= 0 && (socket_kind(fd) != SOCK_STREAM || is_listener(fd));
}

static void each_shared(struct attempt *attempt, void (*act)(struct attempt *attempt, int fd))
{
	for (int fd = 0; fd < FDS_MOST; fd++)
		if (is_shared(fd))
			act(attempt, fd);
}

uint64_t evil_random(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* The flag is common to all holders of the description. */
static void make_blocking(struct attempt *attempt, int fd)
{
	note_try(attempt, fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) == 0);
}

static bool is_anonymous(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == 0;
}

/*
 * Wakes the process that watches the eventfd, and drains it at a random time after: a read then
 * blocks.
 */
static void ring_and_drain(struct attempt *attempt, int fd)
{
	uint64_t one = 1;
	struct iovec count = { .iov_base = &one, .iov_len = sizeof(one) };

	make_blocking(attempt, fd);
	for (unsigned i = 0; i < 64 && is_anonymous(fd); i++) {
		one = 1;
		if (write(fd, &one, sizeof(one)) != sizeof(one))
			break;
		for (uint64_t spins = evil_random() >> (46 + evil_random() % 12); spins > 0;
		     spins--)
			atomic_signal_fence(memory_order_seq_cst);
		(void)!preadv2(fd, &count, 1, -1, RWF_NOWAIT);
	}
}

static void change_flags(struct attempt *attempt)
{
	each_shared(attempt, ring_and_drain);
}

/* Counts past the maximum of write(2): a writer of any number then blocks. */
static void overflow_counter(int fd)
{
	static aio_context_t context;
	struct iocb request = { .aio_lio_opcode = IOCB_CMD_PREAD,
				.aio_flags = IOCB_FLAG_RESFD,
				.aio_resfd = (uint32_t)fd };
	struct iocb *list = &request;
	char byte;

	if (context == 0 && syscall(SYS_io_setup, 16, &context) < 0)
		return;
	request.aio_fildes = (uint32_t)open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	request.aio_buf = (uintptr_t)&byte;
	request.aio_nbytes = 1;
	syscall(SYS_io_submit, context, 1, &list);
	close((int)request.aio_fildes);
}

/* For an eventfd; other descriptors without a file are not harmed. */
static void fill_or_drain(struct attempt *attempt, int fd)
{
	static const uint64_t most = UINT64_MAX - 1;
	uint64_t count;

	if (attempt->tried % 2)
		note_try(attempt, read(fd, &count, sizeof(count)) > 0);
	else
		note_try(attempt, write(fd, &most, sizeof(most)) > 0);
	overflow_counter(fd);
}

static void fill_and_shut(struct attempt *attempt, int fd)
{
	while (send(fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
		note_try(attempt, true);
	shutdown(fd, SHUT_RDWR);
}

static void spoil_counter(struct attempt *attempt, int fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return;
	if (socket_kind(fd) == SOCK_DGRAM)
		fill_and_shut(attempt, fd);
	else if (is_anonymous(fd))
		fill_or_drain(attempt, fd);
	make_blocking(attempt, fd);
}

static void write_counters(struct attempt *attempt)
{
	each_shared(attempt, spoil_counter);
}

static void make_children(struct attempt *attempt)
{
	long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	note_try(attempt, pid > 0);
}

struct mapping {
	char *from, *to;
	bool is_writable, is_file;
};

/* The shared mappings, except the arena. */
static void each_mapping(struct attempt *attempt,
			 void (*act)(struct attempt *attempt, const struct mapping *mapping))
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], kind[5];
	void *from, *to;

	while (maps && fgets(line, sizeof(line), maps)) {
		struct mapping mapping;

		if (sscanf(line, "%p-%p %4s", &from, &to, kind) != 3 || kind[0] != 'r' ||
		    kind[3] != 's' || (from <= attempt->own && attempt->own < to))
			continue;
		mapping = (struct mapping){ from, to, kind[1] == 'w', strstr(line, "scoreboard") };
		act(attempt, &mapping);
	}
	if (maps)
		fclose(maps);
}

static void scribble_on(struct attempt *attempt, const struct mapping *mapping)
{
	if (!mapping->is_writable)
		return;
	for (char *at = mapping->from; at + 8 <= mapping->to; at += 8)
		*(volatile uint64_t *)at = evil_random() >> evil_random() % 64;
	note_try(attempt, true);
}

static void scribble_board(struct attempt *attempt)
{
	each_mapping(attempt, scribble_on);
}

/* Tries every way from a mapping to memory that it must not write. */
static void pry_open(struct attempt *attempt, const struct mapping *mapping)
{
	size_t size = (size_t)(mapping->to - mapping->from);
	void *more;

	if (!mapping->is_file)
		return;
	note_try(attempt, remap_file_pages(mapping->from, PAGE, 0, 1, 0) == 0);
	if (!mapping->is_writable) {
		note_try(attempt, mprotect(mapping->from, PAGE, PROT_READ | PROT_WRITE) == 0);
		return;
	}
	more = mremap(mapping->from, size, size + PAGE, MREMAP_MAYMOVE);
	note_try(attempt, more != MAP_FAILED);
	if (more != MAP_FAILED)
		(void)!mremap(more, size + PAGE, size, MREMAP_MAYMOVE | MREMAP_FIXED,
			      mapping->from);
}

static void remap_board(struct attempt *attempt)
{
	each_mapping(attempt, pry_open);
}

static void each_relative(struct attempt *attempt,
			  void (*act)(struct attempt *attempt, pid_t relative))
{
	char path[64], line[4096], *word, *rest = line;
	FILE *children;

	act(attempt, getppid());
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)getppid(), (int)getppid());
	children = fopen(path, "re");
	if (children && fgets(line, sizeof(line), children))
		while ((word = strtok_r(rest, " \n", &rest)))
			if (strtol(word, NULL, 10) != getpid())
				act(attempt, (pid_t)strtol(word, NULL, 10));
	if (children)
		fclose(children);
}

static void signal_relatives(struct attempt *attempt, pid_t relative)
{
	static const int numbers[] = { SIGSTOP, SIGTERM, SIGQUIT, SIGKILL };
	siginfo_t forged = { .si_code = SI_QUEUE, .si_pid = getppid() };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		note_try(attempt, kill(relative, numbers[i]) == 0);
	for (int number = SIGRTMIN; number <= SIGRTMIN + 1; number++)
		note_try(attempt, syscall(SYS_rt_sigqueueinfo, relative, number, &forged) == 0);
}

static void send_signals(struct attempt *attempt)
{
	each_relative(attempt, signal_relatives);
}

/* Pending signals of its own count against its user, whose other processes receive the master's. */
static void fill_queues(struct attempt *attempt)
{
	sigset_t last;

	sigemptyset(&last);
	sigaddset(&last, SIGRTMAX);
	sigprocmask(SIG_BLOCK, &last, NULL);
	note_try(attempt, sigqueue(getpid(), SIGRTMAX, (union sigval){ 0 }) == 0);
}

static void look_into(struct attempt *attempt, pid_t relative)
{
	struct iovec own = { .iov_base = &own, .iov_len = 1 }, its = own;
	char path[32];

	note_try(attempt, ptrace(PTRACE_SEIZE, relative, NULL, NULL) == 0);
	note_try(attempt, process_vm_writev(relative, &own, 1, &its, 1, 0) > 0);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)relative);
	note_try(attempt, open(path, O_RDWR | O_CLOEXEC) >= 0);
}

static void trace_processes(struct attempt *attempt)
{
	each_relative(attempt, look_into);
}

static void shut_listener(struct attempt *attempt, int fd)
{
	if (is_listener(fd))
		note_try(attempt, shutdown(fd, SHUT_RDWR) == 0);
}

static void shut_sockets(struct attempt *attempt)
{
	each_shared(attempt, shut_listener);
}

static void lock_file(struct attempt *attempt, int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (lseek(fd, 0, SEEK_CUR) < 0)
		return;
	note_try(attempt, flock(fd, LOCK_EX | LOCK_NB) == 0);
	note_try(attempt, fcntl(fd, F_OFD_SETLK, &whole) == 0);
}

static void lock_files(struct attempt *attempt)
{
	each_shared(attempt, lock_file);
}

/* Fills every pipe that it holds, and makes it blocking so that writers block. */
static void fill_pipe(struct attempt *attempt, int fd)
{
	static const char line[] = "evil\n";
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode) ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return;
	while (write(fd, line, sizeof(line) - 1) > 0)
		note_try(attempt, true);
	make_blocking(attempt, fd);
}

static void hold_processor(struct attempt *attempt)
{
	each_shared(attempt, fill_pipe);
}

/* Forks a child with all of this worker's descriptors, which only its own alarm ends. */
static void squat_addresses(struct attempt *attempt)
{
	pid_t pid = fork();

	/* the answer names the child */
	attempt->tried = pid > 0 ? (unsigned long)pid : 0;
	if (pid == 0) {
		alarm(SQUAT_S);
		sigprocmask(SIG_SETMASK, &(sigset_t){ 0 }, NULL);
		prctl(PR_SET_PDEATHSIG, 0UL, 0UL, 0UL, 0UL);
		for (;;)
			pause();
	}
	attempt->until_ms = 0;
}

const struct evil_attack evil_attacks[] = {
	{ "flags", change_flags },
	{ "counters", write_counters },
	{ "strangers", make_children },
	{ "pry", remap_board },
	{ "scribble", scribble_board },
	{ "signals", send_signals },
	{ "trace", trace_processes },
	{ "shut", shut_sockets },
	{ "locks", lock_files },
	{ "hold", hold_processor },
	{ "squat", squat_addresses },
	{ "queue", fill_queues },
	{ "rights", evil_rights },
	{ "door-garbage", evil_door_garbage },
	{ "door-forged", evil_door_forged },
	{ "door-halves", evil_door_halves },
	{ "door-rights", evil_door_rights },
	{ "door-notes", evil_door_notes },
	{ "door-begun", evil_door_begun },
	{ "door-shut", evil_door_shut },
	{ "link-garbage", evil_link_garbage },
	{ "link-flood", evil_link_flood },
	{ "link-rights", evil_link_rights },
	{ "link-control", evil_link_control },
	{ "link-crowd", evil_link_crowd },
	{ "link-shut", evil_link_shut },
};
const unsigned evil_attack_count = sizeof(evil_attacks) / sizeof(*evil_attacks);
