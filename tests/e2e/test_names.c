/* SPDX-License-Identifier: MIT */
/*
 * Names of users and hosts: each is looked up once, and the lookup never blocks the master. The
 * server has its own /etc/passwd and /etc/hosts, in a mount namespace.
 */
#include "harness.h"

#include <signal.h>
#include <sys/stat.h>

#include "client.h"
#include "process.h"

#define CONF(listen) "workers = 1\nuser = wrk\n" listen
#define NUMERIC      "listen \"127.0.0.1:0\" { service = ack }\n"

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

struct etc {
	char passwd[96], hosts[96];
	struct server *server;
};

/* /etc/passwd has one more user than the host's, and /etc/hosts is a pipe without a writer. */
static void start(struct etc *etc)
{
	static char env[128];
	const char *folder = harness_folder();

	snprintf(env, sizeof(env), "ETC=%s", folder);
	snprintf(etc->passwd, sizeof(etc->passwd), "%s/passwd", folder);
	snprintf(etc->hosts, sizeof(etc->hosts), "%s/hosts", folder);
	write_text(etc->passwd, "root:x:0:0::/:/bin/sh\nwrk:x:12345:12345::/:/bin/false\n");
	assert_int_equal(mkfifo(etc->hosts, 0644), 0);
	etc->server = server_start(
		&(struct plan){ .conf = CONF(NUMERIC),
				.env = { env },
				.prefix = { "unshare", "-mf", "sh", "-c",
					    "mount --bind $ETC/passwd /etc/passwd && "
					    "mount --bind $ETC/hosts /etc/hosts && exec \"$@\"",
					    "sh" } });
}

static void worker__killed_while_its_user_is_unknown__is_replaced(void **state)
{
	struct etc etc;
	struct server *s;
	pid_t old;

	(void)state;
	start(&etc);
	s = etc.server;
	write_text(etc.passwd, "root:x:0:0::/:/bin/sh\n");
	old = server_worker(s, 0);
	server_mark(s);
	kill(old, SIGKILL);
	server_wait_event(s, "worker_ready", "worker=0");
	assert_int_equal(process_status(server_worker(s, 0), "Uid"), 12345);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

static void reload__to_an_unknown_user__is_refused(void **state)
{
	struct etc etc;

	(void)state;
	start(&etc);
	etc.server->errors[0] = "reload_failed";
	write_text(etc.passwd, "root:x:0:0::/:/bin/sh\n");
	server_signal(etc.server, SIGHUP);
	server_wait_event(etc.server, "reload_failed", NULL);
	client_ask(FIRST(etc.server), "x", ACK);
	server_stop(etc.server);
}

static void reload__that_waits_for_a_name__keeps_the_master_from_nothing(void **state)
{
	struct etc etc;
	struct server *s;

	(void)state;
	start(&etc);
	s = etc.server;
	s->errors[0] = "reload_failed"; /* it was told to stop */
	server_configure(s, CONF("listen \"some.name:0\" { service = ack }\n"));
	server_mark(s);
	server_signal(s, SIGHUP);
	server_wait_event(s, "reload_started", NULL);
	kill(server_worker(s, 0), SIGKILL);
	server_wait_event(s, "worker_ready", "worker=0");
	client_ask(FIRST(s), "x", ACK);
	assert_int_equal(server_count(s, "reload_failed", NULL), 0);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(worker__killed_while_its_user_is_unknown__is_replaced),
		E2E(reload__to_an_unknown_user__is_refused),
		E2E(reload__that_waits_for_a_name__keeps_the_master_from_nothing),
	};

	if (getuid() == 0 &&
	    system("unshare -mf mount --bind /etc/passwd /etc/passwd 2>/dev/null") == 0)
		return E2E_RUN(tests);
	printf("# left out, needs root and namespaces: names\n");
	return 0;
}
