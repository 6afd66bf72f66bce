/* SPDX-License-Identifier: MIT */
/*
 * A lookup may wait for a name server for a long time (getaddrinfo(3)), so that a child makes it,
 * which an alarm ends. It writes its warnings itself.
 */
#include "ctl/names.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include "base/addr.h"
#include "base/sys.h"
#include "config/conf_upstream.h"

static bool is_name(const struct upstream_conf *upstream, size_t index,
		    struct upstream_server *server)
{
	struct err ignored;

	return conf_upstream_server(upstream, index, server, &ignored) &&
	       conf_upstream_is_name(server);
}

/* Looks the names up, or tells whether there is one when out is NULL. */
static bool visit_names(const struct conf *conf, FILE *out)
{
	struct upstream_server server;
	struct addr found;
	struct err err;

	for (size_t i = 0; i < conf->upstream_count; i++) {
		const struct upstream_conf *upstream = &conf->upstreams[i];

		for (size_t k = 0; k < upstream->server.count; k++) {
			if (!is_name(upstream, k, &server) ||
			    !conf_upstream_has_listener(conf, upstream))
				continue;
			if (out == NULL)
				return true;
			if (addr_resolve(server.address, &found, 1, &err) > 0)
				continue;
			conf_upstream_blame(upstream, "server", &err);
			fprintf(out, "prefork-srv: %s (a warning)\n", err.text);
			fflush(out);
		}
	}
	return false;
}

/* The alarm has its default action: it ends the process. */
static _Noreturn void run_child(const struct conf *conf, FILE *out)
{
	struct itimerval once = { .it_value = { NAMES_MOST_MS / 1000, 0 } };
	sigset_t alarm;

	signal(SIGALRM, SIG_DFL);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm, NULL);
	if (sys_setitimer(ITIMER_REAL, &once) == 0)
		visit_names(conf, out);
	sys_leave(0);
}

void names_warn(const struct conf *conf, FILE *out)
{
	int status = 0;
	pid_t pid;

	if (!visit_names(conf, NULL))
		return;
	fflush(NULL);
	pid = sys_fork();
	if (pid == 0)
		run_child(conf, out);
	while (pid > 0 && sys_waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFSIGNALED(status))
		fprintf(out,
			"prefork-srv: %s: looking up the names of servers takes longer than %d s "
			"(a warning)\n",
			conf->origin, NAMES_MOST_MS / 1000);
}
