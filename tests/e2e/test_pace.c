/* SPDX-License-Identifier: MIT */
/* limit_rate: the pace of downloads, whatever they come from and whatever happens meanwhile. */
#include "harness.h"

#include <string.h>

#include "client.h"
#include "download.h"
#include "process.h"

enum { RATE = 100 * 1024, PART = 2 * RATE, MEMORY = 60000 };

/* Of worker/pace: a slice, and several times the processor time and the wake-ups that it costs. */
enum { SLICE_MS = 100, SLICE_USED_MS = 5, SLICE_WAKES = 6 };

/* Serves "large", and "small", which is short enough to be kept in memory. */
static struct server *serve(const char *options)
{
	struct server *s = download_serve(options);
	static char text[MEMORY + 1];

	memset(text, 'x', MEMORY);
	web_put("small", text);
	web_age("small");
	return s;
}

/*
 * So many bytes at that rate since begun_ms: never faster than what goes out at once allows. How
 * much slower depends on the machine.
 */
static void check_pace(size_t bytes, int64_t rate, int64_t begun_ms)
{
	int64_t took_ms = clock_ms() - begun_ms, wanted_ms = (int64_t)bytes * 1000 / rate;

	if (took_ms < wanted_ms * 9 / 10 - 200 || took_ms > wanted_ms + WAIT_MS)
		fail_msg("%zu bytes at %lld a second took %lld ms", bytes, (long long)rate,
			 (long long)took_ms);
}

static void answer__of_each_kind__has_its_pace(void **state)
{
	static const char *const rows[] = {
		"GET /large" WEB_HOST "Range: bytes=5-204804\r\nConnection: close\r\n\r\n",
		"GET /large" WEB_HOST
		"Range: bytes=0-99999,1000000-1099999,7-8\r\nConnection: close\r\n\r\n",
		"GET /small" WEB_HOST "\r\nGET /small" WEB_HOST "\r\nGET /small" WEB_LAST,
	};
	struct server *s = serve(",limit_rate=100k");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t begun_ms = clock_ms();

		web_begins(web_ask(s, rows[i]), i == 2 ? "HTTP/1.1 200 " : "HTTP/1.1 206 ");
		check_pace(i == 2 ? 3 * MEMORY : 200000, RATE, begun_ms);
	}
	server_stop(s);
}

static void download__keeps_its_pace_through_deaths_and_reloads(void **state)
{
	struct server *s = serve(",limit_rate=100k");
	int64_t begun_ms = clock_ms();
	int fd = download_begin(s);
	size_t at = 0;

	(void)state;
	download_through_deaths(s, fd, &at, PART);
	check_pace(PART, RATE, begun_ms);
	close(fd);
	server_stop(s);
}

/* A pause is the server's, and is longer than message_timeout here. */
static void pause__does_not_count_against_the_client(void **state)
{
	struct server *s = serve(",limit_rate=10k,message_timeout=50ms");
	int64_t begun_ms = clock_ms();

	(void)state;
	web_ask(s, "GET /large" WEB_HOST "Range: bytes=0-14999\r\nConnection: close\r\n\r\n");
	web_begins(web_answer, "HTTP/1.1 206 ");
	check_pace(15000, 10 * 1024, begun_ms);
	server_wait_event(s, "connection_ended", "ending=service_finished");
	server_stop(s);
}

static void client__that_takes_nothing__is_ended_all_the_same(void **state)
{
	struct server *s = serve(",limit_rate=512m,message_timeout=500ms");
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "GET /large" WEB_HOST "\r\n");
	server_wait_event(s, "connection_ended", "ending=send_timeout");
	close(fd);
	server_stop(s);
}

static void client__that_resets_in_a_pause__is_gone_at_once(void **state)
{
	struct server *s = serve(",limit_rate=1k");
	int fd = download_begin(s);

	(void)state;
	client_reset(fd);
	server_wait_event(s, "connection_ended", "ending=client_reset");
	server_stop(s);
}

/* Paused are: one that reads, one that has ended its side, one whose buffers are full. */
static void pauses__cost_next_to_nothing(void **state)
{
	struct server *s = serve(",limit_rate=100k");
	pid_t pid = server_worker(s, 0);
	int fd = download_begin(s), ended = download_begin(s), full = download_begin(s);
	long wakes = process_status(pid, "voluntary_ctxt_switches");
	int64_t used_ms = process_used_ms(pid), begun_ms = clock_ms(), slices;
	size_t at = 0;

	(void)state;
	client_half_close(ended);
	download_go_on(fd, &at, PART);
	used_ms = process_used_ms(pid) - used_ms;
	wakes = process_status(pid, "voluntary_ctxt_switches") - wakes;
	/* what may have gone out meanwhile on the three connections */
	slices = 3 * ((clock_ms() - begun_ms) / SLICE_MS + 1);
	if (used_ms > SLICE_USED_MS * slices || wakes > SLICE_WAKES * slices)
		fail_msg("%lld slices took %lld ms and %ld wake-ups", (long long)slices,
			 (long long)used_ms, wakes);
	close(fd);
	close(ended);
	close(full);
	server_stop(s);
}

static void stop__lets_a_slow_download_finish(void **state)
{
	struct server *s = serve(",limit_rate=100k");
	int fd = client_connect(FIRST(s));

	(void)state;
	client_say(fd, "GET /large" WEB_HOST "Range: bytes=0-99999\r\n\r\n");
	download_head(fd);
	server_signal(s, SIGTERM);
	assert_int_equal(client_drain(fd, web_answer, sizeof(web_answer)), 100000);
	close(fd);
	server_end(s, 0, 0);
	assert_int_equal(server_count(s, "shutdown_timed_out", NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(answer__of_each_kind__has_its_pace),
		E2E(download__keeps_its_pace_through_deaths_and_reloads),
		E2E(pause__does_not_count_against_the_client),
		E2E(client__that_takes_nothing__is_ended_all_the_same),
		E2E(client__that_resets_in_a_pause__is_gone_at_once),
		E2E(pauses__cost_next_to_nothing),
		E2E(stop__lets_a_slow_download_finish),
	};

	return E2E_RUN(tests);
}
