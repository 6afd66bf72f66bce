/* SPDX-License-Identifier: MIT */
/*
 * The links between workers and helpers. The master keeps both ends of each: a worker that was
 * taken over can shut its own (shutdown(2)), for all who hold it, so the next keeper or worker in
 * its place gets a new one, and the living helper the other end of that. Master only.
 */
#ifndef MASTER_HELPER_HELPER_LINKS_H
#define MASTER_HELPER_HELPER_LINKS_H

#include "master/helper/helper.h"

/* True when a link of the worker of that number is shut. */
bool helper_links_are_shut(const struct helper_set *set, unsigned number);

/*
 * Makes such links of that number anew: no worker or keeper of that number lives. Where the system
 * refuses, they stay as they are.
 */
void helper_links_renew(struct helper_set *set, unsigned number);

/* Gives the living helpers the ends that they lack; what has no room yet waits for another call. */
void helper_links_give(struct helper_set *set);

#endif
