/* SPDX-License-Identifier: MIT */
/* Records out of inputs. It does not judge what a check makes of them. */
#include "fuzz/records.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/clock.h"
#include "base/sys.h"
#include "stats/servers.h"
#include "unit/folder.h"
#include "unit/sibling_services.h"
#include "unit/upstreams.h"
#include "worker/dispatch.h"

enum { SEND_MOST = 16, TURNS = 4, FILE_SIZE = 1000, PIPE_BYTES = 1000, SUBTRACTS = 0x80 };
enum { YEAR_S = 366 * 24 * 3600 };

#define FIELD(name)                                                                  \
	{                                                                            \
		offsetof(struct record, name), sizeof(((struct record *)NULL)->name) \
	}

/* A header with a text. */
static const char proxy_header[] =
	"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x16\xc0\0\2\1\xc6\x33\x64\2\x30\x39\1\xbb"
	"\2\0\7a.b.com";

/* The bit fields that share the word before that field. */
#define BITS_BEFORE(name, type)                                            \
	{                                                                  \
		offsetof(struct record, name) - sizeof(type), sizeof(type) \
	}

/* Append only: the corpus holds indexes of this table, which no change of the layout moves. */
static const struct field {
	size_t at, size;
} fields[] = {
	FIELD(magic),
	FIELD(serial),
	FIELD(fd),
	FIELD(listener),
	FIELD(watched),
	{ offsetof(struct record, peer) - sizeof(uint64_t), sizeof(uint32_t) }, /* state ... */
	FIELD(peer),
	FIELD(in),
	FIELD(out),
	BITS_BEFORE(file, uint32_t), /* index, birth_worker */
	FIELD(file),
	FIELD(file_offset),
	FIELD(file_left),
	FIELD(bytes_in),
	FIELD(bytes_out),
	FIELD(messages),
	BITS_BEFORE(opened_us, uint64_t), /* number, birth_generation */
	FIELD(remote_port),
	FIELD(opened_us),
	FIELD(active_ms),
	FIELD(begun_us),
	FIELD(due_ms),
	FIELD(grace_ms),
	FIELD(remote),
	FIELD(listen),
	{ offsetof(struct record, state_bytes), 0 }, /* of the service's size */
	BITS_BEFORE(peer, uint32_t), /* those beyond the first word, with the server */
	FIELD(pipe_end),
};
enum { FIELDS = sizeof(fields) / sizeof(*fields) };

/* Append only: service, option, value. */
static const char *const listens[RECORDS_LISTENERS][3] = {
	{ "ack", "framing", "line" },
	{ "ack", "framing", "length" },
	{ "echo", "linger_timeout", "0" },
	{ "chargen", "linger_timeout", "1h" },
	{ "daytime", "linger_timeout", "1h" },
	{ "status", "linger_timeout", "1h" },
	{ "pair", "linger_timeout", "1h" },
	{ "ack", "framing", "raw" },
	{ "echo", "accept_proxy", "yes" },
	{ "ack", "accept_proxy", "yes" },
	{ "pair", "accept_proxy", "yes" },
	{ "proxy", "upstream", "u" },
	{ "status", "accept_proxy", "yes" },
	{ "pair", "max_lifetime", "1h" },
	{ "http", "root", "/" },
	{ "echo", "max_lifetime", "1h" },
};

/* None of the servers can be connected to, and none takes time to say so. */
#define UPSTREAM "server = {\"unix:/nowhere/one\", \"unix:/nowhere/two\"}  queue_timeout = 1s"

static int64_t ahead_s; /* of the clock: seconds that pass at once */

