/* SPDX-License-Identifier: MIT */
/* What the service http keeps with each connection. For services/files, in a worker. */
#ifndef SERVICES_FILES_FILES_H
#define SERVICES_FILES_FILES_H

#include "services/http/http_session.h"

struct files {
	struct http_session session;
};

#endif
