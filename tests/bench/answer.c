/* SPDX-License-Identifier: MIT */
/* The program that programs.py has started for each connection: reads once, answers, exits. */
#include <unistd.h>

int main(void)
{
	char request[64];

	return read(STDIN_FILENO, request, sizeof(request)) > 0 &&
			       write(STDOUT_FILENO, "ok", 2) == 2 ?
		       0 :
		       1;
}
