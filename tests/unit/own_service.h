/* SPDX-License-Identifier: MIT */
/*
 * A service of the test itself, found by its name like those of the program. The test program is
 * linked with --wrap=service_find (ld(1)).
 */
#ifndef UNIT_OWN_SERVICE_H
#define UNIT_OWN_SERVICE_H

#include "worker/service.h"

/* From now on service_find finds it as well; NULL: no more. */
void own_service(const struct service *service);

#endif
