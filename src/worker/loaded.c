/* SPDX-License-Identifier: MIT */
/*
 * Loads services, notes the descriptors that they leave open, and refuses what else they leave. It
 * serves no client.
 */
#include "worker/loaded.h"

#include <stdlib.h>
#include <string.h>

#include "accesslog/accesslog.h"
#include "base/log.h"
#include "base/sys.h"
#include "worker/leftover.h"

/* New descriptors have the lowest free numbers: none is looked for so far above all others. */
enum { LOOK_BEYOND = 4 * LOADED_FDS };

static bool has_loads(const struct conf *conf)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (service_find(conf->listeners[i].service)->load)
			return true;
	return false;
}

/* The descriptors that are open below `end`, before and after the loading. */
struct look {
	bool *was_open;
	int end;
};

static bool is_open(int fd)
{
	return sys_fcntl_int(fd, F_GETFD, 0) >= 0;
}

static bool look_before(struct look *look)
{
	int next = sys_open("/", O_PATH | O_CLOEXEC, 0);

	if (next < 0)
		return false;
	sys_close(next);
	look->end = next + LOOK_BEYOND;
	look->was_open = calloc((size_t)look->end, sizeof(*look->was_open));
	for (int fd = 0; look->was_open && fd < look->end; fd++)
		look->was_open[fd] = is_open(fd);
	return look->was_open != NULL;
}

static bool look_after(const struct look *look, struct loaded *loaded, struct err *err)
{
	for (int fd = 0; fd < look->end; fd++) {
		if (look->was_open[fd] || !is_open(fd))
			continue;
		if (loaded->fd_count == LOADED_FDS)
			return err_set(err, CODE_OSERR,
				       "the modules keep more than %d descriptors open",
				       LOADED_FDS);
		loaded->fds[loaded->fd_count++] = fd;
	}
	return true;
}

/* All bytes of the facts are set, those behind the texts too. */
static bool is_as_tried(const struct service_facts *facts, const struct service_facts *tried)
{
	return memcmp(facts, tried, sizeof(*facts)) == 0;
}

static bool load_listen(struct loaded *loaded, const struct loaded_order *order, size_t i,
			struct err *err)
{
	const struct listen_conf *conf = &order->conf->listeners[i];
	const struct service *service = service_find(conf->service);
	struct service_facts facts;
	struct service_place place = { .conf = conf, .board = order->board };
	const char *left;

	loaded->list[i] = service;
	if (!service->load)
		return true;
	memset(&facts, 0, sizeof(facts));
	if (order->facts) {
		place.shared = order->shared[i];
		place.shared_size = order->facts[i].shared_size;
	}
	loaded->list[i] = service->load(&place, &facts, err);
	if (!loaded->list[i])
		return err_prefix(err, "%s: ", conf->origin);
	if ((left = leftover_find()) != NULL)
		return err_set(err, CODE_OSERR, "%s: listen.module: \"%s\" %s", conf->origin,
			       conf->module, left);
	if (order->facts && !is_as_tried(&facts, &order->facts[i]))
		return err_set(err, CODE_OSERR,
			       "%s: the module has changed since it was checked (reload)",
			       conf->origin);
	return true;
}

bool loaded_start(struct loaded *loaded, const struct loaded_order *order, struct err *err)
{
	const struct conf *conf = order->conf;
	struct look look = { 0 };
	bool done = true;

	if (!has_loads(conf))
		return true;
	loaded->first = conf->listeners;
	loaded->list = calloc(conf->listener_count, sizeof(*loaded->list));
	if (!loaded->list || !look_before(&look) || !leftover_watch(true))
		return err_errno(err, CODE_OSERR, "cannot load the modules");
	for (size_t i = 0; done && i < conf->listener_count; i++)
		done = load_listen(loaded, order, i, err);
	done = done && look_after(&look, loaded, err);
	(void)leftover_watch(false);
	free(look.was_open);
	return done;
}
