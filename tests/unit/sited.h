/* SPDX-License-Identifier: MIT */
/* A worker without a worker (unit/served.h) that serves a folder with service http. */
#ifndef UNIT_SITED_H
#define UNIT_SITED_H

#include "unit/served.h"

/*
 * With the first listener of the configuration, a text; once in a process, for the service keeps
 * what it has of its folders.
 */
void sited_start(struct served *s, const char *text);

#endif
