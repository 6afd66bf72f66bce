/* SPDX-License-Identifier: MIT */
/*
 * Services of the test itself, found by their names like those of the program. Test programs are
 * linked with --wrap=service_find (ld(1)).
 */
#ifndef UNIT_OWN_SERVICE_H
#define UNIT_OWN_SERVICE_H

#include "worker/service.h"

enum { OWN_SERVICES = 8 };

/* From now on service_find finds a copy of it, in place of any other of its name. */
void own_service(const struct service *service);

#endif
