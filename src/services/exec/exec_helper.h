/* SPDX-License-Identifier: MIT */
/* The helper of an exec listener, as the service's hooks (worker/service.h). */
#ifndef SERVICES_EXEC_EXEC_HELPER_H
#define SERVICES_EXEC_EXEC_HELPER_H

#include "worker/helper.h"

/* The whole life of the helper; returns its exit code. Helper only. */
int exec_helper_run(const struct helper_heritage *heritage);

/* The most descriptors that it opens by itself. */
unsigned exec_helper_files(const struct listen_conf *listen);

#endif
