/* SPDX-License-Identifier: MIT */
/* Declares every service of tables/services.def; each one's file defines it. */
#ifndef SERVICES_SERVICES_H
#define SERVICES_SERVICES_H

#include "worker/service.h"

#define SERVICE(name, sentence) extern const struct service service_##name;
#include "tables/services.def"

#endif
