/* SPDX-License-Identifier: MIT */
/* The peers that may send PROXY headers to a listener. Pure. */
#ifndef CONFIG_CONF_TRUSTED_H
#define CONFIG_CONF_TRUSTED_H

#include "config/conf.h"

/*
 * Returns false with err when the list `trusted` of a listener with accept_proxy holds no address
 * that a peer of that listener can have, so that everybody would be refused.
 */
bool conf_trusted_check(const struct conf *conf, struct err *err);

#endif
