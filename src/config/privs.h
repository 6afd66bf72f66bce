/* SPDX-License-Identifier: MIT */
/*
 * Drops a worker's privileges before it accepts: root, groups, the file system, new privileges,
 * other CPUs.
 */
#ifndef CONFIG_PRIVS_H
#define CONFIG_PRIVS_H

#include <stdbool.h>

#include "base/err.h"
#include "config/conf.h"
#include "config/identity.h"

/*
 * chroot(2), supplementary groups, group, user, then no_new_privs (prctl(2)): in the order in which
 * each is still permitted. Closes the log's folder, which would lead out of the new root; the
 * caller closes any other one. Returns false with err set, and the worker must not serve;
 * CODE_NO_RESPAWN when the next worker would be refused as well. Makes no lookup of names. Worker
 * only.
 */
bool privs_drop(const struct conf *conf, const struct identity *identity, struct err *err);

/*
 * The part of it that changes the identity: supplementary groups, group, user. No effect when
 * identity does not change. A child that runs a program, too.
 */
bool privs_become(const struct identity *identity, struct err *err);

/*
 * Binds this process to the CPU of its seat when cpu_affinity is auto. Returns false with err set.
 * Worker only.
 */
bool privs_bind_cpu(const struct conf *conf, unsigned seat, struct err *err);

/*
 * After privs_drop: from now on the worker starts no process, which would be the master's child or
 * hold the worker's descriptors after its death (the limit does not bind root), and, where the
 * kernel can forbid it, signals and traces no other process. Returns false with err set. Worker
 * only.
 */
bool privs_confine(struct err *err);

#endif
