/* SPDX-License-Identifier: MIT */
/* Stands before the program's list of services. */
#include "unit/own_service.h"

#include <string.h>

static const struct service *own; /* set by the test */

const struct service *__wrap_service_find(const char *name);
const struct service *__real_service_find(const char *name);

void own_service(const struct service *service)
{
	own = service;
}

const struct service *__wrap_service_find(const char *name)
{
	return own && strcmp(own->name, name) == 0 ? own : __real_service_find(name);
}
