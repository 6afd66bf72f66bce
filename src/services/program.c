/* SPDX-License-Identifier: MIT */
/* program: no worker serves its listeners. The copies of the program accept (master/program/). */
#include "services/services.h"

/* An access list that nobody reads would be a trap. */
static bool check_program(const struct listen_conf *conf, struct err *err)
{
	const struct {
		const char *option;
		bool is_set;
	} rows[] = { { "allow", conf->allow.count > 0 },
		     { "deny", conf->deny.count > 0 },
		     { "reserve", conf->reserve > 0 },
		     { "accept_proxy", conf->accept_proxy } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].is_set)
			return err_set(err, CODE_CONFIG,
				       "listen.%s: has no effect, because the copies of a program "
				       "accept by themselves (leave it out)",
				       rows[i].option);
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
