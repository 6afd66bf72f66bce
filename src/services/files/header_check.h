/* SPDX-License-Identifier: MIT */
/* The options of service http that become header lines, checked at load. Pure. */
#ifndef SERVICES_FILES_HEADER_CHECK_H
#define SERVICES_FILES_HEADER_CHECK_H

#include "config/conf_fields.h"

#include "base/err.h"

/* False with err when headers, default_type or cache_control is wrong. */
bool header_check(const struct listen_conf *conf, struct err *err);

#endif
