/* SPDX-License-Identifier: MIT */
/* A service manager: sockets it passes and messages it gets. */
#include "harness.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "client.h"

static void passed_socket__is_served_and_left_open(void **state)
{
	char address[64], listen[96];
	int fd = client_listener(address, sizeof(address)), waiting;
	struct server *s;

	(void)state;
	waiting = client_connect(address);
	client_say(waiting, "x");
	snprintf(listen, sizeof(listen), "%s=ack", address);
	s = server_start(&(struct plan){ .listen = { listen }, .pass_fd = fd, .workers = 2 });
	assert_string_equal(FIRST(s), address);
	client_hear(waiting, ACK);
	close(waiting);
	client_ask(address, "y", ACK);
	server_stop(s);
	waiting = client_connect(address);
	close(waiting);
	close(fd);
}

static void passed_socket__for_another_process__is_not_taken(void **state)
{
	char address[64], listen[96];
	int fd = client_listener(address, sizeof(address));
	struct server *s;

	(void)state;
	snprintf(listen, sizeof(listen), "%s=ack", address);
	s = server_launch(
		&(struct plan){ .listen = { listen }, .env = { "LISTEN_FDS=1", "LISTEN_PID=1" } });
	s->errors[0] = "server_failed";
	server_check(s, server_wait_exit(s), 69);
	close(fd);
}

static void passed_socket__survives_a_reload(void **state)
{
	char address[64], listen[96];
	int fd = client_listener(address, sizeof(address));
	struct server *s;

	(void)state;
	snprintf(listen, sizeof(listen), "%s=ack", address);
	s = server_start(&(struct plan){ .listen = { listen }, .pass_fd = fd });
	server_signal(s, SIGHUP);
	server_wait_event(s, "reload_finished", NULL);
	client_ask(address, "y", ACK);
	server_stop(s);
	close(fd);
}

static void passed_socket__that_no_listen_takes__is_named(void **state)
{
	char address[64], fields[96];
	int fd = client_listener(address, sizeof(address));
	struct server *s;

	(void)state;
	s = server_start(&(struct plan){ .pass_fd = fd });
	snprintf(fields, sizeof(fields), "sockets=1 addresses=%s", address);
	server_wait_event(s, "environment_warned", fields);
	server_stop(s);
	close(fd);
}

#define AWAY "192.0.2.77"

static void command(const char *text)
{
	if (system(text) != 0)
		fail_msg("%s has failed", text);
}

/* A socket that listens on an address which no interface has any more, as after a failover. */
static int listen_on_away(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7000) };
	int fd;

	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0 || system("ip -V > /dev/null 2>&1") != 0)
		skip();
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	command("ip link set lo up && ip addr add " AWAY "/32 dev lo");
	to.sin_addr.s_addr = inet_addr(AWAY);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(fd, 16), 0);
	command("ip addr del " AWAY "/32 dev lo");
	return fd;
}

static void passed_socket__whose_address_is_away__serves_once_it_is_back(void **state)
{
	int fd = listen_on_away();
	struct server *s;

	(void)state;
	s = server_start(&(struct plan){ .conf = "listen \"" AWAY ":7000\" { service = ack }\n",
					 .pass_fd = fd });
	server_configure(s, "listen \"" AWAY ":7000\" { service = ack  backlog = 7 }\n");
	server_signal(s, SIGHUP);
	server_wait_event(s, "reload_finished", NULL);
	assert_int_equal(server_count(s, "environment_warned", NULL), 0);
	command("ip addr add " AWAY "/32 dev lo");
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
	close(fd);
}

static int manager_socket(char *env, size_t size)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s/notify", harness_folder());
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	snprintf(env, size, "NOTIFY_SOCKET=%s", un.sun_path);
	return fd;
}

