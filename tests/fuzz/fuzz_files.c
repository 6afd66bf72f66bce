/* SPDX-License-Identifier: MIT */
/*
 * The whole service http: a worker's pool and loop, a connection, a folder with files. The input is
 * a byte of what happens between the turns, one for the sizes of the pieces that the client sends,
 * one for those that it receives, and the requests. Whatever they are: every answer is whole and of
 * the folder's bytes (site.h), the record is sound after each turn, and nothing stays open.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/sys.h"
#include "services/files/open/file_cache.h"
#include "unit/sited.h"
#include "worker/recovery/record_check.h"

#include "fuzz/site.h"

enum {
	DIES = 1,     /* the worker, after each turn: nothing is in hand */
	MOVES = 2,    /* the connection has moved: its bytes are read, not sent from the file */
	NARROW = 4,   /* there is little room between server and client */
	NO_CACHE = 8, /* what the cache has is as old as it may get */
	SETTLED_S = 10,
	TURNS_MOST = 100 * 1000,
};

struct client {
	int fd;
	const char *requests;
	size_t size, sent;
	bool has_ended;
	char *answers;
	size_t got;
};

static struct served server;

/* In the place of libc's: the files have not changed for a while, and so are kept in the cache. */
time_t time(time_t *now)
{
	struct timespec real;

	(void)clock_gettime(CLOCK_REALTIME, &real);
	if (now)
		*now = real.tv_sec + SETTLED_S;
	return real.tv_sec + SETTLED_S;
}

static unsigned count_fds(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void start(void)
{
	char text[4096];
	struct err err;

	demand(log_open("/dev/null", LEVEL_ERROR, LOG_TEXT, (uid_t)-1, &err), "no log");
	sited_start(&server, site_make(text, sizeof(text)));
}

/* A size that differs from piece to piece. */
static size_t piece(uint8_t seed, size_t turn)
{
	return seed < 32 ? seed + 1U : 1 + (seed * (turn + 1) * 2654435761U >> 8) % (seed * 64U);
}

static void speak(struct client *client, uint8_t seed, size_t turn)
{
	size_t left = client->size - client->sent, most = piece(seed, turn);
	ssize_t n = send(client->fd, client->requests + client->sent, left < most ? left : most,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		client->sent += (size_t)n;
	if (client->sent == client->size)
		(void)shutdown(client->fd, SHUT_WR);
}

/* False when there was nothing. */
static bool hear(struct client *client, uint8_t seed, size_t turn)
{
	size_t most = seed == 0 ? SITE_ANSWERS : 256 * piece(seed, turn);
	size_t room = SITE_ANSWERS - client->got;
	ssize_t n = recv(client->fd, client->answers + client->got, most < room ? most : room,
			 MSG_DONTWAIT);

	demand(room > 0, "answers without end");
	if (n > 0)
		client->got += (size_t)n;
	client->has_ended = n == 0 || (n < 0 && errno != EAGAIN);
	return n > 0;
}

static void check_record(void)
{
	struct record *r = served_only(&server);

	if (!r)
		return;
	demand(record_check_fields(r, INT64_MAX / 2), "an unsound record");
	demand(record_check_service(served_view(&server)), "an unsound state");
}

static void recover(void)
{
	struct recovery recovery;
	bool is_there = served_only(&server) != NULL;

	served_recover(&server, &recovery);
	recovery_passed(server.pool.arena);
	demand(recovery.kept == is_there && recovery.damaged == 0, "a connection lost");
}

static void turn(uint8_t events)
{
	served_settle(&server);
	check_record();
	if (events & MOVES && served_only(&server))
		served_only(&server)->has_moved = true;
	if (events & DIES)
		recover();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static char *answers;
	struct client client = { .answers = answers };
	unsigned fds;
	bool is_idle = false;

	if (size < 3)
		return 0;
	if (!answers) {
		start();
		client.answers = answers = malloc(SITE_ANSWERS);
	}
	service_find("http")->each_second(0, bytes[0] & NO_CACHE ? INT64_MAX : 0);
	fds = count_fds();
	client.requests = (const char *)bytes + 3;
	client.size = size - 3;
	client.fd = served_connect(&server);
	if (bytes[0] & NARROW && served_only(&server))
		(void)setsockopt(served_only(&server)->fd, SOL_SOCKET, SO_SNDBUF, &(int){ 4096 },
				 sizeof(int));
	for (size_t i = 0; !client.has_ended; i++) {
		bool hears;

		demand(i < TURNS_MOST, "no end");
		speak(&client, bytes[1], i);
		turn(bytes[0]);
		hears = hear(&client, bytes[2], i);
		demand(hears || !is_idle || client.has_ended, "a client waits in vain");
		is_idle = !hears && client.sent == client.size;
	}
	close(client.fd);
	served_settle(&server);
	demand(served_only(&server) == NULL, "a connection left");
	demand(count_fds() <= fds + FILE_CACHE_FDS, "descriptors left");
	site_check(client.requests, client.size, client.answers, client.got);
	return 0;
}
