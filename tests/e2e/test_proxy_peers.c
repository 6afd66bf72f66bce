/* SPDX-License-Identifier: MIT */
/* HAProxy and nginx as the proxies in front; left out where they are not installed. */
#include "harness.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "accessbook.h"
#include "base/addr.h"
#include "client.h"
#include "process.h"

#define HAPROXY "/usr/sbin/haproxy"
#define NGINX   "/usr/sbin/nginx"
#define STREAM  "/usr/lib/nginx/modules/ngx_stream_module.so"

enum { FIRST_FD = 3, LISTENERS_MOST = 4, PAYLOAD = 60000 };

/* A proxy, with listening sockets that the test has opened, so that no port is guessed. */
struct proxy {
	pid_t pid;
	const char *folder;
	char addresses[LISTENERS_MOST][64];
	int fds[LISTENERS_MOST];
	unsigned count;
};

static void open_listeners(struct proxy *p, unsigned count)
{
	*p = (struct proxy){ .count = count, .folder = harness_folder() };
	for (unsigned i = 0; i < count; i++)
		p->fds[i] = client_listener(p->addresses[i], sizeof(p->addresses[i]));
}

static const char *write_conf(const struct proxy *p, const char *text)
{
	static char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/conf", p->folder);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return path;
}

/* The sockets are its descriptors from FIRST_FD on. */
static void start_proxy(struct proxy *p, const char *const *words, const char *env)
{
	char log[128];

	snprintf(log, sizeof(log), "%s/log", p->folder);
	p->pid = fork();
	if (p->pid == 0) {
		int high[LISTENERS_MOST], out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

		for (unsigned i = 0; i < p->count; i++)
			high[i] = fcntl(p->fds[i], F_DUPFD, 100);
		dup2(out, 1);
		dup2(out, 2);
		for (unsigned i = 0; i < p->count; i++)
			dup2(high[i], FIRST_FD + (int)i);
		close_range(FIRST_FD + p->count, ~0U, 0);
		if (env)
			putenv((char *)env);
		execv(words[0], (char *const *)words);
		_exit(127);
	}
	assert_true(p->pid > 0);
	for (unsigned i = 0; i < p->count; i++)
		close(p->fds[i]);
}

static void stop_proxy(const struct proxy *p)
{
	kill(p->pid, SIGTERM);
	process_reap(p->pid);
}

/* Sends and receives through the proxy; the server must log the client's own address. */
static void visit(struct server *s, const char *address)
{
	struct addr own = { .len = sizeof(own.un) };
	static char payload[PAYLOAD];
	char fields[ADDR_TEXT + 64], text[ADDR_TEXT];
	int fd = client_connect(address);

	assert_int_equal(getsockname(fd, &own.sa, &own.len), 0);
	snprintf(fields, sizeof(fields), "remote=%s ending=client_closed bytes_in=%d",
		 addr_write(&own, text), PAYLOAD);
	memset(payload, 'p', sizeof(payload));
	client_send(fd, payload, sizeof(payload));
	client_expect(fd, payload, sizeof(payload));
	close(fd);
	server_wait_event(s, "connection_ended", fields);
}

static const char haproxy_conf[] =
	"defaults\n mode tcp\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n"
	"listen one\n bind fd@3\n server s %s send-proxy\n"
	"listen two\n bind fd@4\n server s %s send-proxy-v2\n"
	"listen options\n bind fd@5\n server s %s send-proxy-v2 proxy-v2-options "
	"crc32c,ssl,cert-cn,ssl-cipher,authority\n"
	"listen ssl\n bind fd@6\n server s %s send-proxy-v2-ssl\n"
	"listen path\n bind unix@%s/path\n server s %s send-proxy-v2\n"
	"listen path_one\n bind unix@%s/path_one\n server s %s send-proxy\n";

static void start_haproxy(struct proxy *p, const struct server *s)
{
	const char *at = FIRST(s);
	char text[2048];

	open_listeners(p, 4);
	snprintf(text, sizeof(text), haproxy_conf, at, at, at, at, p->folder, at, p->folder, at);
	start_proxy(p,
		    (const char *const[]){ HAPROXY, "-db", "-q", "-f", write_conf(p, text), NULL },
		    NULL);
}

