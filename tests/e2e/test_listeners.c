/* SPDX-License-Identifier: MIT */
/* Every kind of address, the access rules, and the path of a unix socket. */
#include "harness.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "client.h"
#include "process.h"

static void unix_path(char *path, size_t size, char *listen, size_t listen_size)
{
	snprintf(path, size, "%s/x.sock", harness_folder());
	snprintf(listen, listen_size, "unix:%s=ack", path);
}

static void unix_socket__serves_and_goes_with_the_server(void **state)
{
	char path[96], listen[128];
	struct server *s;

	(void)state;
	unix_path(path, sizeof(path), listen, sizeof(listen));
	s = server_start(&(struct plan){ .listen = { listen } });
	assert_memory_equal(FIRST(s), "unix:/", 6);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
	assert_int_equal(access(path, F_OK), -1);
}

static void unix_socket__left_by_a_dead_server__is_replaced(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char path[96], listen[128];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct server *s;

	(void)state;
	unix_path(path, sizeof(path), listen, sizeof(listen));
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
	s = server_start(&(struct plan){ .listen = { listen } });
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

static void unix_socket__of_a_living_server__is_not_taken(void **state)
{
	char path[96], listen[128];
	struct server *s, *second;

	(void)state;
	unix_path(path, sizeof(path), listen, sizeof(listen));
	s = server_start(&(struct plan){ .listen = { listen } });
	second = server_launch(&(struct plan){ .listen = { listen } });
	second->errors[0] = "server_failed";
	server_check(second, server_wait_exit(second), 69);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

static void unix_socket__where_a_file_is__leaves_the_file(void **state)
{
	char path[96], listen[128];
	struct server *s;
	struct stat st;

	(void)state;
	unix_path(path, sizeof(path), listen, sizeof(listen));
	close(open(path, O_WRONLY | O_CREAT, 0600));
	s = server_launch(&(struct plan){ .listen = { listen } });
	s->errors[0] = "server_failed";
	server_check(s, server_wait_exit(s), 69);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void unix_socket__with_a_mode__has_it(void **state)
{
	char path[96], listen[128];
	struct server *s;
	struct stat st;

	(void)state;
	unix_path(path, sizeof(path), listen, sizeof(listen));
	snprintf(listen, sizeof(listen), "unix:%s=ack,mode=0600", path);
	s = server_start(&(struct plan){ .listen = { listen } });
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	server_stop(s);
}

static const char *with_host(const char *host, const struct server *s, char *text, size_t size)
{
	snprintf(text, size, "%s%s", host, strrchr(FIRST(s), ':'));
	return text;
}

static void every_address__takes_both_families(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { "*:0=ack" } });
	char address[96];

	(void)state;
	client_ask(with_host("127.0.0.1", s, address, sizeof(address)), "x", ACK);
	client_ask(with_host("[::1]", s, address, sizeof(address)), "x", ACK);
	server_stop(s);
}

static void ipv6__serves(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { "[::1]:0=ack" } });

	(void)state;
	assert_memory_equal(FIRST(s), "[::1]:", 6);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

static void ipv6__with_v6only__refuses_ipv4(void **state)
{
	struct server *s = server_start(&(struct plan){ .listen = { "[::]:0=ack,v6only=yes" } });
	char address[96];
	int fd;

	(void)state;
	client_ask(with_host("[::1]", s, address, sizeof(address)), "x", ACK);
	/* Another process may own that port of IPv4; this server does not. */
	fd = client_try(with_host("127.0.0.1", s, address, sizeof(address)));
	if (fd >= 0)
		close(fd);
	client_ask(with_host("[::1]", s, address, sizeof(address)), "x", ACK);
	server_wait_count(s, 2, "connection_ended", NULL);
	assert_int_equal(server_count(s, "connection_opened", NULL), 2);
	server_stop(s);
}

