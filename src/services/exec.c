/* SPDX-License-Identifier: MIT */
/* A program for each connection. */
#include "services/services.h"

const struct service service_exec = { .name = "exec" };
