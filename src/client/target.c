/* SPDX-License-Identifier: MIT */
/* Reads the address to connect to, and the one to connect from. Must not connect. */
#include "client/target.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/quote.h"
#include "base/units.h"

static const char plain_scheme[] = "http://", secure_scheme[] = "https://";

static bool starts_with(const char *text, const char *start)
{
	return strncasecmp(text, start, strlen(start)) == 0;
}

static bool is_url(const char *text)
{
	return starts_with(text, plain_scheme) || starts_with(text, secure_scheme);
}

/* An IPv6 address has more than one colon, HOST:PORT exactly one. */
static bool has_port(const char *text)
{
	const char *colon = strchr(text, ':');

	if (text[0] == '[')
		return strstr(text, "]:") != NULL;
	return colon != NULL && strchr(colon + 1, ':') == NULL;
}

/* Writes host and port in the form that base/addr reads. */
static bool join_host_port(const char *host, const char *port, struct target *target,
			   struct err *err)
{
	bool is_bare = strchr(host, ':') != NULL && host[0] != '[';
	int n = snprintf(target->name, sizeof(target->name), is_bare ? "[%s]:%s" : "%s:%s", host,
			 port);

	if (n >= (int)sizeof(target->name))
		return err_set(err, CODE_USAGE, "the host's name is too long");
	return true;
}

static bool read_port(const char *text, struct err *err)
{
	char shown[QUOTE_TEXT];
	int64_t port;

	if (units_read_count(text, &port) && port >= 1 && port <= 65535)
		return true;
	return err_set(err, CODE_USAGE, "port %s: is not a number from 1 to 65535",
		       quote_show(text, shown));
}

static bool read_url(const char *url, struct target *target, struct err *err)
{
	bool is_https = starts_with(url, secure_scheme);
	const char *host = url + strlen(is_https ? secure_scheme : plain_scheme),
		   *path = host + strcspn(host, "/?#");
	char authority[TARGET_TEXT];

	if ((size_t)(path - host) >= sizeof(authority) || strlen(path) + 2 > sizeof(target->path))
		return err_set(err, CODE_USAGE, "the address is too long");
	for (const char *at = path; *at != '\0'; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f)
			return err_set(err, CODE_USAGE,
				       "a blank or control character in an http address is written "
				       "as %%20 and the like");
	snprintf(authority, sizeof(authority), "%.*s", (int)(path - host), host);
	if (strchr(authority, '@') != NULL)
		return err_set(err, CODE_USAGE,
			       "a user and a password in an address are not supported");
	snprintf(target->path, sizeof(target->path), "%s%.*s", path[0] == '/' ? "" : "/",
		 (int)strcspn(path, "#"), path);
	target->is_http = true;
	target->is_https = is_https;
	if (has_port(authority)) {
		snprintf(target->name, sizeof(target->name), "%s", authority);
		return true;
	}
	return join_host_port(authority, is_https ? "443" : "80", target, err);
}

/* Fills name (and path). Returns the number of arguments used; 0 with err. */
static int read_address(struct target *target, char *const *arguments, int count, bool http,
			struct err *err)
{
	if (count == 0)
		return err_set(err, CODE_USAGE, "HOST PORT or unix:PATH is missing (-h shows how)");
	if (is_url(arguments[0]))
		return http ? read_url(arguments[0], target, err) :
			      err_set(err, CODE_USAGE,
				      "an http address is for prefork-client bench");
	if (starts_with(arguments[0], "unix:") || has_port(arguments[0])) {
		if (strlen(arguments[0]) >= sizeof(target->name))
			return err_set(err, CODE_USAGE, "the address is too long");
		snprintf(target->name, sizeof(target->name), "%s", arguments[0]);
		return 1;
	}
	if (count < 2)
		return err_set(err, CODE_USAGE, "the port is missing (HOST PORT, or unix:PATH)");
	return read_port(arguments[1], err) &&
			       join_host_port(arguments[0], arguments[1], target, err) ?
		       2 :
		       0;
}

/* The message of base/addr ends with the forms of a listening address: puts in a client's forms. */
static void replace_forms(struct err *err)
{
	char *forms = strrchr(err->text, '(');

	if (forms != NULL)
		snprintf(forms, sizeof(err->text) - (size_t)(forms - err->text),
			 "(HOST PORT, HOST:PORT, [IPv6]:PORT or unix:/PATH)");
}

/* A client connects to one host, not to all of them, and not to port 0. */
static bool check_name(const struct target *target, int family, struct err *err)
{
	const char *port = strrchr(target->name, ':') + 1;

	if (!addr_check(target->name, err)) {
		err->code = CODE_USAGE;
		replace_forms(err);
		return false;
	}
	if (starts_with(target->name, "unix:"))
		return family == AF_UNSPEC ||
		       err_set(err, CODE_USAGE, "-4 and -6 do not go with a unix socket");
	if (target->name[0] == ':' || target->name[0] == '*')
		return err_set(err, CODE_USAGE, "a host is missing before port %s", port);
	return read_port(port, err);
}

/* Keeps the addresses of the family. Returns their number. */
static int keep_family(struct addr *addresses, int count, int family)
{
	int kept = 0;

	for (int i = 0; i < count; i++)
		if (family == AF_UNSPEC || addresses[i].sa.sa_family == family)
			addresses[kept++] = addresses[i];
	return kept;
}

static const char *family_name(int family)
{
	return family == AF_INET6 ? "IPv6" : "IPv4";
}

int target_read(struct target *target, char *const *arguments, int count, int family, bool http,
		struct err *err)
{
	int used;

	memset(target, 0, sizeof(*target));
	used = read_address(target, arguments, count, http, err);
	if (used == 0 || !check_name(target, family, err))
		return 0;
	target->count = addr_resolve(target->name, target->addresses, TARGET_ADDRESSES, err);
	if (target->count == 0) {
		err->code = CODE_NOHOST;
		return 0;
	}
	if (target->addresses[0].sa.sa_family != AF_UNIX)
		target->count = keep_family(target->addresses, target->count, family);
	if (target->count == 0) {
		err_set(err, CODE_NOHOST, "%s has no %s address", target->name,
			family_name(family));
		return 0;
	}
	return used;
}

bool target_set_family(int *family, int wanted, struct err *err)
{
	if (*family != AF_UNSPEC && *family != wanted)
		return err_set(err, CODE_USAGE, "-4 and -6 do not go together");
	*family = wanted;
	return true;
}

bool target_read_source(const char *text, int family, struct addr *source, struct err *err)
{
	struct target from = { 0 };
	struct addr all[TARGET_ADDRESSES];
	int count;

	if (text[0] == '\0' || (text[0] == ':' && has_port(text)))
		return err_set(err, CODE_USAGE,
			       "--bind: a host is missing (ADDRESS, ADDRESS:PORT)");
	if (has_port(text) && strlen(text) < sizeof(from.name))
		snprintf(from.name, sizeof(from.name), "%s", text);
	else if (!join_host_port(text, "0", &from, err))
		return false;
	count = addr_resolve(from.name, all, TARGET_ADDRESSES, err);
	if (count == 0) {
		err->code = err->code == CODE_UNAVAILABLE ? CODE_NOHOST : CODE_USAGE;
		return err_prefix(err, "--bind: ");
	}
	count = keep_family(all, count, family);
	if (count == 0)
		return err_set(err, CODE_USAGE, "--bind %s: is no %s address", text,
			       family_name(family));
	*source = all[0];
	return true;
}
