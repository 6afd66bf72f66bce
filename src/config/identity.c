/* SPDX-License-Identifier: MIT */
/*
 * Looks up the users and groups of the workers and of unix sockets. config/privs.c does the change
 * of identity.
 */
#include "config/identity.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "base/sys.h"
#include "base/units.h"

static bool read_number(const char *text, uint32_t *number)
{
	int64_t read;

	if (!units_read_count(text, &read) || read >= UINT32_MAX)
		return false;
	*number = (uint32_t)read;
	return true;
}

bool identity_user(const char *name, uid_t *user, gid_t *group)
{
	const struct passwd *row = getpwnam(name);
	uint32_t number;

	if (!row && !read_number(name, &number))
		return false;
	if (!row)
		row = getpwuid(number);
	*user = row ? row->pw_uid : number;
	if (group)
		*group = row ? row->pw_gid : (gid_t)-1;
	return true;
}

bool identity_group(const char *name, gid_t *group)
{
	const struct group *row = getgrnam(name);

	if (!row)
		return read_number(name, group);
	*group = row->gr_gid;
	return true;
}

static bool find_names(const struct conf *conf, struct identity *identity, struct err *err)
{
	if (!identity_user(conf->user, &identity->user, &identity->group))
		return err_set(err, CODE_CONFIG, "user: there is no user \"%s\" on this system",
			       conf->user);
	if (conf->group[0] != '\0' && !identity_group(conf->group, &identity->group))
		return err_set(err, CODE_CONFIG, "group: there is no group \"%s\" on this system",
			       conf->group);
	if (identity->group == (gid_t)-1)
		return err_set(err, CODE_CONFIG,
			       "user: %s has no name and so no group of its own (set group)",
			       conf->user);
	return true;
}

bool identity_can_search(const struct identity *identity, const char *folder)
{
	struct stat st;

	if (sys_stat(folder, &st) < 0)
		return false;
	if (st.st_uid == identity->user)
		return (st.st_mode & S_IXUSR) != 0;
	return (st.st_mode & (st.st_gid == identity->group ? S_IXGRP : S_IXOTH)) != 0;
}

bool identity_find(const struct conf *conf, struct identity *identity, struct err *err)
{
	*identity = (struct identity){ .user = getuid(), .group = getgid() };
	/* an empty variable must not make the workers root */
	if (geteuid() == 0 && conf->user[0] == '\0')
		return err_set(err, CODE_CONFIG,
			       "user: is empty (name the workers' user, or root itself)");
	if (!conf_drops_user(conf))
		return true;
	identity->changes = find_names(conf, identity, err);
	return identity->changes;
}
