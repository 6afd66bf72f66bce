/* SPDX-License-Identifier: MIT */
/* The calls of the lessons. Must not judge a result: the lesson does. */
#include "demo/call.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"

/* The result of poll(2) does not matter: the call that follows meets the same state or error. */
static void wait_readable(const struct call *call)
{
	struct pollfd waiting = { .fd = call->fd, .events = POLLIN };

	if (call->wait_ms > 0)
		sys_poll(&waiting, 1, call->wait_ms);
}

static void run_close(struct call *call)
{
	call->result = sys_close(call->fd);
}

static void run_shutdown(struct call *call)
{
	call->result = sys_shutdown(call->fd, call->option);
}

static void run_set_abort(struct call *call)
{
	struct linger abort = { .l_onoff = 1, .l_linger = 0 };

	call->result = sys_setsockopt(call->fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
}

static void run_send(struct call *call)
{
	call->result = sys_send(call->fd, call->bytes, call->size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void run_recv(struct call *call)
{
	size_t most = call->size < CALL_BYTES ? call->size : CALL_BYTES;

	wait_readable(call);
	call->result = sys_recv(call->fd, call->bytes, most, MSG_DONTWAIT);
	call->size = call->result > 0 ? (size_t)call->result : 0;
}

/*
 * O_NONBLOCK is a flag of the listening socket and so shared by all processes that hold it: this
 * process leaves it alone and waits by poll(2).
 */
static void run_accept(struct call *call)
{
	call->addr.len = sizeof(call->addr.un);
	wait_readable(call);
	call->result = sys_accept4(call->fd, &call->addr.sa, &call->addr.len, SOCK_CLOEXEC);
}

static void run_connect(struct call *call)
{
	int fd = sys_socket(call->addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error;

	call->result = fd;
	if (fd < 0 || sys_connect(fd, &call->addr.sa, call->addr.len) == 0)
		return;
	error = errno;
	sys_close(fd);
	errno = error;
	call->result = -1;
}

static void run_try_connect(struct call *call)
{
	int fd = sys_socket(call->addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | call->option, 0);

	call->option = 0;
	call->result = fd;
	if (fd < 0)
		return;
	if (sys_connect(fd, &call->addr.sa, call->addr.len) < 0)
		call->option = errno;
	if (sys_getsockname(fd, &call->addr.sa, &call->addr.len) < 0)
		call->result = -1;
}

static void run_bind(struct call *call)
{
	int fd = sys_socket(call->addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	call->result = fd;
	if (fd >= 0 &&
	    sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &call->option, sizeof(int)) == 0 &&
	    sys_bind(fd, &call->addr.sa, call->addr.len) == 0 &&
	    sys_getsockname(fd, &call->addr.sa, &call->addr.len) == 0)
		return;
	error = errno;
	if (fd >= 0)
		sys_close(fd);
	errno = error;
	call->result = -1;
}

/* Uses linux/tcp.h, whose struct has more fields than glibc's. Returns false with result -1. */
static bool read_tcp_info(struct call *call, struct tcp_info *info, socklen_t *size)
{
	*size = sizeof(*info);
	call->result = sys_getsockopt(call->fd, IPPROTO_TCP, TCP_INFO, info, size);
	return call->result == 0;
}

static void run_state(struct call *call)
{
	struct tcp_info info = { 0 };
	socklen_t size;

	if (read_tcp_info(call, &info, &size))
		call->result = info.tcpi_state;
}

static void run_queue_length(struct call *call)
{
	struct tcp_info info = { 0 };
	socklen_t size;

	if (read_tcp_info(call, &info, &size))
		call->result = info.tcpi_unacked;
}

static void run_retransmissions(struct call *call)
{
	struct tcp_info info = { 0 };
	socklen_t size;

	if (read_tcp_info(call, &info, &size))
		call->result = info.tcpi_total_retrans;
}

static void run_segments(struct call *call)
{
	struct tcp_info info = { 0 };
	socklen_t size;

	if (!read_tcp_info(call, &info, &size))
		return;
	call->result = (int64_t)info.tcpi_data_segs_out - info.tcpi_total_retrans;
	if (size < offsetof(struct tcp_info, tcpi_delivery_rate)) {
		call->result = -1;
		errno = EOPNOTSUPP;
	}
}

/* option is the request, size the value to wait for. */
static void run_ioctl(struct call *call)
{
	int64_t until_ms = clock_ms() + call->wait_ms;
	int value = 0;

	do
		call->result = sys_ioctl(call->fd, (unsigned long)call->option, &value);
	while (call->result == 0 && value < (int)call->size && clock_ms() < until_ms &&
	       sys_poll(NULL, 0, 1) >= 0);
	if (call->result == 0)
		call->result = value;
}

static void run_await_ack(struct call *call)
{
	int64_t until_ms = clock_ms() + call->wait_ms;
	int waiting = 0;

	do
		call->result = sys_ioctl(call->fd, SIOCOUTQ, &waiting);
	while (call->result == 0 && waiting > 0 && clock_ms() < until_ms &&
	       sys_poll(NULL, 0, 1) >= 0);
	if (call->result == 0)
		call->result = waiting;
}

struct call call_close(int fd)
{
	return (struct call){ .run = run_close, .name = "close()", .fd = fd };
}

struct call call_shutdown(int fd, int how)
{
	static const char *const calls[] = {
		[SHUT_RD] = "shutdown(RD)",
		[SHUT_WR] = "shutdown(WR)",
		[SHUT_RDWR] = "shutdown(RDWR)",
	};

	return (struct call){ .run = run_shutdown, .name = calls[how], .fd = fd, .option = how };
}

struct call call_set_abort(int fd)
{
	return (struct call){ .run = run_set_abort, .name = "setsockopt()", .fd = fd };
}

struct call call_send(int fd, const char *text)
{
	struct call call = { .run = run_send, .name = "send()", .fd = fd };

	call.size = strnlen(text, sizeof(call.bytes));
	memcpy(call.bytes, text, call.size);
	return call;
}

struct call call_recv(int fd, size_t most, int wait_ms)
{
	return (struct call){
		.run = run_recv, .name = "recv()", .fd = fd, .size = most, .wait_ms = wait_ms
	};
}

struct call call_accept(int fd, int wait_ms)
{
	return (struct call){ .run = run_accept, .name = "accept()", .fd = fd, .wait_ms = wait_ms };
}

struct call call_connect(const struct addr *to)
{
	return (struct call){ .run = run_connect, .name = "connect()", .fd = -1, .addr = *to };
}

struct call call_try_connect(const struct addr *to, int flags)
{
	return (struct call){
		.run = run_try_connect, .name = "connect()", .fd = -1, .option = flags, .addr = *to
	};
}

struct call call_bind(const struct addr *at, bool reuse)
{
	return (struct call){
		.run = run_bind, .name = "bind()", .fd = -1, .option = reuse, .addr = *at
	};
}

struct call call_state(int fd)
{
	return (struct call){ .run = run_state, .name = "TCP_INFO", .fd = fd };
}

struct call call_queue_length(int listener)
{
	return (struct call){ .run = run_queue_length, .name = "TCP_INFO", .fd = listener };
}

struct call call_retransmissions(int fd)
{
	return (struct call){ .run = run_retransmissions, .name = "TCP_INFO", .fd = fd };
}

struct call call_segments(int fd)
{
	return (struct call){ .run = run_segments, .name = "TCP_INFO", .fd = fd };
}

static struct call make_ioctl(const char *name, int fd, int request)
{
	return (struct call){ .run = run_ioctl, .name = name, .fd = fd, .option = request };
}

struct call call_unread(int fd, int least, int wait_ms)
{
	struct call call = make_ioctl("SIOCINQ", fd, SIOCINQ);

	call.size = (size_t)least;
	call.wait_ms = wait_ms;
	return call;
}

struct call call_unacknowledged(int fd)
{
	return make_ioctl("SIOCOUTQ", fd, SIOCOUTQ);
}

struct call call_unsent(int fd)
{
	return make_ioctl("SIOCOUTQNSD", fd, SIOCOUTQNSD);
}

struct call call_await_ack(int fd, int wait_ms)
{
	return (struct call){
		.run = run_await_ack, .name = "SIOCOUTQ", .fd = fd, .wait_ms = wait_ms
	};
}

struct addr call_loopback(unsigned port)
{
	return (struct addr){ .len = sizeof(struct sockaddr_in),
			      .in = { .sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
}

void call_run(struct call *call)
{
	errno = 0;
	call->run(call);
	call->error = call->result < 0 ? errno : 0;
}

bool call_opened_socket(const struct call *call)
{
	return (call->run == run_connect || call->run == run_accept) && call->result >= 0;
}

bool call_closed_socket(const struct call *call)
{
	return call->run == run_close && call->result == 0;
}

bool call_received(const struct call *call, const char *word)
{
	size_t n = strlen(word);

	return call->result == (int64_t)n && memcmp(call->bytes, word, n) == 0;
}

const char *call_text(const struct call *call, char *text)
{
	enum { SHOWN = 16 };
	int n = (int)call->size;

	if (call->result < 0)
		snprintf(text, CALL_TEXT, "%s = %s", call->name, err_name(call->error));
	else if (call->run == run_recv && n > 0)
		snprintf(text, CALL_TEXT, "%s = %d \"%.*s%s\"", call->name, n,
			 n < SHOWN ? n : SHOWN, call->bytes, n > SHOWN ? "..." : "");
	else if (call->run == run_connect)
		snprintf(text, CALL_TEXT, "%s = 0", call->name);
	else
		snprintf(text, CALL_TEXT, "%s = %d", call->name, (int)call->result);
	return text;
}
