/* SPDX-License-Identifier: MIT */
/* Answers queries in a process of its own (RFC 1035, section 4); what is too long, over TCP. */
#include "nameserver.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "harness.h"
#include "process.h"

enum { PORT = 53, HEAD = 12, MESSAGE_MOST = 16 * 1024, UDP_MOST = 512, TYPE_A = 1 };
enum { CODE_SERVFAIL = 2, CODE_NXDOMAIN = 3, FLAG_ANSWER = 0x8400, FLAG_CUT = 0x0200 };

struct nameserver_words {
	_Atomic unsigned mood, first, count, queries;
};

static bool set_loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done = ioctl(fd, SIOCSIFFLAGS, &request) == 0;

	close(fd);
	return done;
}

static bool cover_file(const char *name, const char *text)
{
	char path[] = "/tmp/prefork-e2e-resolv-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);
	ssize_t length = (ssize_t)strlen(text);
	bool done = fd >= 0 && write(fd, text, (size_t)length) == length && fchmod(fd, 0644) == 0 &&
		    mount(path, name, NULL, MS_BIND, NULL) == 0;

	close(fd);
	unlink(path);
	return done;
}

bool nameserver_isolate(void)
{
	return unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && set_loopback_up() &&
	       cover_file("/etc/resolv.conf", "nameserver 127.0.0.1\n");
}

static size_t put16(unsigned char *to, unsigned value)
{
	to[0] = (unsigned char)(value >> 8);
	to[1] = (unsigned char)value;
	return 2;
}

/* The length of the question behind the head: a name, its type and class. */
static size_t question_length(const unsigned char *query, size_t size)
{
	size_t at = HEAD;

	while (at < size && query[at] != 0)
		at += 1U + query[at];
	return at + 5 <= size ? at + 5 - HEAD : 0;
}

static size_t put_address(unsigned char *to, unsigned number)
{
	size_t at = put16(to, 0xc000 | HEAD); /* the name of the question */

	at += put16(to + at, TYPE_A);
	at += put16(to + at, 1);
	at += put16(to + at, 0);
	at += put16(to + at, 1); /* second to live */
	at += put16(to + at, 4);
	at += put16(to + at, 127 << 8 | number >> 16);
	return at + put16(to + at, number & 0xffff);
}

/* Returns the length of the answer; 0: there is none. */
static size_t answer(struct nameserver_words *words, unsigned char *query, size_t size, size_t most)
{
	size_t question = question_length(query, size), at = HEAD + question;
	unsigned count = words->count, turn = words->queries++, code = 0, cut = 0;

	if (question == 0 || words->mood == NAMESERVER_IS_SILENT)
		return 0;
	if (words->mood == NAMESERVER_KNOWS_NONE)
		code = CODE_NXDOMAIN;
	if (words->mood == NAMESERVER_FAILS)
		code = CODE_SERVFAIL;
	if (code != 0 || query[at - 3] != TYPE_A)
		count = 0;
	if (at + 16 * (size_t)count > most) {
		cut = FLAG_CUT;
		count = 0;
	}
	for (unsigned i = 0; i < count; i++)
		at += put_address(query + at, words->first + (i + turn) % count);
	put16(query + 2, FLAG_ANSWER | cut | code);
	put16(query + 6, count);
	put16(query + 8, 0);
	put16(query + 10, 0);
	return at;
}

static void serve_datagram(struct nameserver_words *words, int fd)
{
	unsigned char bytes[MESSAGE_MOST];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t got = recvfrom(fd, bytes, UDP_MOST, 0, (struct sockaddr *)&from, &len);
	size_t length = got > 0 ? answer(words, bytes, (size_t)got, UDP_MOST) : 0;

	if (length > 0)
		(void)!sendto(fd, bytes, length, 0, (struct sockaddr *)&from, len);
}

/* A client may ask several times on one connection. */
static void serve_stream(struct nameserver_words *words, int listener)
{
	unsigned char bytes[2 + MESSAGE_MOST];
	int fd = accept(listener, NULL, NULL);

	while (recv(fd, bytes, 2, MSG_WAITALL) == 2) {
		ssize_t got = recv(fd, bytes + 2, (size_t)(bytes[0] << 8 | bytes[1]) % UDP_MOST,
				   MSG_WAITALL);
		size_t length = got > 0 ? answer(words, bytes + 2, (size_t)got, MESSAGE_MOST) : 0;

		put16(bytes, (unsigned)length);
		if (length > 0)
			(void)!send(fd, bytes, 2 + length, MSG_NOSIGNAL);
	}
	close(fd);
}

static int open_port(int type)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(PORT),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 16), 0);
	return fd;
}

_Noreturn static void serve(struct nameserver_words *words, int datagrams, int streams)
{
	struct pollfd ends[] = { { .fd = datagrams, .events = POLLIN },
				 { .fd = streams, .events = POLLIN } };

	for (;;) {
		(void)poll(ends, 2, -1);
		if (ends[0].revents)
			serve_datagram(words, datagrams);
		if (ends[1].revents)
			serve_stream(words, streams);
	}
}

void nameserver_start(struct nameserver *n)
{
	int datagrams = open_port(SOCK_DGRAM), streams = open_port(SOCK_STREAM);

	n->words = mmap(NULL, sizeof(*n->words), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	assert_ptr_not_equal(n->words, MAP_FAILED);
	n->pid = fork();
	assert_true(n->pid >= 0);
	if (n->pid == 0)
		serve(n->words, datagrams, streams);
	close(datagrams);
	close(streams);
}

void nameserver_stop(struct nameserver *n)
{
	kill(n->pid, SIGKILL);
	process_reap(n->pid);
	munmap(n->words, sizeof(*n->words));
}

void nameserver_say(const struct nameserver *n, enum nameserver_mood mood, unsigned first,
		    unsigned count)
{
	n->words->first = first;
	n->words->count = count;
	n->words->mood = mood;
}

unsigned nameserver_queries(const struct nameserver *n)
{
	return n->words->queries;
}
