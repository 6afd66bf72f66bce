/* SPDX-License-Identifier: MIT */
/* What signals ask of a running server beside stopping and reloading. Master only. */
#ifndef MASTER_ORDERS_H
#define MASTER_ORDERS_H

#include "master/server.h"

/* Carries out what has been heard since the last call: reopen, retire, more and less workers, reload. */
void orders_obey(struct server *server);

#endif
