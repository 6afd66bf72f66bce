/* SPDX-License-Identifier: MIT */
/* discard: takes every byte and returns none (RFC 863): just what a service without hooks does. */
#include "services/services.h"

const struct service service_discard = {
	.name = "discard",
};