static void deny__on_both_families__holds_for_mapped_ipv4(void **state)
{
	struct server *s = server_start(&(struct plan){
		.conf = "listen \"*:0\" { service = ack deny = {\"127.0.0.0/8\"} }\n" });
	char address[96];
	int fd = client_connect(with_host("127.0.0.1", s, address, sizeof(address)));

	(void)state;
	assert_true(client_ended(fd, WAIT_MS));
	close(fd);
	client_ask(with_host("[::1]", s, address, sizeof(address)), "x", ACK);
	server_stop(s);
}

/* A client whose own address is 127.0.0.2. */
static int connect_from_2(const struct server *s)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002) };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_port = htons((uint16_t)strtoul(strrchr(FIRST(s), ':') + 1, NULL, 10));
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void deny__inside_allow__wins(void **state)
{
	struct server *s = server_start(&(struct plan){
		.conf = "listen \"127.0.0.1:0\" {\n service = ack\n allow = {\"127.0.0.0/8\"}\n"
			" deny = {\"127.0.0.2\"}\n}\n" });
	int fd = connect_from_2(s);

	(void)state;
	assert_true(client_ended(fd, WAIT_MS));
	close(fd);
	server_wait_event(s, "connection_refused", NULL);
	client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

static void allow__of_others__refuses_us(void **state)
{
	struct server *s =
		server_start(&(struct plan){ .conf = "listen \"127.0.0.1:0\" { service = ack allow "
						     "= {\"127.0.0.2\", \"10.0.0.0/8\"} }\n" });
	int fd = client_connect(FIRST(s)), other;

	(void)state;
	assert_true(client_ended(fd, WAIT_MS));
	close(fd);
	other = connect_from_2(s);
	client_say(other, "x");
	client_hear(other, ACK);
	close(other);
	server_stop(s);
}

static void reuse_port__with_two_workers__loses_nobody(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .workers = 2, .listen = { "127.0.0.1:0=ack,reuse_port=yes" } });

	(void)state;
	for (int i = 0; i < 50; i++)
		client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

/* Half of the connections come to the socket of a worker that has left. */
static void reuse_port__with_a_worker_less__still_loses_nobody(void **state)
{
	struct server *s = server_start(
		&(struct plan){ .workers = 2, .listen = { "127.0.0.1:0=ack,reuse_port=yes" } });

	(void)state;
	server_signal(s, SIGTTOU);
	server_wait_event(s, "worker_exited", "worker=1");
	for (int i = 0; i < 50; i++)
		client_ask(FIRST(s), "x", ACK);
	server_stop(s);
}

static void listeners__of_all_kinds__serve_side_by_side(void **state)
{
	char path[96], listen[128];
	struct server *s;

	(void)state;
	unix_path(path, sizeof(path), listen, sizeof(listen));
	s = server_start(
		&(struct plan){ .workers = 2,
				.listen = { "127.0.0.1:0=echo",
					    "127.0.0.1:0=ack,framing=line,reply=yes", listen } });
	assert_int_equal(s->address_count, 3);
	client_ask(s->addresses[0], "echo", "echo");
	client_ask(s->addresses[1], "x\n", "yes\n");
	client_ask(s->addresses[2], "x", ACK);
	server_stop(s);
}

static bool have_ipv6(void)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool have = fd >= 0 && bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;

	if (fd >= 0)
		close(fd);
	return have;
}

static void ask_on(int fd)
{
	client_say(fd, "x");
	client_hear(fd, ACK);
}

static bool listens(int fd)
{
	int value = 0;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len), 0);
	return value;
}

/* The test holds the same open file description, as a compromised worker would. */
static void listener__made_blocking_or_shut_down__is_mended_by_the_workers(void **state)
{
	char address[64], listen[96];
	int fd = client_listener(address, sizeof(address));
	struct server *s;

	(void)state;
	snprintf(listen, sizeof(listen), "%s=ack", address);
	s = server_start(&(struct plan){
		.listen = { listen }, .set = { "hang_timeout=1s" }, .pass_fd = fd, .workers = 4 });
	for (int i = 0; i < 50; i++) {
		assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
		client_ask(address, "x", ACK);
	}
	WAIT_UNTIL(s, fcntl(fd, F_GETFL) & O_NONBLOCK);
	server_mark(s);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
		WAIT_UNTIL(s, listens(fd));
		client_ask(address, "x", ACK);
	}
	assert_int_equal(server_count(s, "worker_hung", NULL), 0);
	server_stop(s);
	close(fd);
}

