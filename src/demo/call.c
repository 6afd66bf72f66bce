/* SPDX-License-Identifier: MIT */
/*
 * The system calls of the lessons. Decides nothing: what a call returned is what the lesson looks
 * at.
 */
#include "demo/call.h"

#include <stdio.h>
#include <string.h>

#include "base/sockdiag.h"
#include "base/sys.h"

/* What it found is seen again, and better, by the call that follows. */
static void wait_for(const struct call *call)
{
	struct pollfd waiting = { .fd = call->fd, .events = POLLIN };

	if (call->wait_ms > 0)
		sys_poll(&waiting, 1, call->wait_ms);
}

static void do_close(struct call *call)
{
	call->result = sys_close(call->fd);
}

static void do_shutdown(struct call *call)
{
	call->result = sys_shutdown(call->fd, call->option);
}

static void do_send(struct call *call)
{
	call->result = sys_send(call->fd, call->bytes, call->size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void do_recv(struct call *call)
{
	size_t most = call->size < CALL_BYTES ? call->size : CALL_BYTES;

	wait_for(call);
	call->result = sys_recv(call->fd, call->bytes, most, MSG_DONTWAIT);
	call->size = call->result > 0 ? (size_t)call->result : 0;
}

/*
 * Whether the listening socket waits is a flag of the socket, shared by all who hold it: poll
 * first.
 */
static void do_accept(struct call *call)
{
	call->addr.len = sizeof(call->addr.un);
	wait_for(call);
	call->result = sys_accept4(call->fd, &call->addr.sa, &call->addr.len, SOCK_CLOEXEC);
}

static void do_state(struct call *call)
{
	call->result = sockdiag_tcp_state(call->fd);
}

static void do_connect(struct call *call)
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

struct call call_close(int fd)
{
	return (struct call){ .run = do_close, .name = "close()", .fd = fd };
}

struct call call_shutdown(int fd, int how)
{
	static const char *const calls[] = {
		[SHUT_RD] = "shutdown(RD)",
		[SHUT_WR] = "shutdown(WR)",
		[SHUT_RDWR] = "shutdown(RDWR)",
	};

	return (struct call){ .run = do_shutdown, .name = calls[how], .fd = fd, .option = how };
}

struct call call_send(int fd, const char *text)
{
	struct call call = { .run = do_send, .name = "send()", .fd = fd };

	call.size = strnlen(text, sizeof(call.bytes));
	memcpy(call.bytes, text, call.size);
	return call;
}

struct call call_recv(int fd, size_t most, int wait_ms)
{
	return (struct call){
		.run = do_recv, .name = "recv()", .fd = fd, .size = most, .wait_ms = wait_ms
	};
}

struct call call_accept(int fd, int wait_ms)
{
	return (struct call){ .run = do_accept, .name = "accept()", .fd = fd, .wait_ms = wait_ms };
}

struct call call_state(int fd)
{
	return (struct call){ .run = do_state, .name = "TCP_INFO", .fd = fd };
}

struct call call_connect(const struct addr *to)
{
	return (struct call){ .run = do_connect, .name = "connect()", .fd = -1, .addr = *to };
}

void call_run(struct call *call)
{
	errno = 0;
	call->run(call);
	call->error = call->result < 0 ? errno : 0;
}

bool call_opened_socket(const struct call *call)
{
	return (call->run == do_connect || call->run == do_accept) && call->result >= 0;
}

bool call_closed_socket(const struct call *call)
{
	return call->run == do_close && call->result == 0;
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
	else if (call->run == do_recv && n > 0)
		snprintf(text, CALL_TEXT, "%s = %d \"%.*s%s\"", call->name, n,
			 n < SHOWN ? n : SHOWN, call->bytes, n > SHOWN ? "..." : "");
	else if (call->run == do_connect)
		snprintf(text, CALL_TEXT, "%s = 0", call->name);
	else
		snprintf(text, CALL_TEXT, "%s = %d", call->name, (int)call->result);
	return text;
}
