/* SPDX-License-Identifier: MIT */
/*
 * Services of the workers that pass connections on, which no server has:
 *
 *   still  echo, whose connections cannot move
 *   picky  echo; the test says whether its state is sound
 *   pair   attaches the peer that the test gives, may send a file first, and relays
 */
#ifndef UNIT_SIBLING_SERVICES_H
#define UNIT_SIBLING_SERVICES_H

#include <stdbool.h>

#include "worker/conn_record.h"

enum { SIBLING_FILE_SIZE = 4 << 20 };

struct sibling_services {
	bool (*is_sound)(const struct conn *c); /* NULL: it is */
	int peer;                               /* the server's end of the next peer; -1: none */
	bool sends_file;
};
extern struct sibling_services sibling_services;

/* From now on service_find finds them. */
void sibling_services_add(void);

/* The byte at that offset of the file. */
unsigned char sibling_services_byte(size_t at);

#endif
