/* SPDX-License-Identifier: MIT */
/*
 * Who may ask a listener with a password: the user of its options, or those of its file, which has
 * lines USER:HASH as htpasswd and nginx's auth_basic_user_file. Made by the master at each load,
 * before the workers are forked, and not changed afterwards.
 */
#ifndef CONFIG_AUTH_USERS_H
#define CONFIG_AUTH_USERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/auth_hash.h"
#include "config/conf_fields.h"

enum { AUTH_USERS_MOST = 64, AUTH_NAME_MOST = 255 };

struct auth_user {
	char name[AUTH_NAME_MOST + 1], hash[AUTH_HASH_MOST + 1];
};

struct auth_users {
	size_t count; /* at least 1 */
	struct auth_user list[AUTH_USERS_MOST];
};

/* The options of listeners that contradict each other. Returns false with err. Pure. */
bool auth_users_check(const struct conf *conf, struct err *err);

/*
 * Sets the users of each listener that has some; reads files, with the privileges of the process.
 * Returns false with err, which names place, file and line. Master, and a child that tries a
 * configuration; allocates. conf_free frees them.
 */
bool auth_users_load(struct conf *conf, struct err *err);

/*
 * True when every user of the system may read or change the listener's file: text, of
 * AUTH_USERS_WARNING bytes, then has a sentence with its place.
 */
enum { AUTH_USERS_WARNING = 8400 };
bool auth_users_warns(const struct listen_conf *listen, char *text);

/*
 * -t, the start, and the child that tries a reload: computes one hash of each cost, in a child that
 * is ended when it takes long. Returns false with err (option: text) when the check of a password
 * would hold a worker up for longer than most_ms.
 */
bool auth_users_check_cost(const struct listen_conf *listen, int64_t most_ms, struct err *err);

#endif
