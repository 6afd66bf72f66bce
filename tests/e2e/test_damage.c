/* SPDX-License-Identifier: MIT */
/*
 * http: a record that was damaged names a descriptor that the dead worker kept for its cache. Its
 * client gets no byte of another file, and the downloads of all others are whole.
 */
#include "harness.h"

#include <unistd.h>

#include "client.h"
#include "damage.h"
#include "download.h"
#include "process.h"
#include "worker/record.h"

#define RANGE_OF_OTHERS \
	"GET /others" WEB_HOST "Range: bytes=7000000-7199999\r\nConnection: close\r\n\r\n"

static int named; /* what the record names from then on */

static void name_file(struct record *r)
{
	r->file = named;
}

static void name_file_without_id(struct record *r)
{
	r->file = named;
	r->file_id = 0;
}

/* A file of zeros, as long as "large". */
static void put_others(void)
{
	char path[512];

	web_put("others", "");
	snprintf(path, sizeof(path), "%s/others", web_folder);
	assert_int_equal(truncate(path, DOWNLOAD_SIZE), 0);
}

static struct server *serve(void)
{
	struct server *s;

	web_make_folder();
	web_put("a.txt", "hello\n");
	download_put();
	put_others();
	web_wait_settled("others");
	s = web_serve(",cache_valid=1h");
	web_ask(s, "HEAD /large" WEB_LAST);
	web_ask(s, "HEAD /others" WEB_LAST);
	return s;
}

/* A descriptor of the worker's cache: it is opened before those of connections. */
static int find_fd(struct server *s, const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", web_folder, name);
	assert_true(process_files(server_worker(s, 0), path, &fd) > 0);
	return fd;
}

static void assert_others(struct server *s)
{
	web_begins(web_ask(s, RANGE_OF_OTHERS), "HTTP/1.1 206 ");
	for (size_t i = 0; i < 200000; i++)
		assert_int_equal(web_body()[i], '\0');
}

/* A new worker finds that the connection of fd has the cache's descriptor of that file. */
static void damage(struct server *s, int fd, const char *name, void (*write)(struct record *))
{
	web_wait_sent(s, fd);
	named = find_fd(s, name);
	if (!damage_record(server_worker(s, 0), fd, write))
		skip();
	web_kill_worker(s, fd);
}

static void end_alone(void (*write)(struct record *))
{
	struct server *s = serve();
	int fd = download_begin(s), other = download_begin(s);
	size_t at = 0, of_other = 0;

	damage(s, fd, "others", write);
	server_wait_event(s, "connection_ended", "ending=recovery_damaged");
	download_until_end(fd, &at);
	assert_true(at < DOWNLOAD_SIZE);
	close(fd);
	assert_others(s);
	download_finish(other, &of_other);
	assert_int_equal(server_count(s, "connection_ended", "ending=recovery_damaged"), 1);
	server_stop(s);
}

static void record__that_names_another_file__ends_its_connection_alone(void **state)
{
	(void)state;
	end_alone(name_file);
}

static void record__that_names_another_file_without_its_id__ends_its_connection_alone(void **state)
{
	(void)state;
	end_alone(name_file_without_id);
}

/* The descriptor is the connection's from now on: no other worker's cache has it. */
static void record__that_names_the_same_file__goes_on(void **state)
{
	struct server *s = serve();
	int fd = download_begin(s);
	size_t at = 0;

	(void)state;
	damage(s, fd, "large", name_file);
	assert_others(s);
	download_finish(fd, &at);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(record__that_names_another_file__ends_its_connection_alone),
		E2E(record__that_names_another_file_without_its_id__ends_its_connection_alone),
		E2E(record__that_names_the_same_file__goes_on),
	};

	return E2E_RUN(tests);
}
