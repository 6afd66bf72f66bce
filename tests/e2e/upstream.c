/* SPDX-License-Identifier: MIT */
/* Plays servers of upstreams. It knows of the real server only what the status says. */
#include "upstream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "client.h"
#include "process.h"

static void bind_port(struct upstream *u)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	*u = (struct upstream){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
				.filling = { -1, -1 } };
	assert_int_equal(bind(u->fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(u->fd, (struct sockaddr *)&at, &len), 0);
	snprintf(u->address, sizeof(u->address), "127.0.0.1:%u", ntohs(at.sin_port));
}

void upstream_refuse(struct upstream *u)
{
	bind_port(u);
}

void upstream_listen(const struct upstream *u)
{
	assert_int_equal(listen(u->fd, SOMAXCONN), 0);
}

void upstream_open(struct upstream *u)
{
	bind_port(u);
	upstream_listen(u);
}

/* The workers may be of another user. */
void upstream_open_path(struct upstream *u)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *folder = harness_folder();

	*u = (struct upstream){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
				.filling = { -1, -1 } };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/s", folder);
	snprintf(u->address, sizeof(u->address), "unix:%s/s", folder);
	assert_int_equal(bind(u->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(chmod(at.sun_path, 0777), 0);
	upstream_listen(u);
}

/* A queue of 0 has one place (listen(2)); the kernel drops what comes then. */
void upstream_fill(struct upstream *u)
{
	bind_port(u);
	assert_int_equal(listen(u->fd, 0), 0);
	u->filling[0] = client_connect(u->address);
}

_Noreturn static void return_all(int listener)
{
	char bytes[4096];

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		ssize_t n;

		while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
			(void)!send(fd, bytes, (size_t)n, MSG_NOSIGNAL);
		close(fd);
	}
}

void upstream_spawn(struct upstream *u)
{
	upstream_open(u);
	u->pid = fork();
	assert_true(u->pid >= 0);
	if (u->pid == 0)
		return_all(u->fd);
}

void upstream_close(struct upstream *u)
{
	if (u->pid > 0) {
		kill(u->pid, SIGKILL);
		process_reap(u->pid);
	}
	for (unsigned i = 0; i < 2; i++)
		if (u->filling[i] >= 0)
			close(u->filling[i]);
	close(u->fd);
}

bool upstream_has(const struct upstream *u, int ms)
{
	struct pollfd p = { .fd = u->fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

int upstream_accept(const struct upstream *u)
{
	int fd;

	if (!upstream_has(u, WAIT_MS))
		fail_msg("no connection to %s in %d ms", u->address, WAIT_MS);
	fd = accept4(u->fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

void upstream_exchange(int client, int server)
{
	client_say(client, "question");
	client_hear(server, "question");
	client_say(server, "answer");
	client_hear(client, "answer");
}

void upstream_use(const struct server *s, const struct upstream *u)
{
	int client = client_connect(FIRST(s)), server = upstream_accept(u);

	upstream_exchange(client, server);
	close(client);
	client_expect_end(server);
	close(server);
}

const char *upstream_conf_of(const char *servers, const char *lines, const char *listen,
			     const char *main)
{
	static char conf[8192];

	snprintf(conf, sizeof(conf),
		 "%s\nupstream u {\n server = {%s}\n %s\n}\n"
		 "listen \"127.0.0.1:0\" { service = proxy  upstream = u\n %s\n}\n",
		 main, servers, lines, listen);
	return conf;
}

const char *upstream_conf(const struct upstream *u, const char *lines, const char *listen,
			  const char *main)
{
	char servers[128];

	snprintf(servers, sizeof(servers), "\"%s\"", u->address);
	return upstream_conf_of(servers, lines, listen, main);
}

/* What the status says of the server with that address; "": nothing. */
static const char *read_status(const struct server *s, const char *address)
{
	const char *const arguments[] = { "-p", s->pid_file, "-s", "status", "--json", NULL };
	static char all[1 << 20];
	char named[128], *at, *end;

	assert_int_equal(harness_run(all, sizeof(all), arguments), 0);
	snprintf(named, sizeof(named), "\"server\":\"%s\"", address);
	at = strstr(all, named);
	if (!at)
		return "";
	end = strstr(at, "\"upstream\":");
	if (end)
		*end = '\0';
	return at;
}

int64_t upstream_figure(const struct server *s, const char *address, const char *name)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(read_status(s, address), key);
	return at ? strtoll(at + strlen(key), NULL, 10) : -1;
}

bool upstream_is(const struct server *s, const char *address, const char *what)
{
	return strstr(read_status(s, address), what) != NULL;
}

void upstream_reload(struct server *s)
{
	char said[512];

	if (server_verb(s, "reload", said, sizeof(said)) != 0)
		server_fail(s, "-s reload: %s", said);
}

void upstream_crash(struct server *s, unsigned number)
{
	unsigned before = server_count(s, "connections_recovered", NULL);

	kill(server_worker(s, number), SIGKILL);
	server_wait_count(s, before + 1, "connections_recovered", NULL);
}

void upstream_crash_at_rest(struct server *s, unsigned number)
{
	pid_t worker = server_worker(s, number);

	WAIT_UNTIL(s, process_sleeps(worker));
	upstream_crash(s, number);
}

/* Bytes that no two places share. */
static uint64_t word_at(size_t index)
{
	return (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

enum { WORDS = 8192 };

/* Sends what is taken; the rest of a word goes with the next piece. */
static size_t send_some(int from, size_t at, size_t size)
{
	uint64_t words[WORDS];
	size_t first = at / sizeof(*words), skip = at % sizeof(*words), length;
	ssize_t sent;

	for (size_t i = 0; i < WORDS; i++)
		words[i] = word_at(first + i);
	length = sizeof(words) - skip < size - at ? sizeof(words) - skip : size - at;
	sent = send(from, (char *)words + skip, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN)
		fail_msg("cannot send: %s", strerror(errno));
	return sent > 0 ? (size_t)sent : 0;
}

static size_t receive_some(int to, size_t at)
{
	char bytes[WORDS * sizeof(uint64_t)];
	ssize_t got = recv(to, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got == 0 || (got < 0 && errno != EAGAIN))
		fail_msg("%s after %zu bytes", got < 0 ? strerror(errno) : "the end", at);
	for (ssize_t i = 0; i < got; i++) {
		uint64_t word = word_at((at + (size_t)i) / sizeof(word));

		if (bytes[i] != ((char *)&word)[(at + (size_t)i) % sizeof(word)])
			fail_msg("byte %zu is another one", at + (size_t)i);
	}
	return got > 0 ? (size_t)got : 0;
}

void upstream_pour(struct server *s, int from, int to, size_t size)
{
	int64_t until_ms = clock_ms() + WAIT_MS;
	size_t out = 0, in = 0;

	while (in < size) {
		struct pollfd ends[] = { { .fd = to, .events = POLLIN },
					 { .fd = from, .events = out < size ? POLLOUT : 0 } };
		size_t before = out + in;

		(void)poll(ends, out < size ? 2 : 1, 100);
		if (out < size)
			out += send_some(from, out, size);
		in += receive_some(to, in);
		if (out + in > before)
			until_ms = clock_ms() + WAIT_MS;
		else if (clock_ms() > until_ms)
			server_fail(s, "%zu bytes were sent, and %zu came", out, in);
	}
}
