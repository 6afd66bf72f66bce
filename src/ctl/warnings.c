/* SPDX-License-Identifier: MIT */
/* Looks at options alone and at what the kernel makes of them; ctl/configtest.c at all the rest. */
#include "ctl/warnings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "accesslog/accesslog.h"
#include "config/auth_users.h"
#include "net/netstat.h"
#include "worker/service.h"

void warnings_print(FILE *out, const char *format, ...)
{
	va_list parameters;

	if (out == NULL)
		return;
	fputs("prefork-srv: ", out);
	va_start(parameters, format);
	vfprintf(out, format, parameters);
	va_end(parameters);
	fputs(" (a warning)\n", out);
}

static void warn_of_backlog(const struct listen_conf *listen, int64_t most, FILE *out)
{
	if (most > 0 && listen->backlog > most)
		warnings_print(out,
			       "%s: listen.backlog: %" PRId64
			       " is more than net.core.somaxconn allows (at most %" PRId64 ")",
			       listen->origin, listen->backlog, most);
}

/* Those whose messages have heads: each request has a line of the access log. */
static bool has_requests(const struct conf *conf)
{
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct service *service = service_find(conf->listeners[i].service);

		if (service != NULL && service->is_in_head != NULL)
			return true;
	}
	return false;
}

static void warn_of_combined(const struct conf *conf, FILE *out)
{
	if (accesslog_format(conf) != ACCESS_COMBINED || strcmp(conf->log_access, "off") == 0 ||
	    has_requests(conf))
		return;
	warnings_print(out,
		       "%s: log.access_format: combined has lines for HTTP requests alone, and no "
		       "listen has service http or status: the access log stays empty (write text "
		       "or json)",
		       conf_place(conf, "log.access_format"));
}

void warnings_of_options(const struct conf *conf, FILE *out)
{
	int64_t most = netstat_somaxconn();
	char warning[AUTH_USERS_WARNING];

	for (size_t i = 0; i < conf->listener_count; i++) {
		if (auth_users_warns(&conf->listeners[i], warning))
			warnings_print(out, "%s", warning);
		warn_of_backlog(&conf->listeners[i], most, out);
	}
	warn_of_combined(conf, out);
}

static void print_warning(void *out, const char *text)
{
	warnings_print(out, "%s", text);
}

void warnings_of_tls(const struct tls_sites *sites, FILE *out)
{
	const struct tls_warner warner = { .tell = print_warning, .context = out };

	tls_sites_warn(sites, time(NULL), &warner);
}