/* The client that held the port leaves; then the server listens again. */
static void check_mended(struct server *s, const char *address, int fd, int held)
{
	close(held);
	WAIT_UNTIL(s, listens(fd));
	client_ask(address, "x", ACK);
	server_stop(s);
	close(fd);
}

/* A connection accepted without SO_REUSEADDR holds the port that the shutdown has released. */
static void listener__shut_down__whose_port_is_in_use__listens_once_it_is_free(void **state)
{
	char address[64], listen[96];
	int fd = client_listener(address, sizeof(address)), held;
	struct server *s;

	(void)state;
	snprintf(listen, sizeof(listen), "%s=ack", address);
	s = server_start(&(struct plan){
		.listen = { listen, "127.0.0.1:0=ack" }, .pass_fd = fd, .workers = 2 });
	held = client_connect(address);
	ask_on(held);
	server_mark(s);
	assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	WAIT_UNTIL(s, server_count(s, "listener_waits", NULL));
	assert_false(listens(fd));
	client_ask(s->addresses[1], "x", ACK); /* the other listener goes on */
	ask_on(held);
	check_mended(s, address, fd, held);
}

/* The listener of the new workers listens once the client of the old ones has left. */
static void reload__while_the_port_of_a_listener_is_in_use__keeps_its_socket(void **state)
{
	char address[64], listen[96], out[512];
	int fd = client_listener(address, sizeof(address)), held;
	struct server *s;

	(void)state;
	snprintf(listen, sizeof(listen), "%s=ack", address);
	s = server_start(&(struct plan){ .listen = { listen }, .pass_fd = fd, .workers = 2 });
	held = client_connect(address);
	ask_on(held);
	server_mark(s);
	assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	assert_non_null(strstr(server_wait_event(s, "listener_waits", NULL), "advice="));
	for (int i = 0; i < 2; i++) {
		server_mark(s);
		if (server_verb(s, "reload", out, sizeof(out)) != 0)
			server_fail(s, "%s", out);
		WAIT_UNTIL(s, server_count(s, "listener_waits", NULL));
		assert_false(listens(fd));
		assert_int_equal(server_count(s, "environment_warned", NULL), 0);
		ask_on(held);
	}
	check_mended(s, address, fd, held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(unix_socket__serves_and_goes_with_the_server),
		E2E(unix_socket__left_by_a_dead_server__is_replaced),
		E2E(unix_socket__of_a_living_server__is_not_taken),
		E2E(unix_socket__where_a_file_is__leaves_the_file),
		E2E(unix_socket__with_a_mode__has_it),
		E2E(deny__inside_allow__wins),
		E2E(allow__of_others__refuses_us),
		E2E(reuse_port__with_two_workers__loses_nobody),
		E2E(reuse_port__with_a_worker_less__still_loses_nobody),
		E2E(listeners__of_all_kinds__serve_side_by_side),
		E2E(listener__made_blocking_or_shut_down__is_mended_by_the_workers),
		E2E(listener__shut_down__whose_port_is_in_use__listens_once_it_is_free),
		E2E(reload__while_the_port_of_a_listener_is_in_use__keeps_its_socket),
	};
	const struct CMUnitTest with_ipv6[] = {
		E2E(ipv6__serves),
		E2E(ipv6__with_v6only__refuses_ipv4),
		E2E(every_address__takes_both_families),
		E2E(deny__on_both_families__holds_for_mapped_ipv4),
	};
	int failed = E2E_RUN(tests);

	if (have_ipv6())
		failed += E2E_RUN(with_ipv6);
	else
		printf("# left out, no IPv6 here: ipv6\n");
	return failed;
}
