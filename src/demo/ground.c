/* SPDX-License-Identifier: MIT */
/* Loopback, and sockets on it. */
#include "demo/ground.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/sys.h"
#include "demo/call.h"

enum { ACCEPT_MS = 5000 };

struct addr ground_address(unsigned port)
{
	return (struct addr){ .len = sizeof(struct sockaddr_in),
			      .in = { .sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
}

static int open_socket(struct stage *stage)
{
	int fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		stage_give_up(stage, "socket()");
	return fd;
}

/*
 * Where loopback is up, a port at which nobody listens refuses; where it is down, nothing gets
 * there.
 */
static bool is_firm(struct stage *stage)
{
	struct addr closed = ground_address(0);
	int bound = open_socket(stage), fd = open_socket(stage);
	bool is_refused;

	if (sys_bind(bound, &closed.sa, closed.len) < 0 ||
	    sys_getsockname(bound, &closed.sa, &closed.len) < 0) {
		if (errno != EADDRNOTAVAIL)
			stage_give_up(stage, "bind() to 127.0.0.1");
		is_refused = false;
	} else {
		is_refused = sys_connect(fd, &closed.sa, closed.len) < 0 && errno == ECONNREFUSED;
	}
	sys_close(fd);
	sys_close(bound);
	return is_refused;
}

static void bring_up_loopback(struct stage *stage)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = open_socket(stage);

	if (sys_ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		stage_give_up(stage, "bringing up loopback");
	sys_close(fd);
}

void ground_find(struct stage *stage)
{
	if (is_firm(stage))
		return;
	if (sys_unshare(CLONE_NEWNET) < 0)
		stage_give_up(stage, "loopback is down, and unshare()");
	bring_up_loopback(stage);
	if (!is_firm(stage)) {
		errno = ENETUNREACH;
		stage_give_up(stage, "connect() to 127.0.0.1");
	}
}

int ground_listen(struct stage *stage, int backlog, struct addr *bound)
{
	int fd = open_socket(stage);

	*bound = ground_address(0);
	if (sys_bind(fd, &bound->sa, bound->len) < 0)
		stage_give_up(stage, "bind()");
	if (sys_fcntl_int(fd, F_SETFL, O_NONBLOCK) < 0)
		stage_give_up(stage, "fcntl()");
	if (sys_listen(fd, backlog) < 0)
		stage_give_up(stage, "listen()");
	if (sys_getsockname(fd, &bound->sa, &bound->len) < 0)
		stage_give_up(stage, "getsockname()");
	return fd;
}

int ground_connect(struct stage *stage, const struct addr *to)
{
	int fd = open_socket(stage);

	if (sys_connect(fd, &to->sa, to->len) < 0)
		stage_give_up(stage, "connect()");
	return fd;
}

int ground_accept(struct stage *stage, int listener)
{
	struct order accepted = order_accept(listener, ACCEPT_MS);

	order_do(&accepted);
	errno = accepted.error;
	if (accepted.result < 0)
		stage_give_up(stage, "accept()");
	return (int)accepted.result;
}
