/* SPDX-License-Identifier: MIT */
/*
 * Examines the environment for a configuration that is in order by itself: would the server start
 * here? The start and -t run the same checks in the same order, so that -t gives the start's
 * verdict. Disturbs nothing that runs.
 */
#ifndef CTL_CONFIGTEST_H
#define CTL_CONFIGTEST_H

#include <stdbool.h>
#include <stdio.h>

#include "config/conf.h"
#include "config/identity.h"
#include "net/listener.h"

/* What the checks have looked up, so that the start need not ask again. */
struct configtest {
	struct identity identity;            /* of the workers */
	struct listener_addresses *resolved; /* by listen of conf; owned */
};

/*
 * False with err for the first thing that is wrong. configtest_free in any case. Asks the resolver.
 */
bool configtest_pass(struct configtest *found, const struct conf *conf, struct err *err);
void configtest_free(struct configtest *found);

/*
 * Writes a line for each thing that is wrong (the server would not start) or short (it would
 * start with less) to out and returns the exit code the start would give: CODE_OK when nothing
 * is wrong. Beside a running server of the same pid file it is the verdict once that has stopped.
 */
enum exit_code configtest_check(const struct conf *conf, FILE *out);

#endif
