/* SPDX-License-Identifier: MIT */
/* An echo server for one client at a time: cc -o echo echo.c; prefork-srv -w 4 -l 7000 -- ./echo */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	char bytes[65536];
	ssize_t got;

	for (;;) {
		int client = accept(3, NULL, NULL); /* sd_listen_fds(3): the first descriptor is 3 */

		if (client < 0) {
			perror("accept");
			return 1;
		}
		while ((got = recv(client, bytes, sizeof(bytes), 0)) > 0)
			for (ssize_t sent = 0, n; sent < got; sent += n)
				if ((n = send(client, bytes + sent, (size_t)(got - sent), MSG_NOSIGNAL)) < 0)
					break;
		close(client);
	}
}
