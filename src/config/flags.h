/* SPDX-License-Identifier: MIT */
/* The flags of the server's command line (tables/flags.def). Any process. */
#ifndef CONFIG_FLAGS_H
#define CONFIG_FLAGS_H

#include "base/flags.h"

enum { FLAG_READY_FD = 1, FLAG_JSON, FLAG_WATCH };

extern const struct flags flags_of_server;

#endif
