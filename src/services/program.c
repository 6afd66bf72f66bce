/* SPDX-License-Identifier: MIT */
/* program: no worker serves its listeners. The copies of the program accept (master/program/). */
#include "services/services.h"

static bool check_program(const struct listen_conf *conf, struct err *err)
{
	if (!conf->reuse_port)
		return true;
	return err_set(
		err, CODE_CONFIG,
		"listen.reuse_port: all copies of a program accept from one socket (set no)");
}

const struct service service_program = {
	.name = "program",
	.check = check_program,
};