/* Waits for a message with this line; earlier ones are skipped. */
static void wait_told(struct server *s, int fd, const char *line)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t until_ms = clock_ms() + WAIT_MS;
	char text[4097] = "\n", wanted[64];
	ssize_t n;

	snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	while (clock_ms() < until_ms) {
		if (poll(&p, 1, 100) < 1)
			continue;
		n = recv(fd, text + 1, sizeof(text) - 3, 0);
		snprintf(text + 1 + n, 2, "\n");
		if (strstr(text, wanted))
			return;
	}
	server_fail(s, "the manager was not told %s", line);
}

static void manager__is_told_of_ready_reload_and_stop(void **state)
{
	char env[128];
	int fd = manager_socket(env, sizeof(env));
	struct server *s = server_start(&(struct plan){ .env = { env } });

	(void)state;
	wait_told(s, fd, "READY=1");
	server_signal(s, SIGHUP);
	wait_told(s, fd, "RELOADING=1");
	wait_told(s, fd, "READY=1");
	server_signal(s, SIGTERM);
	wait_told(s, fd, "STOPPING=1");
	server_end(s, 0, 0);
	close(fd);
}

static void manager__in_lame_duck__is_told_of_the_stop_and_the_time_it_takes(void **state)
{
	char env[128];
	int fd = manager_socket(env, sizeof(env));
	struct server *s = server_start(
		&(struct plan){ .env = { env }, .set = { "lame_duck=10m", "shutdown_timeout=0" } });

	(void)state;
	wait_told(s, fd, "READY=1");
	server_signal(s, SIGTERM);
	/* lame_duck, and 7 seconds for workers that do not leave */
	wait_told(s, fd, "STOPPING=1\nEXTEND_TIMEOUT_USEC=607000000");
	wait_told(s, fd, "STATUS=lame_duck, 1 worker");
	client_ask(FIRST(s), "x", ACK);
	server_signal(s, SIGTERM);
	server_end(s, 0, 0);
	close(fd);
}

static void manager__after_a_failed_reload__is_told_ready_again(void **state)
{
	char env[128];
	int fd = manager_socket(env, sizeof(env));
	struct server *s = server_start(&(struct plan){
		.env = { env }, .conf = "listen \"127.0.0.1:0\" { service = ack }\n" });

	(void)state;
	s->errors[0] = "reload_failed";
	wait_told(s, fd, "READY=1");
	server_configure(s, "nonsense = 1\n");
	server_signal(s, SIGHUP);
	wait_told(s, fd, "RELOADING=1");
	wait_told(s, fd, "READY=1");
	server_stop(s);
	close(fd);
}

static void manager__with_a_watchdog__is_told_again_and_again(void **state)
{
	char env[128];
	int fd = manager_socket(env, sizeof(env));
	struct server *s = server_start(&(struct plan){ .env = { env, "WATCHDOG_USEC=200000" } });

	(void)state;
	for (int i = 0; i < 3; i++)
		wait_told(s, fd, "WATCHDOG=1");
	server_stop(s);
	close(fd);
}

static void manager__that_is_gone__does_not_hinder(void **state)
{
	char env[128], fields[160];
	int fd = manager_socket(env, sizeof(env));
	struct server *s;

	(void)state;
	close(fd);
	snprintf(fields, sizeof(fields), "path=%s", env + strlen("NOTIFY_SOCKET="));
	s = server_start(&(struct plan){ .env = { env } });
	server_wait_event(s, "notify_failed", fields);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(passed_socket__is_served_and_left_open),
		E2E(passed_socket__for_another_process__is_not_taken),
		E2E(passed_socket__survives_a_reload),
		E2E(passed_socket__that_no_listen_takes__is_named),
		E2E(manager__is_told_of_ready_reload_and_stop),
		E2E(manager__in_lame_duck__is_told_of_the_stop_and_the_time_it_takes),
		E2E(manager__after_a_failed_reload__is_told_ready_again),
		E2E(manager__with_a_watchdog__is_told_again_and_again),
		E2E(manager__that_is_gone__does_not_hinder),
		E2E(passed_socket__whose_address_is_away__serves_once_it_is_back),
	};

	return E2E_RUN(tests);
}
