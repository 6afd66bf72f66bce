/* SPDX-License-Identifier: MIT */
/* Tests of tls/session: sessions that outlive the process that began them, and their memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tls/library.h"
#include "tls/memory.h"
#include "tls/session.h"
#include "unit/tls_client.h"

enum { RECORDS = 4, UNITS = 64, STEPS = 20 };

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

/* One slot: its memory is shared as an arena is. */
struct slot_memory {
	char *base;
	uint8_t *map;
	struct region *regions;
	SSL_CTX *context;
	struct sessions sessions;
	int fds[2]; /* the server's, the client's */
	SSL *client;
};

static void *map_shared(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

/* As a worker does first. */
static void begin_worker(struct slot_memory *m)
{
	uint32_t maker = m->sessions.maker + 1;

	const struct session_memory memory = { m->regions, m->base, m->map, UNITS };

	assert_true(session_start(&m->sessions, &memory, maker));
}

/* As it does after another one. */
static void take_over(struct slot_memory *m)
{
	session_stop(&m->sessions);
	begin_worker(m);
	session_begin_claims(&m->sessions);
	for (uint32_t i = 0; i < RECORDS; i++)
		if (i == 1)
			assert_true(session_claim(&m->sessions, i));
		else
			session_disown(&m->sessions, i);
	session_settle(&m->sessions);
}

static void set_up(struct slot_memory *m, int version)
{
	*m = (struct slot_memory){ .context = tls_client_server_context() };
	m->base = map_shared((size_t)UNITS * BLOCK_UNIT);
	m->map = map_shared(UNITS);
	m->regions = map_shared(RECORDS * sizeof(struct region));
	tls_client_warm(m->context, version);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, m->fds), 0);
	m->client = tls_client_new(m->fds[1], version);
	begin_worker(m);
}

static void tear_down(struct slot_memory *m)
{
	session_stop(&m->sessions);
	SSL_free(m->client);
	SSL_CTX_free(m->context);
	close(m->fds[0]);
	close(m->fds[1]);
	munmap(m->base, (size_t)UNITS * BLOCK_UNIT);
	munmap(m->map, UNITS);
	munmap(m->regions, RECORDS * sizeof(struct region));
}

static void shake_hands(struct slot_memory *m, uint32_t number)
{
	enum session_end end = SESSION_WAITS;

	for (unsigned i = 0; i < STEPS && end != SESSION_MOVED; i++) {
		(void)SSL_do_handshake(m->client);
		end = session_handshake(&m->sessions, number);
	}
	assert_int_equal(end, SESSION_MOVED);
	assert_true(SSL_do_handshake(m->client) == 1);
}

static void expect_input(struct slot_memory *m, uint32_t number, const char *text)
{
	char got[100];
	size_t moved;

	assert_int_equal(session_receive(&m->sessions, number, got, sizeof(got), &moved),
			 SESSION_MOVED);
	assert_int_equal(moved, strlen(text));
	assert_memory_equal(got, text, moved);
}

static void answer(struct slot_memory *m, uint32_t number, const char *text)
{
	size_t moved;

	assert_int_equal(session_send(&m->sessions, number, text, strlen(text), &moved),
			 SESSION_MOVED);
	assert_int_equal(moved, strlen(text));
}

static void expect_answer(struct slot_memory *m, const char *text)
{
	char got[100];
	size_t size = tls_client_read(m->client, got, sizeof(got));

	assert_int_equal(size, strlen(text));
	assert_memory_equal(got, text, size);
}

static void ask(struct slot_memory *m, uint32_t number)
{
	tls_client_write(m->client, "question");
	expect_input(m, number, "question");
	answer(m, number, "answer");
	expect_answer(m, "answer");
}

/* Runs the step in a process of its own, which dies. The memory of the slot is the same. */
static void run_and_die(struct slot_memory *m, void (*step)(struct slot_memory *))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		step(m);
		_exit(7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 7 << 8);
}

static void open_session(struct slot_memory *m)
{
	assert_true(session_open(&m->sessions, 1, m->context, m->fds[0]));
}

static void session__answers__and_gives_its_memory_back(void **state)
{
	struct slot_memory m;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		set_up(&m, versions[i]);
		open_session(&m);
		shake_hands(&m, 1);
		for (unsigned k = 0; k < 100; k++)
			ask(&m, 1);
		assert_true(m.sessions.blocks.used <= 2);
		session_close(&m.sessions, 1);
		assert_false(session_is_there(&m.sessions, 1));
		assert_int_equal(m.sessions.blocks.used, 0);
		tear_down(&m);
	}
}

/* The worker answers nothing: its client must be in the state that the parent's is in. */
static void shake_in_parts(struct slot_memory *m)
{
	(void)session_handshake(&m->sessions, 1);
}

static void read_half(struct slot_memory *m)
{
	char got[4];
	size_t moved;

	assert_int_equal(session_receive(&m->sessions, 1, got, 4, &moved), SESSION_MOVED);
	assert_int_equal(moved, 4);
	assert_memory_equal(got, "ques", 4);
}

