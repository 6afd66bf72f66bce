/* SPDX-License-Identifier: MIT */
/*
 * A session between two of its stages: the kernel has taken the last byte of a download, and the
 * service has not been asked since.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sys.h"
#include "services/http/http_session.h"
#include "unit/aftermath.h"
#include "unit/folder.h"
#include "unit/logbook.h"
#include "unit/sited.h"
#include "worker/conn_io.h"
#include "worker/hand.h"

enum { LARGE = 400000, NARROW = 4096 };

#define REQUEST "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"

static struct served s;
static char *folder;

static int set_up(void **state)
{
	char *text = malloc(LARGE + 1), conf[256];
	void *made;

	if (logbook_set_up(state) != 0 || folder_make(&made) != 0)
		return -1;
	folder = made;
	memset(text, 'x', LARGE);
	text[LARGE] = '\0';
	folder_write(folder, "large", text);
	free(text);
	logbook_open(logbook_path, LOG_TEXT);
	snprintf(conf, sizeof(conf), "listen 1 { service = http  root = \"%s\" }", folder);
	sited_start(&s, conf);
	return 0;
}

static int tear_down(void **state)
{
	void *made = folder;

	served_stop(&s);
	return folder_remove(&made) == 0 ? logbook_tear_down(state) : -1;
}

static size_t take(int client)
{
	static char bytes[LARGE];
	size_t used = 0;
	ssize_t n;

	while ((n = recv(client, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		used += (size_t)n;
	return used;
}

/* The line of each request of /large has been written once. */
static void expect_lines(unsigned count)
{
	served_alarm(&s, FLUSH_MS);
	logbook_read(logbook_path);
	assert_int_equal(logbook_count(logbook_text, " what=request "), count);
	assert_int_equal(logbook_count(logbook_text, " path=/large status=200\n"), count);
}

/* A connection in hand whose download the kernel has taken to the end. */
static struct conn *take_download(int *client, size_t *taken)
{
	struct record *r;
	struct conn *c;

	*client = served_connect(&s);
	r = served_only(&s);
	assert_int_equal(setsockopt(r->fd, SOL_SOCKET, SO_SNDBUF, &(int){ NARROW }, sizeof(int)),
			 0);
	served_send(&s, *client, REQUEST, strlen(REQUEST));
	served_settle(&s);
	assert_true(r->file_left > 0);
	c = hand_take(&s.pool, r);
	for (*taken = 0; conn_has_output(c); *taken += take(*client))
		assert_int_not_equal(conn_io_flush(c), IO_FAILED);
	return c;
}

static void download__whose_client_leaves_after_its_last_byte__has_its_line(void **state)
{
	struct conn *c;
	size_t taken;
	int client;

	(void)state;
	c = take_download(&client, &taken);
	assert_true(taken > LARGE);
	conn_close(c, CLOSE_client_reset);
	hand_put_down(&s.pool);
	close(client);
	served_settle(&s);
	expect_lines(1);
}

static void time_out__behind_a_download__writes_nothing(void **state)
{
	struct conn *c;
	size_t taken;
	int client;

	(void)state;
	c = take_download(&client, &taken);
	assert_int_equal(hand_ask_timed_out(c, CLOSE_message_timeout), FINISH);
	assert_int_equal(buf_used(&c->out), 0);
	/* it lingers, without the bytes of the request, until its client ends */
	s.listen_conf.linger_timeout = 1000;
	conn_move_to(c, CONN_FLUSHING);
	conn_half_close(c);
	assert_int_equal(c->record->state, CONN_LINGERING);
	hand_put_down(&s.pool);
	assert_int_equal(take(client), 0);
	close(client);
	served_settle(&s);
	expect_lines(2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(download__whose_client_leaves_after_its_last_byte__has_its_line),
		cmocka_unit_test(time_out__behind_a_download__writes_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
