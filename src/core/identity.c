/* SPDX-License-Identifier: MIT */
/* Finds out who the workers are to be; becoming it is worker/privs.c's business. */
#include "core/identity.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "base/units.h"

static bool find_user(const char *name, struct identity *identity, struct err *err)
{
	const struct passwd *entry = getpwnam(name);
	int64_t number;

	if (!entry && units_read_count(name, &number) && number < UINT32_MAX)
		entry = getpwuid((uid_t)number);
	if (!entry)
		return err_set(err, CODE_CONFIG, "user: there is no user \"%s\" on this system",
			       name);
	identity->user = entry->pw_uid;
	identity->group = entry->pw_gid;
	return true;
}

static bool find_group(const char *name, struct identity *identity, struct err *err)
{
	const struct group *entry = getgrnam(name);
	int64_t number;

	if (!entry && units_read_count(name, &number) && number < UINT32_MAX)
		entry = getgrgid((gid_t)number);
	if (!entry)
		return err_set(err, CODE_CONFIG, "group: there is no group \"%s\" on this system",
			       name);
	identity->group = entry->gr_gid;
	return true;
}

bool identity_find(const struct conf *conf, struct identity *identity, struct err *err)
{
	*identity = (struct identity){ .user = getuid(), .group = getgid() };
	if (!conf_drops_user(conf))
		return true;
	if (!find_user(conf->user, identity, err))
		return false;
	if (conf->group[0] != '\0' && !find_group(conf->group, identity, err))
		return false;
	identity->changes = true;
	return true;
}
