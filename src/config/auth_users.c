/* SPDX-License-Identifier: MIT */
/* Reads the users of listeners. It checks no password. */
#include "config/auth_users.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sys.h"
#include "config/conf.h"
#include "config/conf_need.h"

enum { FILE_MOST = 128 * 1024 };

static bool check_options(const struct listen_conf *listen, struct err *err)
{
	const struct conf_need needs[] = {
		{ "status_user", "status_password", listen->status_password[0] != '\0' },
		{ "status_password", "status_user", listen->status_user[0] != '\0' },
	};

	if (listen->status_user[0] != '\0' && listen->status_password_file[0] != '\0')
		return err_set(
			err, CODE_CONFIG,
			"%s: listen.status_user: contradicts status_password_file (%s), which "
			"has its own users (leave one of them out)",
			conf_listen_place(listen, "status_user"),
			conf_listen_place(listen, "status_password_file"));
	if (strpbrk(listen->status_user, ":\n\r"))
		return err_set(err, CODE_CONFIG,
			       "%s: listen.status_user: a user's name has no colon",
			       conf_listen_place(listen, "status_user"));
	return conf_need_check(listen, SECTION_listen, needs, sizeof(needs) / sizeof(*needs), err);
}

bool auth_users_check(const struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (!check_options(&conf->listeners[i], err))
			return false;
	return true;
}

static const struct auth_user *find_user(const struct auth_users *users, const char *name)
{
	for (size_t i = 0; i < users->count; i++)
		if (strcmp(users->list[i].name, name) == 0)
			return &users->list[i];
	return NULL;
}

/* Takes a line without its end; what follows a second colon is a comment, as in nginx. */
static bool add_line(struct auth_users *users, char *line, struct err *err)
{
	char *colon = strchr(line, ':');
	struct auth_user *user = &users->list[users->count];

	if (colon == NULL || colon == line)
		return err_set(err, CODE_CONFIG, "is not USER:HASH");
	*colon++ = '\0';
	colon[strcspn(colon, ":")] = '\0';
	if (strlen(line) > AUTH_NAME_MOST)
		return err_set(err, CODE_CONFIG, "the user's name is longer than %d bytes",
			       AUTH_NAME_MOST);
	if (find_user(users, line))
		return err_set(err, CODE_CONFIG, "the user is there twice");
	if (users->count == AUTH_USERS_MOST)
		return err_set(err, CODE_CONFIG, "there are more than %d users", AUTH_USERS_MOST);
	if (!auth_hash_check(colon, err))
		return err_prefix(err, "the password ");
	memcpy(user->name, line, strlen(line) + 1);
	memcpy(user->hash, colon, strlen(colon) + 1);
	users->count++;
	return true;
}

static bool is_blank_line(const char *line)
{
	return line[strspn(line, " \t")] == '\0' || line[0] == '#';
}

static bool add_lines(struct auth_users *users, char *text, const char *path, struct err *err)
{
	unsigned number = 1;

	for (char *line = text, *next; line; line = next, number++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		if (!is_blank_line(line) && !add_line(users, line, err))
			return err_prefix(err, "%s:%u: ", path, number);
	}
	if (users->count > 0)
		return true;
	return err_set(err, CODE_CONFIG, "\"%s\" has no user (lines USER:HASH)", path);
}

static bool read_file(const char *path, char *text, struct err *err)
{
	ssize_t n = file_read_regular(path, text, FILE_MOST - 1, err);

	if (n < 0)
		return false;
	text[n] = '\0';
	if (memchr(text, '\0', (size_t)n))
		return err_set(err, CODE_CONFIG, "\"%s\" is not a text file", path);
	return true;
}

static bool load_file(struct auth_users *users, const char *path, struct err *err)
{
	char *text = malloc(FILE_MOST);
	bool is_good;

	if (text == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep the users");
	is_good = read_file(path, text, err) && add_lines(users, text, path, err);
	explicit_bzero(text, FILE_MOST);
	free(text);
	return is_good;
}

static void take_options(struct auth_users *users, const struct listen_conf *listen)
{
	struct auth_user *user = &users->list[0];

	/* the row and auth_hash_check bound their lengths */
	snprintf(user->name, sizeof(user->name), "%s", listen->status_user);
	snprintf(user->hash, sizeof(user->hash), "%s", listen->status_password);
	users->count = 1;
}

static bool load_users(struct listen_conf *listen, struct err *err)
{
	const char *path = listen->status_password_file;

	if (listen->status_user[0] == '\0' && path[0] == '\0')
		return true;
	listen->users = calloc(1, sizeof(*listen->users));
	if (listen->users == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep the users");
	if (path[0] == '\0')
		take_options(listen->users, listen);
	else if (!load_file(listen->users, path, err))
		return err_prefix(err, "%s: listen.status_password_file: ",
				  conf_listen_place(listen, "status_password_file"));
	return true;
}

bool auth_users_load(struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (!load_users(&conf->listeners[i], err))
			return false;
	return true;
}

bool auth_users_warns(const struct listen_conf *listen, char *text)
{
	const char *path = listen->status_password_file;
	struct stat st;

	if (path[0] == '\0' || sys_stat(path, &st) < 0 || !(st.st_mode & (S_IROTH | S_IWOTH)))
		return false;
	snprintf(text, AUTH_USERS_WARNING,
		 "%s: listen.status_password_file: every user may %s \"%s\" (chmod 640 it)",
		 conf_listen_place(listen, "status_password_file"),
		 st.st_mode & S_IWOTH ? "change" : "read", path);
	return true;
}