/* In the place of libc's: time passes for all alike. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (syscall(SYS_clock_gettime, clock, now) < 0)
		return -1;
	if (clock == CLOCK_MONOTONIC)
		now->tv_sec += ahead_s;
	return 0;
}

static void must(bool held, const char *what)
{
	if (held)
		return;
	fprintf(stderr, "records: %s\n", what);
	abort();
}

uint8_t input_byte(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

static void set_listener(struct records *all, unsigned i)
{
	struct listen_conf *conf = &all->listens[i];
	struct err err;

	must(option_defaults(SECTION_listen, conf, &err), err.text);
	free(conf->service);
	conf->service = strdup(listens[i][0]);
	conf->address = (char *)"test";
	must(option_read(option_find(SECTION_listen, listens[i][1]), conf, &listens[i][2], 1, &err),
	     err.text);
	all->listeners[i] = (struct listener){ .conf = conf, .row = i };
	all->listeners[i].bound.sa.sa_family = AF_UNIX;
}

static void open_wire(struct wire *wire)
{
	int *fds = wire->fds;

	fds[WIRE_BELL] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds + WIRE_KICKED) == 0, "kick");
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds + WIRE_DOOR) == 0, "door");
}

static void to_connection(void *owner, uint64_t tag, uint32_t events)
{
	struct records *all = owner;

	dispatch_ready(&all->pool, tag, events);
}

static void start_services(const struct records *all)
{
	sibling_services_add();
	for (unsigned i = 0; i < RECORDS_LISTENERS; i++) {
		const struct service *service = service_find(all->listens[i].service);

		must(service != NULL, all->listens[i].service);
		if (service->init)
			must(service->init(&all->heritage, &all->listens[i]), "init");
	}
}

/* The scoreboard has the servers. */
static void make_upstream(struct records *all)
{
	static struct upstreams made;
	void *folder = NULL;

	must(folder_make(&folder) == 0, "folder");
	upstreams_make(&made, folder, UPSTREAM);
	must(folder_remove(&folder) == 0, "folder");
	all->board = made.board;
	all->conf.upstreams = made.conf->upstreams;
	all->conf.upstream_count = made.conf->upstream_count;
	atomic_store(&all->board->infos[0].is_taken, 1);
}

void records_start(struct records *all)
{
	struct scoreboard *board;

	for (unsigned i = 0; i < RECORDS_LISTENERS; i++)
		set_listener(all, i);
	all->set = (struct listener_set){ all->listeners, RECORDS_LISTENERS };
	all->conf = (struct conf){ .worker_connections = RECORDS_CONNS,
				   .listeners = all->listens,
				   .listener_count = RECORDS_LISTENERS };
	make_upstream(all);
	board = all->board;
	open_wire(&all->wire);
	must(loop_open(&all->loop), "loop");
	all->loop.tagged = to_connection;
	all->loop.owner = all;
	all->heritage = (struct heritage){ .conf = &all->conf,
					   .listeners = &all->set,
					   .board = board,
					   .peers = board->slots,
					   .wires = &all->wire,
					   .peer_count = 1,
					   .arena = arena_new(&all->conf, NULL),
					   .epfd = all->loop.epfd,
					   .is_kept = true };
	must(all->heritage.arena != NULL, "arena");
	all->pool = (struct pool){ .loop = &all->loop,
				   .arena = all->heritage.arena,
				   .slot = board->slots,
				   .servers = { .board = board, .servers = board->servers },
				   .listeners = &all->set };
	start_services(all);
}

int records_connect(struct records *all)
{
	int ends[2];

	must(all->client_count < RECORDS_SIDES, "clients");
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0, "pair");
	all->clients[all->client_count++] = ends[1];
	return ends[0];
}

int records_open_file(void)
{
	static int file = -1;

	if (file < 0) {
		file = memfd_create("fuzz", MFD_CLOEXEC);
		must(file >= 0 && ftruncate(file, FILE_SIZE) == 0, "memfd");
	}
	return fcntl(file, F_DUPFD_CLOEXEC, 3);
}

/* It has bytes. */
void records_open_pipe(int *ends)
{
	static const char bytes[PIPE_BYTES];

	must(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "pipe");
	must(write(ends[1], bytes, sizeof(bytes)) == sizeof(bytes), "write");
}

void records_fill_header(const struct record *r, struct proxy_header *header,
			 struct proxy_texts *texts, struct input *input)
{
	size_t size = sizeof(proxy_header) - 1, used;

	*header = (struct proxy_header){ 0 };
	*texts = (struct proxy_texts){ 0 };
	if (r->proxy == PROXY_AWAITED)
		size = input_byte(input) % size;
	(void)proxy_header_read(header, texts, proxy_header, size, &used);
	for (unsigned left = input_byte(input) % 8; left > 0; left--) {
		uint8_t at = input_byte(input);

		((char *)header)[at % sizeof(*header)] = (char)input_byte(input);
	}
}

