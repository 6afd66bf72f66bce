/* SPDX-License-Identifier: MIT */
/* The list of services, from tables/services.def. A new service is one file and one row. */
#include <string.h>

#include "services/services.h"

static const struct service *const services[] = {
#define SERVICE(name, sentence) &service_##name,
#include "tables/services.def"
};

const struct service *service_find(const char *name)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strcmp(services[i]->name, name) == 0)
			return services[i];
	return NULL;
}