static void haproxy__names_its_clients(void **state)
{
	struct server *s;
	struct proxy p;
	char path[160];

	(void)state;
	if (access(HAPROXY, X_OK) != 0)
		skip();
	s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=echo,accept_proxy=yes" } });
	start_haproxy(&p, s);
	for (unsigned i = 0; i < p.count; i++)
		visit(s, p.addresses[i]);
	assert_int_equal(server_count(s, "proxy_header_accepted", NULL), 4);
	/* a client of a unix socket has no address that the header could name */
	for (unsigned i = 0; i < 2; i++) {
		int fd;

		snprintf(path, sizeof(path), "unix:%s/%s", p.folder, i == 0 ? "path" : "path_one");
		fd = client_connect(path);
		client_say(fd, "on");
		client_hear(fd, "on");
		close(fd);
		server_wait_count(s, i + 1, "connection_ended", "bytes_in=2");
	}
	assert_int_equal(server_count(s, "proxy_header_refused", NULL), 0);
	stop_proxy(&p);
	server_stop(s);
}

static const char checks_conf[] =
	"defaults\n mode tcp\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n"
	"listen one\n bind fd@3\n server s %s send-proxy check inter 50ms\n"
	"listen two\n bind fd@4\n server s %s send-proxy-v2 check inter 50ms\n"
	"listen http\n bind fd@5\n option httpchk GET /healthz\n server s %s send-proxy-v2 check "
	"inter 50ms\n";

/* Version 2 sends LOCAL; the server stays up, and serves the clients of both. */
static void haproxy__has_its_health_checks_answered(void **state)
{
	struct server *s;
	struct proxy p;
	char text[1024];

	(void)state;
	if (access(HAPROXY, X_OK) != 0)
		skip();
	s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=echo,accept_proxy=yes",
						     "127.0.0.1:0=status,accept_proxy=yes" } });
	open_listeners(&p, 3);
	snprintf(text, sizeof(text), checks_conf, FIRST(s), FIRST(s), s->addresses[1]);
	start_proxy(&p,
		    (const char *const[]){ HAPROXY, "-db", "-q", "-f", write_conf(&p, text), NULL },
		    NULL);
	server_wait_count(s, 5, "connection_ended", "service=echo");
	server_wait_count(s, 5, "connection_ended", "service=status messages=1");
	server_wait_count(s, 3, "proxy_header_accepted", "destination=unknown");
	visit(s, p.addresses[0]);
	visit(s, p.addresses[1]);
	assert_int_equal(server_count(s, "proxy_header_refused", NULL), 0);
	stop_proxy(&p);
	server_stop(s);
}

static const char nginx_conf[] =
	"load_module " STREAM ";\ndaemon off;\nworker_processes 1;\npid %s/pid;\n"
	"error_log stderr;\nevents { }\n"
	"stream { server { listen %s; proxy_pass %s; proxy_protocol on; } }\n";

static void nginx__names_its_clients(void **state)
{
	struct server *s;
	struct proxy p;
	char text[1024];

	(void)state;
	if (access(NGINX, X_OK) != 0 || access(STREAM, R_OK) != 0)
		skip();
	s = server_start(&(struct plan){ .listen = { "127.0.0.1:0=echo,accept_proxy=yes" } });
	open_listeners(&p, 1);
	snprintf(text, sizeof(text), nginx_conf, p.folder, p.addresses[0], FIRST(s));
	/* as from an older nginx, at an upgrade of its binary */
	start_proxy(&p,
		    (const char *const[]){ NGINX, "-e", "stderr", "-p", p.folder, "-c",
					   write_conf(&p, text), NULL },
		    "NGINX=3;");
	for (unsigned i = 0; i < 3; i++)
		visit(s, p.addresses[0]);
	assert_int_equal(server_count(s, "proxy_header_refused", NULL), 0);
	stop_proxy(&p);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(haproxy__names_its_clients),
		E2E(haproxy__has_its_health_checks_answered),
		E2E(nginx__names_its_clients),
	};

	return E2E_RUN(tests);
}
