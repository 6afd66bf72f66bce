/* SPDX-License-Identifier: MIT */
/*
 * Sends notifications to the service manager and holds the sockets that it passed. The caller
 * decides when to notify.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "base/units.h"
#include "net/listen_socket.h"
#include "net/systemd.h"

enum { FIRST_PASSED = 3, PASSED_MOST = 1024 }; /* SD_LISTEN_FDS_START; our own limit */

/* Written by systemd_start; taken[] also by the functions that give sockets away or close them. */
static struct {
	struct addr manager; /* len 0: none */
	char manager_name[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int64_t watchdog_ms;
	int passed;
	bool taken[PASSED_MOST];
} state;

/* Removes the variable from the environment. Returns false when it is not a number. */
static bool take_number(const char *name, int64_t *value)
{
	const char *text = getenv(name);
	bool good = text && units_read_count(text, value);

	unsetenv(name);
	return good;
}

/*
 * A path, or @name in the abstract namespace, which starts with a NUL instead of the @ and has no
 * NUL at its end.
 */
static void find_manager(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un *un = &state.manager.un;
	size_t length = name ? strlen(name) : 0;

	if (length >= 2 && length < sizeof(un->sun_path) && (name[0] == '/' || name[0] == '@')) {
		un->sun_family = AF_UNIX;
		memcpy(un->sun_path, name, length);
		memcpy(state.manager_name, name, length);
		if (name[0] == '@')
			un->sun_path[0] = '\0';
		state.manager.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	}
	unsetenv("NOTIFY_SOCKET");
}

static void find_watchdog(void)
{
	int64_t period_us = 0, pid = 0;
	bool for_all = getenv("WATCHDOG_PID") == NULL;
	bool ours = (take_number("WATCHDOG_PID", &pid) && pid == getpid()) || for_all;

	if (take_number("WATCHDOG_USEC", &period_us) && ours && period_us > 0) {
		state.watchdog_ms = period_us / 2000;
		if (state.watchdog_ms == 0)
			state.watchdog_ms = 1;
	}
}

static void find_passed(void)
{
	int64_t pid = 0, count = 0;
	bool ours = take_number("LISTEN_PID", &pid) && pid == getpid();

	if (take_number("LISTEN_FDS", &count) && ours)
		state.passed = count < PASSED_MOST ? (int)count : PASSED_MOST;
	unsetenv("LISTEN_FDNAMES");
	for (int i = 0; i < state.passed; i++) {
		/*
		 * a number without a descriptor must never be closed or taken later, when it may
		 * belong to another file
		 */
		if (sys_fcntl_int(FIRST_PASSED + i, F_SETFD, FD_CLOEXEC) < 0)
			state.taken[i] = true;
	}
}

void systemd_start(void)
{
	memset(&state, 0, sizeof(state));
	find_manager();
	find_watchdog();
	find_passed();
}

bool systemd_notify(const char *format, ...)
{
	char text[2048];
	va_list arguments;
	ssize_t sent;
	int fd, length, kept;

	if (state.manager.len == 0)
		return true;
	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length < 0 || length >= (int)sizeof(text)) {
		errno = EMSGSIZE;
		return false;
	}
	fd = sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	/* the master must not block on a manager that does not read */
	sent = sys_sendto(fd, text, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT, &state.manager.sa,
			  state.manager.len);
	kept = errno;
	sys_close(fd);
	errno = kept;
	return sent == length;
}

const char *systemd_manager(void)
{
	return state.manager_name;
}

int64_t systemd_watchdog_ms(void)
{
	return state.watchdog_ms;
}

static bool has_option(int fd, int option, int wanted)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return sys_getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == wanted;
}

/* Returns the address of a passed listening socket that is not taken yet; false for any other. */
static bool find_bound(int number, struct addr *bound)
{
	int fd = FIRST_PASSED + number;

	*bound = (struct addr){ .len = sizeof(struct sockaddr_un) };
	return !state.taken[number] && has_option(fd, SO_TYPE, SOCK_STREAM) &&
	       has_option(fd, SO_ACCEPTCONN, 1) &&
	       sys_getsockname(fd, &bound->sa, &bound->len) == 0;
}

static bool listens_on(int number, const struct addr *wanted)
{
	struct addr bound;

	return find_bound(number, &bound) && listen_socket_same_address(&bound, wanted);
}

int systemd_take_listener(const struct addr *addr)
{
	for (int i = 0; i < state.passed; i++) {
		int fd = FIRST_PASSED + i;

		if (listens_on(i, addr) && listen_socket_unblock(fd)) {
			state.taken[i] = true;
			return fd;
		}
	}
	return -1;
}

bool systemd_has_listener(const struct addr *addr)
{
	for (int i = 0; i < state.passed; i++)
		if (listens_on(i, addr))
			return true;
	return false;
}

bool systemd_next_listener(unsigned *number, struct addr *addr)
{
	while (*number < (unsigned)state.passed)
		if (find_bound((int)(*number)++, addr))
			return true;
	return false;
}

unsigned systemd_count_listeners(void)
{
	unsigned count = 0;

	for (int i = 0; i < state.passed; i++)
		count += !state.taken[i];
	return count;
}

unsigned systemd_drop_listeners(void)
{
	unsigned count = 0;

	for (int i = 0; i < state.passed; i++) {
		if (state.taken[i])
			continue;
		state.taken[i] = true;
		sys_close(FIRST_PASSED + i);
		count++;
	}
	return count;
}
