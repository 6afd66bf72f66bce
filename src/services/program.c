/* SPDX-License-Identifier: MIT */
/* The copies of a program accept. */
#include "services/services.h"

const struct service service_program = { .name = "program" };
