/* SPDX-License-Identifier: MIT */
/*
 * The socket of NOTIFY_SOCKET (sd_notify(3)): one for each copy of a program. Its abstract name
 * (unix(7)) is reachable by a program of any user and in any root. Master only.
 */
#ifndef MASTER_PROGRAM_NOTIFY_SOCKET_H
#define MASTER_PROGRAM_NOTIFY_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

enum { NOTIFY_NAME = 32, NOTIFY_STATUS = 64 };

/* What the messages of one reading say. */
struct notify_news {
	bool is_ready;              /* READY=1 */
	bool beats;                 /* WATCHDOG=1 */
	bool is_hung;               /* WATCHDOG=trigger */
	char status[NOTIFY_STATUS]; /* STATUS=, cut; "": none came */
	pid_t stranger;             /* another process, whose message does not count; 0: none */
};

/*
 * Opens a socket, non-blocking and close-on-exec, and writes its name, as NOTIFY_SOCKET has it
 * ("@..."), to name (NOTIFY_NAME bytes). Returns -1 with errno set. Any process can send
 * descriptors to it, as sd_notify_barrier(3) does: they are closed, never received.
 */
int notify_socket_open(char *name);
void notify_socket_close(int fd);

/*
 * Reads the waiting messages of the process, a bounded number. Those of others, which may know the
 * name too, do not count: as for systemd's NotifyAccess=main. Never waits.
 */
void notify_socket_read(int fd, pid_t pid, struct notify_news *news);

#endif
