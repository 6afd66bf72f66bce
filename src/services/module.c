/* SPDX-License-Identifier: MIT */
/* A shared object with code of its own answers. */
#include "services/services.h"

const struct service service_module = { .name = "module" };
