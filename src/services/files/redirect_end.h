/* SPDX-License-Identifier: MIT */
/* Option redirect: whether a client that follows arrives. At load; pure. */
#ifndef SERVICES_FILES_REDIRECT_END_H
#define SERVICES_FILES_REDIRECT_END_H

#include "config/conf_fields.h"

#include "base/err.h"

/*
 * Follows each redirect of the place, which is the listen or one of its locations, from its FROM
 * on. Returns false with err when one leads from redirect to redirect without end. The texts of
 * all places of the listen were checked.
 */
bool redirect_end_check(const struct listen_conf *listen, const struct listen_conf *place,
			struct err *err);

#endif
