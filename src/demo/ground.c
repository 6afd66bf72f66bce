/* SPDX-License-Identifier: MIT */
/* Loopback, and sockets on it. */
#include "demo/ground.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/sys.h"
#include "demo/call.h"

enum { ACCEPT_MS = 5000 };

struct addr call_loopback(unsigned port)
{
	return (struct addr){ .len = sizeof(struct sockaddr_in),
			      .in = { .sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
}

static int open_socket(struct output *out)
{
	int fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		output_skip_rest(out, "socket()");
	return fd;
}

/*
 * Where loopback is up, a port at which nobody listens refuses; where it is down, nothing gets
 * there.
 */
static bool is_firm(struct output *out)
{
	struct addr closed = call_loopback(0);
	int bound = open_socket(out), fd = open_socket(out);
	bool is_refused;

	if (sys_bind(bound, &closed.sa, closed.len) < 0 ||
	    sys_getsockname(bound, &closed.sa, &closed.len) < 0) {
		if (errno != EADDRNOTAVAIL)
			output_skip_rest(out, "bind() to 127.0.0.1");
		is_refused = false;
	} else {
		is_refused = sys_connect(fd, &closed.sa, closed.len) < 0 && errno == ECONNREFUSED;
	}
	sys_close(fd);
	sys_close(bound);
	return is_refused;
}

static void bring_up_loopback(struct output *out)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = open_socket(out);

	if (sys_ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		output_skip_rest(out, "bringing up loopback");
	sys_close(fd);
}

void find_loopback(struct output *out)
{
	if (is_firm(out))
		return;
	if (sys_unshare(CLONE_NEWNET) < 0)
		output_skip_rest(out, "loopback is down, and unshare()");
	bring_up_loopback(out);
	if (!is_firm(out)) {
		errno = ENETUNREACH;
		output_skip_rest(out, "connect() to 127.0.0.1");
	}
}

int process_listen(struct output *out, int backlog, struct addr *bound)
{
	int fd = open_socket(out);

	*bound = call_loopback(0);
	if (sys_bind(fd, &bound->sa, bound->len) < 0)
		output_skip_rest(out, "bind()");
	if (sys_fcntl_int(fd, F_SETFL, O_NONBLOCK) < 0)
		output_skip_rest(out, "fcntl()");
	if (sys_listen(fd, backlog) < 0)
		output_skip_rest(out, "listen()");
	if (sys_getsockname(fd, &bound->sa, &bound->len) < 0)
		output_skip_rest(out, "getsockname()");
	return fd;
}

int ground_connect(struct output *out, const struct addr *to)
{
	int fd = open_socket(out);

	if (sys_connect(fd, &to->sa, to->len) < 0)
		output_skip_rest(out, "connect()");
	return fd;
}

int ground_accept(struct output *out, int listener)
{
	struct call accepted = call_accept(listener, ACCEPT_MS);

	call_run(&accepted);
	errno = accepted.error;
	if (accepted.result < 0)
		output_skip_rest(out, "accept()");
	return (int)accepted.result;
}
