/* SPDX-License-Identifier: MIT */
/* Clients on non-blocking sockets. They know only the server's addresses and its command line. */
#include "traffic.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "client.h"

enum {
	MESSAGE = 104, /* bytes of each; a multiple of 8 */
	HEADER = 4,    /* of a message and of an answer of ack: its length */
	REPLY = HEADER + sizeof(ACK) - 1,
	EVENTS_MOST = 256,
	TURN_MS = 2,
	OTHER_FDS = 64 /* of this process, beside the connections */
};

/* The byte of the stream at that place: its words hold the number of the talker and of the word. */
static uint8_t numbered(unsigned number, uint64_t at)
{
	uint64_t word = (uint64_t)number << 40 | at / 8;

	return (uint8_t)(word >> 8 * (at % 8));
}

static uint8_t sent_byte(const struct traffic *t, const struct talker *talker, uint64_t at)
{
	static const uint8_t header[HEADER] = { 0, 0, 0, MESSAGE - HEADER };

	if (talker->talk == TALK_ACK && at % MESSAGE < HEADER)
		return header[at % MESSAGE];
	return numbered((unsigned)(talker - t->list), at);
}

static uint8_t wanted_byte(const struct traffic *t, const struct talker *talker, uint64_t at)
{
	static const char reply[] = "\0\0\0\x0f" ACK;

	if (talker->talk == TALK_ACK)
		return (uint8_t)reply[at % REPLY];
	return numbered((unsigned)(talker - t->list), at);
}

/* The bytes that come back in answer to all messages that were begun. */
static uint64_t wanted_bytes(const struct talker *talker)
{
	return talker->talk == TALK_ACK ? talker->begun / MESSAGE * REPLY : talker->begun;
}

static uint64_t answers(const struct talker *talker)
{
	return talker->got / (talker->talk == TALK_ACK ? REPLY : MESSAGE);
}

static void allow_descriptors(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur >= TRAFFIC_MOST + OTHER_FDS)
		return;
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

struct traffic *traffic_new(struct server *s)
{
	struct traffic *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	allow_descriptors();
	t->server = s;
	t->epfd = epoll_create1(EPOLL_CLOEXEC);
	assert_true(t->epfd >= 0);
	t->random = 1;
	return t;
}

void traffic_close(struct traffic *t)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->list[i].fd >= 0)
			close(t->list[i].fd);
	close(t->epfd);
	free(t);
}

static unsigned choose(struct traffic *t, unsigned most)
{
	t->random = t->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(t->random >> 33) % most + 1;
}

static void note_end(struct traffic *t, struct talker *talker)
{
	close(talker->fd);
	talker->fd = -1;
	t->ended++;
}

static void check_bytes(const struct traffic *t, const struct talker *talker, const uint8_t *bytes,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t at = talker->got + i;

		if (at >= wanted_bytes(talker) || bytes[i] != wanted_byte(t, talker, at))
			server_fail(t->server, "client %u: byte %llu is %u, not %u",
				    (unsigned)(talker - t->list), (unsigned long long)at, bytes[i],
				    wanted_byte(t, talker, at));
	}
}

static void receive(struct traffic *t, struct talker *talker)
{
	uint8_t bytes[4096];
	ssize_t n = recv(talker->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		note_end(t, talker);
		return;
	}
	check_bytes(t, talker, bytes, (size_t)n);
	talker->got += (size_t)n;
}

/* Begins up to two messages when all are answered, and sends a part of them. */
static void send_part(struct traffic *t, struct talker *talker)
{
	uint8_t bytes[2 * MESSAGE];
	size_t n, part;
	ssize_t sent;

	if (!t->is_pausing && talker->got == wanted_bytes(talker))
		talker->begun += choose(t, 2) * MESSAGE;
	n = talker->begun - talker->sent;
	if (n == 0)
		return;
	part = choose(t, 3) > 1 ? n : choose(t, (unsigned)n);
	for (size_t i = 0; i < part; i++)
		bytes[i] = sent_byte(t, talker, talker->sent + i);
	sent = send(talker->fd, bytes, part, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent > 0)
		talker->sent += (size_t)sent;
	else if (errno != EAGAIN)
		note_end(t, talker);
}

void traffic_turn(struct traffic *t)
{
	struct epoll_event events[EVENTS_MOST];
	int n;

	for (unsigned i = 0; i < t->count; i++)
		if (t->list[i].fd >= 0)
			send_part(t, &t->list[i]);
	n = epoll_wait(t->epfd, events, EVENTS_MOST, TURN_MS);
	for (int i = 0; i < n; i++)
		if (t->list[events[i].data.u32].fd >= 0)
			receive(t, &t->list[events[i].data.u32]);
}

static void open_talker(struct traffic *t, const char *address, enum talk talk)
{
	struct talker *talker = &t->list[t->count];
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = t->count };

	assert_true(t->count < TRAFFIC_MOST);
	t->count++;
	*talker = (struct talker){ .fd = client_connect(address), .talk = talk };
	assert_int_equal(epoll_ctl(t->epfd, EPOLL_CTL_ADD, talker->fd, &event), 0);
}

void traffic_open(struct traffic *t, const char *address, enum talk talk, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		open_talker(t, address, talk);
	traffic_go_on(t, 1);
}

static bool have_answers(const struct traffic *t, const uint64_t *wanted)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->list[i].fd >= 0 && answers(&t->list[i]) < wanted[i])
			return false;
	return true;
}

void traffic_go_on(struct traffic *t, unsigned more)
{
	uint64_t wanted[TRAFFIC_MOST];

	for (unsigned i = 0; i < t->count; i++)
		wanted[i] = answers(&t->list[i]) + more;
	TRAFFIC_UNTIL(t, have_answers(t, wanted));
}

void traffic_go_on_for(struct traffic *t, int64_t ms)
{
	int64_t until_ms = clock_ms() + ms;

	while (clock_ms() < until_ms)
		traffic_turn(t);
}

static bool is_settled(const struct traffic *t)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->list[i].fd >= 0 && (t->list[i].sent < t->list[i].begun ||
					   t->list[i].got < wanted_bytes(&t->list[i])))
			return false;
	return true;
}

void traffic_check(struct traffic *t, unsigned ended_most)
{
	t->is_pausing = true;
	TRAFFIC_UNTIL(t, is_settled(t));
	t->is_pausing = false;
	if (t->ended > ended_most)
		server_fail(t->server, "the server has ended %u of %u connections", t->ended,
			    t->count);
}

void traffic_begin_verb(struct traffic *t, const char *verb, struct traffic_verb *running)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	*running = (struct traffic_verb){ .pid = fork(), .fd = fds[0] };
	assert_true(running->pid >= 0);
	if (running->pid == 0) {
		int code = server_verb(t->server, verb, running->said, sizeof(running->said));

		dprintf(fds[1], "%s", running->said);
		_exit(code);
	}
	close(fds[1]);
}

int traffic_end_verb(struct traffic *t, struct traffic_verb *running)
{
	int status = 0;
	ssize_t n;

	TRAFFIC_UNTIL(t, waitpid(running->pid, &status, WNOHANG) == running->pid);
	n = read(running->fd, running->said, sizeof(running->said) - 1);
	running->said[n > 0 ? n : 0] = '\0';
	close(running->fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const char *traffic_reload(struct traffic *t)
{
	static struct traffic_verb verb;

	traffic_begin_verb(t, "reload", &verb);
	if (traffic_end_verb(t, &verb) != 0)
		server_fail(t->server, "-s reload: %s", verb.said);
	return verb.said;
}
