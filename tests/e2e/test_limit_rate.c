/* SPDX-License-Identifier: MIT */
/*
 * Rates: never more clients are served than the burst and the time since the start allow. No test
 * here depends on how fast the machine is.
 */
#include "harness.h"

#include "client.h"
#include "clients.h"
#include "process.h"

enum { CROWD = 60, RATE = 100, BURST = 5, WORKERS = 4 };

/* What may have been served since begun_ms, the time before the first client came. */
static unsigned allowed(int64_t begun_ms, unsigned rate, unsigned burst)
{
	return burst + (unsigned)((clock_ms() + 1 - begun_ms) * rate / 1000);
}

static void look_within(struct clients *c, int64_t begun_ms, unsigned rate, unsigned burst)
{
	unsigned answered;

	clients_look(c);
	answered = c->answered;
	if (answered > allowed(begun_ms, rate, burst))
		server_fail(c->server, "%u clients are served within %lld ms", answered,
			    (long long)(clock_ms() - begun_ms));
}

static void rate__of_a_listener__lets_clients_wait__and_serves_all(void **state)
{
	struct server *s = server_start(&(struct plan){
		.listen = { "127.0.0.1:0=echo,rate=100,rate_burst=5", "127.0.0.1:0=echo" },
		.workers = WORKERS });
	struct clients c = { .server = s };
	int64_t begun_ms = clock_ms();
	int fd;

	(void)state;
	clients_open(&c, NULL, FIRST(s), CROWD);
	WAIT_UNTIL(s, (look_within(&c, begun_ms, RATE, BURST), c.answered >= BURST));
	server_wait_event(s, "limit_reached", "limit=rate source=- on_limit=wait");
	fd = client_connect(s->addresses[1]); /* another listener goes on */
	client_say(fd, "x");
	client_hear(fd, "x");
	close(fd);
	WAIT_UNTIL(s, (look_within(&c, begun_ms, RATE, BURST), c.answered == CROWD));
	assert_int_equal(c.ended + c.reset, 0);
	clients_close(&c);
	server_stop(s);
}

static void rate__of_a_listener__that_closes__serves_no_more_than_it_allows(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .listen = { "127.0.0.1:0=echo,rate=1,rate_burst=5,on_limit=close" },
				.workers = WORKERS });
	struct clients c = { .server = s };
	int64_t begun_ms = clock_ms();

	(void)state;
	clients_open(&c, NULL, FIRST(s), CROWD);
	WAIT_UNTIL(s, (look_within(&c, begun_ms, 1, BURST), c.answered + c.ended == CROWD));
	assert_true(c.answered >= BURST);
	assert_int_equal(c.reset, 0);
	server_wait_count(s, CROWD - c.answered, "connection_refused", "reason=rate");
	clients_close(&c);
	server_stop(s);
}

/* One source is held up, another one is not. */
static void rate__of_a_source__holds_nobody_else_up(void **state)
{
	struct server *s = server_start(&(struct plan){
		.listen = { "127.0.0.1:0=echo,rate_per_source=100,rate_per_source_burst=5" },
		.workers = WORKERS });
	struct clients c = { .server = s };
	int64_t begun_ms = clock_ms();

	(void)state;
	clients_open(&c, "127.0.0.1", FIRST(s), CROWD);
	do {
		int fd = client_try_from("127.0.0.2", FIRST(s));

		client_say(fd, "x");
		client_hear(fd, "x");
		close(fd);
		look_within(&c, begun_ms, RATE, BURST);
		/* the other source has a rate as well: one in 10 ms */
		harness_tick();
		harness_tick();
	} while (c.answered < CROWD);
	server_wait_event(s, "limit_reached", "limit=rate_per_source source=127.0.0.1");
	assert_int_equal(c.ended + c.reset, 0);
	clients_close(&c);
	server_stop(s);
}

/* Neither a crash nor a reload gives a second burst. */
static void rate__goes_on_after_crashes_and_reloads(void **state)
{
	struct server *s = server_start(&(struct plan){
		.listen = { "127.0.0.1:0=echo,rate=1,rate_burst=5,rate_per_source=1,"
			    "rate_per_source_burst=5,on_limit=reset" },
		.workers = WORKERS });
	struct clients c = { .server = s };
	int64_t begun_ms = clock_ms();
	char said[256];

	(void)state;
	for (unsigned round = 1; round <= 3; round++) {
		clients_open(&c, "127.0.0.1", FIRST(s), CROWD);
		WAIT_UNTIL(s, (look_within(&c, begun_ms, 1, BURST),
			       c.answered + c.reset == round * CROWD));
		for (unsigned i = 0; i < WORKERS; i++)
			kill(server_worker(s, i), SIGKILL);
		server_wait_count(s, round * WORKERS, "connections_recovered", NULL);
		assert_int_equal(server_verb(s, "reload", said, sizeof(said)), 0);
	}
	clients_close(&c);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(rate__of_a_listener__lets_clients_wait__and_serves_all),
		E2E(rate__of_a_listener__that_closes__serves_no_more_than_it_allows),
		E2E(rate__of_a_source__holds_nobody_else_up),
		E2E(rate__goes_on_after_crashes_and_reloads),
	};

	return E2E_RUN(tests);
}
