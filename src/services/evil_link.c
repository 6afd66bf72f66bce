/* SPDX-License-Identifier: MIT */
/*
 * The attacks of the service `evil` on the helpers of exec listeners, by this worker's own links. A
 * message that went out counts as a success. The answers of a helper are its own business: the
 * control sockets are closed at once, or stay full.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/brief.h"
#include "base/rights.h"
#include "services/evil.h"
#include "services/exec/exec_message.h"
#include "worker/give.h"
#include "worker/record.h"

enum { SIZE_MOST = 2048, FLOOD = 64, LINGERING_MOST = 16 };

static union {
	struct exec_request request;
	char bytes[SIZE_MOST];
} sent;

static void each_link(struct attempt *attempt, void (*attack)(struct attempt *attempt, int link))
{
	const struct heritage *h = evil_heritage;

	for (unsigned i = 0; i < h->helper_count; i++)
		if (h->helpers[i].list)
			attack(attempt, h->helpers[i].list[h->number].worker);
}

static void pass(struct attempt *attempt, int link, size_t size, const int *fds, unsigned count)
{
	const struct iovec part = { &sent, size };

	attempt->tried++;
	attempt->succeeded += rights_send(link, &part, 1, fds, count, MSG_DONTWAIT) >= 0;
}

static size_t write_request(void)
{
	memset(&sent, 0, sizeof(sent));
	sent.request = (struct exec_request){ .magic = EXEC_REQUEST_MAGIC, .remote_port = 1 };
	sent.request.remote.family = AF_INET;
	sent.request.remote.bits = 32;
	return sizeof(sent.request);
}

/* An empty message first; then any bytes, or a request with something else than sockets. */
static void pass_garbage(struct attempt *attempt, int link)
{
	int fds[RIGHTS_MOST];
	unsigned count = (unsigned)(evil_random() % (RIGHTS_MOST + 1));
	size_t size = write_request();

	for (unsigned i = 0; i < count; i++)
		fds[i] = STDERR_FILENO;
	if (evil_random() % 2)
		count %= GIVE_FDS + 1;
	if (evil_random() % 2)
		size = evil_random() % sizeof(sent);
	for (size_t at = 0; evil_random() % 2 && at < sizeof(sent); at += sizeof(uint64_t))
		memcpy(sent.bytes + at, &(uint64_t){ evil_random() >> evil_random() % 64 },
		       sizeof(uint64_t));
	if (attempt->tried == 0)
		size = count = 0;
	pass(attempt, link, size, fds, count);
}

void evil_link_garbage(struct attempt *attempt)
{
	each_link(attempt, pass_garbage);
}

static void pass_flood(struct attempt *attempt, int link)
{
	for (unsigned i = 0; i < FLOOD; i++)
		pass(attempt, link, 1 + evil_random() % 8, NULL, 0);
}

void evil_link_flood(struct attempt *attempt)
{
	each_link(attempt, pass_flood);
}

/*
 * A client whose last close waits, and a control socket that is full, or closed already, or has
 * that client in it.
 */
static void pass_client(struct attempt *attempt, int link, bool is_in_control)
{
	int pair[2], fds[GIVE_FDS] = { [GIVE_SOCKET] = evil_lingering() };
	const struct iovec byte = { &(char){ 0 }, 1 };
	size_t size = write_request();

	if (fds[GIVE_SOCKET] < 0)
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0) {
		if (is_in_control)
			(void)!rights_send(pair[0], &byte, 1, fds, 1, MSG_DONTWAIT);
		while (send(pair[1], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
			;
		fds[GIVE_CONTROL] = pair[1];
		pass(attempt, link, size, fds, GIVE_FDS);
		brief_close(pair[0]);
		brief_close(pair[1]);
	}
	brief_close(fds[GIVE_SOCKET]);
}

static void pass_lingering(struct attempt *attempt, int link)
{
	pass_client(attempt, link, false);
}

static void pass_control(struct attempt *attempt, int link)
{
	pass_client(attempt, link, true);
}

/* More descriptors than the helper has free, the lingering one last. */
static void pass_crowd(struct attempt *attempt, int link)
{
	int fds[RIGHTS_MOST], last = evil_lingering();

	for (unsigned i = 0; i < RIGHTS_MOST; i++)
		fds[i] = STDERR_FILENO;
	if (last < 0)
		return;
	fds[RIGHTS_MOST - 1] = last;
	pass(attempt, link, write_request(), fds, RIGHTS_MOST);
	brief_close(last);
}

static void pass_some(struct attempt *attempt, void (*attack)(struct attempt *attempt, int link))
{
	if (attempt->tried < LINGERING_MOST)
		each_link(attempt, attack);
}

void evil_link_rights(struct attempt *attempt)
{
	pass_some(attempt, pass_lingering);
}

void evil_link_control(struct attempt *attempt)
{
	pass_some(attempt, pass_control);
}

void evil_link_crowd(struct attempt *attempt)
{
	pass_some(attempt, pass_crowd);
}

static void shut_link(struct attempt *attempt, int link)
{
	attempt->tried++;
	attempt->succeeded += shutdown(link, SHUT_RDWR) == 0;
}

void evil_link_shut(struct attempt *attempt)
{
	each_link(attempt, shut_link);
}