static void answer_alone(struct slot_memory *m)
{
	expect_input(m, 1, "tion");
	answer(m, 1, "answer");
}

/* A worker dies after each step, from the first packet of the handshake on. */
static void session__outlives_its_workers__in_every_state(void **state)
{
	struct slot_memory m;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		set_up(&m, versions[i]);
		run_and_die(&m, open_session);
		take_over(&m);
		for (unsigned k = 0; k < STEPS && SSL_do_handshake(m.client) != 1; k++) {
			run_and_die(&m, shake_in_parts);
			take_over(&m);
		}
		assert_true(SSL_is_init_finished(m.client));
		run_and_die(&m, shake_in_parts);
		take_over(&m);
		tls_client_write(m.client, "question");
		run_and_die(&m, read_half);
		take_over(&m);
		assert_true(session_has_input(&m.sessions, 1));
		run_and_die(&m, answer_alone);
		take_over(&m);
		expect_answer(&m, "answer");
		for (unsigned k = 0; k < 100; k++)
			ask(&m, 1);
		session_close(&m.sessions, 1);
		assert_int_equal(m.sessions.blocks.used, 0);
		tear_down(&m);
	}
}

static void count_allocations(struct slot_memory *m)
{
	uint64_t before = memory_outside();

	open_session(m);
	(void)session_handshake(&m->sessions, 1);
	assert_int_equal(memory_outside(), before);
}

/* Once one session was served, everything that is shared is there. */
static void worker__that_is_warm__allocates_in_regions_alone(void **state)
{
	struct slot_memory m;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		set_up(&m, versions[i]);
		open_session(&m);
		shake_hands(&m, 1);
		ask(&m, 1);
		session_close(&m.sessions, 1);
		SSL_free(m.client);
		close(m.fds[0]);
		close(m.fds[1]);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, m.fds), 0);
		m.client = tls_client_new(m.fds[1], versions[i]);
		(void)SSL_do_handshake(m.client);
		run_and_die(&m, count_allocations);
		tear_down(&m);
	}
}

static void stream__that_ends_without_a_notice__is_cut(void **state)
{
	struct slot_memory m;
	char got[10];
	size_t moved;

	(void)state;
	set_up(&m, TLS1_3_VERSION);
	open_session(&m);
	shake_hands(&m, 1);
	assert_int_equal(session_receive(&m.sessions, 1, got, sizeof(got), &moved), SESSION_WAITS);
	shutdown(m.fds[1], SHUT_WR);
	assert_int_equal(session_receive(&m.sessions, 1, got, sizeof(got), &moved), SESSION_CUT);
	session_close(&m.sessions, 1);
	tear_down(&m);
}

static void stream__that_ends_with_a_notice__has_ended(void **state)
{
	struct slot_memory m;
	char got[10];
	size_t moved;

	(void)state;
	set_up(&m, TLS1_3_VERSION);
	open_session(&m);
	shake_hands(&m, 1);
	SSL_shutdown(m.client);
	assert_int_equal(session_receive(&m.sessions, 1, got, sizeof(got), &moved), SESSION_ENDED);
	assert_int_equal(session_finish(&m.sessions, 1), SESSION_MOVED);
	assert_int_equal(SSL_shutdown(m.client), 1);
	session_close(&m.sessions, 1);
	tear_down(&m);
}

static void plain_request__fails_by_its_name(void **state)
{
	struct slot_memory m;

	(void)state;
	set_up(&m, TLS1_3_VERSION);
	open_session(&m);
	assert_int_equal(write(m.fds[1], "GET / HTTP/1.0\r\n\r\n", 18), 18);
	assert_int_equal(session_handshake(&m.sessions, 1), SESSION_FAILED);
	assert_true(session_is_plain_http());
	assert_string_equal(session_reason_text(), "http request");
	session_close(&m.sessions, 1);
	tear_down(&m);
}

/* A region that is full fails its own session, and none of its memory is lost. */
static void session__without_memory__fails_alone(void **state)
{
	struct slot_memory m;
	size_t bytes;

	(void)state;
	set_up(&m, TLS1_3_VERSION);
	do
		bytes = BLOCK_UNIT;
	while (blocks_take(&m.sessions.blocks, &bytes));
	assert_false(session_open(&m.sessions, 1, m.context, m.fds[0]));
	assert_false(session_is_there(&m.sessions, 1));
	tear_down(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session__answers__and_gives_its_memory_back),
		cmocka_unit_test(session__outlives_its_workers__in_every_state),
		cmocka_unit_test(worker__that_is_warm__allocates_in_regions_alone),
		cmocka_unit_test(stream__that_ends_without_a_notice__is_cut),
		cmocka_unit_test(stream__that_ends_with_a_notice__has_ended),
		cmocka_unit_test(plain_request__fails_by_its_name),
		cmocka_unit_test(session__without_memory__fails_alone),
	};

	struct err err;

	if (!tls_library_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
