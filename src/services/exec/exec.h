/* SPDX-License-Identifier: MIT */
/* What the files of service exec share. */
#ifndef SERVICES_EXEC_EXEC_H
#define SERVICES_EXEC_EXEC_H

#include "config/command.h"
#include "config/conf.h"
#include "worker/helper.h"

/* The listener's options as those of a program to run; borrowed. */
struct command_options exec_options(const struct conf *conf, const struct listen_conf *listen);

/* The whole life of the helper; returns its exit code. Helper only. */
int exec_helper_run(const struct helper_heritage *heritage);

/* The most descriptors that it opens by itself. */
unsigned exec_helper_files(const struct listen_conf *listen);

#endif
