/* SPDX-License-Identifier: MIT */
/*
 * What a worker gives up before it accepts: root, groups, the file system, new privileges,
 * other CPUs.
 */
#ifndef WORKER_PRIVS_H
#define WORKER_PRIVS_H

#include <stdbool.h>

#include "base/err.h"
#include "config/conf.h"
#include "config/identity.h"

/*
 * chroot(2), supplementary groups, group, user, then no_new_privs (prctl(2)): in the order in
 * which each is still permitted. False with err: then the worker must not serve; CODE_NO_RESPAWN
 * when the next worker would be refused as well. Asks no name service. Worker only.
 */
bool privs_drop(const struct conf *conf, const struct identity *identity, struct err *err);

/*
 * Binds this process to the CPU of its seat when cpu_affinity is auto. False with err. Worker only.
 */
bool privs_bind_cpu(const struct conf *conf, unsigned seat, struct err *err);

/*
 * In the worker, once it is the user it is to be: from now on it starts no process, which would be
 * the master's child or hold the worker's descriptors after its death (a limit that root does not
 * know), and, where the kernel can forbid it, signals none and traces none. False with err.
 */
bool privs_confine(struct err *err);

#endif
