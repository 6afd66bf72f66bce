/* SPDX-License-Identifier: MIT */
/* Stands before the program's list of services. */
#include "unit/own_service.h"

#include <stdlib.h>
#include <string.h>

static struct service own[OWN_SERVICES]; /* copies; set by the test */

const struct service *__wrap_service_find(const char *name);
const struct service *__real_service_find(const char *name);

void own_service(const struct service *service)
{
	unsigned i = 0;

	while (own[i].name && strcmp(own[i].name, service->name) != 0)
		if (++i == OWN_SERVICES)
			abort();
	own[i] = *service;
}

const struct service *__wrap_service_find(const char *name)
{
	for (unsigned i = 0; i < OWN_SERVICES && own[i].name; i++)
		if (strcmp(own[i].name, name) == 0)
			return &own[i];
	return __real_service_find(name);
}