void records_fill(struct record *r, unsigned listener, enum record_side side, int fd)
{
	r->fd = fd;
	r->listener = r->listen = (uint16_t)listener;
	r->state = CONN_OPEN;
	r->side = (uint8_t)side;
	r->opened_us = clock_us();
	r->active_ms = clock_ms();
}

static void write_bytes(char *to, size_t size, struct input *input)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (char)input_byte(input);
}

static void subtract_bytes(char *from, size_t size, struct input *input)
{
	uint64_t number = 0, less = 0;

	if (size > sizeof(number))
		size = sizeof(number);
	memcpy(&number, from, size);
	write_bytes((char *)&less, size, input);
	number -= less;
	memcpy(from, &number, size);
}

void records_patch(struct record *r, size_t state_size, struct input *input)
{
	while (input->at < input->end) {
		uint8_t row = input_byte(input), offset = input_byte(input), length;
		const struct field *field;
		size_t size;

		if ((row & ~SUBTRACTS) >= FIELDS)
			return;
		field = &fields[row & ~SUBTRACTS];
		length = input_byte(input);
		size = field->size > 0 ? field->size : state_size;
		if (size == 0)
			continue;
		offset = (uint8_t)(offset % size);
		if (length > size - offset)
			length = (uint8_t)(size - offset);
		if (row & SUBTRACTS)
			subtract_bytes((char *)r + field->at + offset, length, input);
		else
			write_bytes((char *)r + field->at + offset, length, input);
	}
}

static void turn(struct records *all)
{
	static char waste[256 * 1024];

	must(loop_turn(&all->loop, 0), "turn");
	dispatch_end_turn(&all->pool);
	for (unsigned i = 0; i < all->client_count; i++)
		(void)!recv(all->clients[i], waste, sizeof(waste), MSG_DONTWAIT);
}

static void send_rest(struct records *all, struct input *input)
{
	for (unsigned i = 0; i < all->client_count && input->at < input->end; i++) {
		size_t left = (size_t)(input->end - input->at);
		size_t size = left < SEND_MOST ? left : SEND_MOST;

		(void)!send(all->clients[i], input->at, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		input->at += size;
	}
}

/* All deadlines pass. */
static void pass_time(struct records *all)
{
	ahead_s = YEAR_S;
	loop_read_clock(&all->loop);
	all->loop.turn_us = all->loop.now_us;
	dispatch_end_turn(&all->pool);
}

/* As for a batch that no other worker has begun to take. */
static void take_all_back(const struct pool *pool)
{
	for (uint32_t i = 0; i < pool->arena->head->record_high; i++)
		arena_record(pool->arena, i)->passage = PASSAGE_NONE;
}

static void stop(struct records *all)
{
	struct pool *pool = &all->pool;

	take_all_back(pool);
	dispatch_end_all(pool, CLOSE_stopped);
	must(pool->limit.total == 0 && pool->slot->live == 0, "connections are left");
	must(pool->records.count == pool->records.high, "records are left");
	must(pool->bufs.count == pool->bufs.high, "buffers are left");
	must(pool->timers.count == 0, "deadlines are left");
	must(atomic_load(&pool->arena->head->in_hand) == 0, "one is in hand");
	for (unsigned i = 0; i < scoreboard_servers(all->board); i++)
		must(server_live(all->board, i) == 0 && server_waiting(all->board, i) == 0,
		     "connections to servers are left");
	pool_stop(pool);
	pool->draining = false;
	for (unsigned i = 0; i < all->client_count; i++)
		close(all->clients[i]);
	all->client_count = 0;
}

void records_serve(struct records *all, struct input *input)
{
	bool ends = input_byte(input) & 1;

	for (unsigned i = 0; i < TURNS; i++) {
		send_rest(all, input);
		turn(all);
	}
	for (unsigned i = 0; ends && i < all->client_count; i++)
		shutdown(all->clients[i], SHUT_WR);
	turn(all);
	pass_time(all);
	turn(all);
	dispatch_drain(&all->pool);
	turn(all);
	stop(all);
	ahead_s = 0;
}
