/* SPDX-License-Identifier: MIT */
/*
 * discard: takes every byte and returns none (RFC 863), which is the default of a service without
 * hooks.
 */
#include "services/services.h"

const struct service service_discard = {
	.name = "discard",
	.state_version = 1,
};
