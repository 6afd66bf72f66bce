/* SPDX-License-Identifier: MIT */
/*
 * Loads services, notes the descriptors that they leave open, and refuses what else they leave. It
 * serves no client.
 */
#include "worker/load/loaded.h"

#include <stdlib.h>
#include <string.h>

#include "accesslog/accesslog.h"
#include "base/log.h"
#include "base/sys.h"
#include "worker/load/leftover.h"

/* New descriptors have the lowest free numbers: none is looked for so far above all others. */
enum { LOOK_BEYOND = 4 * LOADED_FDS };

enum { NS_OF_S = 1000000000 };

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

static bool look_at_file(const char *path, struct service_file *file, struct err *err)
{
	struct stat st;

	if (sys_stat(path, &st) < 0)
		return err_errno(err, CODE_OSERR, "listen.module: cannot load \"%s\"", path);
	*file = (struct service_file){ (uint64_t)st.st_dev, (uint64_t)st.st_ino,
				       (uint64_t)st.st_size,
				       (uint64_t)st.st_mtim.tv_sec * NS_OF_S +
					       (uint64_t)st.st_mtim.tv_nsec };
	return true;
}

/* All bytes are set, those behind texts too. */
static bool check_same(const void *now, const void *before, size_t size, const char *since,
		       struct err *err)
{
	return memcmp(now, before, size) == 0 ||
	       err_set(err, CODE_OSERR, "the module has changed since %s", since);
}

static bool check_tried(const void *now, const void *tried, size_t size, struct err *err)
{
	return check_same(now, tried, size, "it was checked (reload)", err);
}

/* It may have started something and then failed. */
static const struct service *refuse_module(void)
{
	leftover_end();
	return NULL;
}

/*
 * A loader runs a file's code: another file than the one that was tried is not loaded at all,
 * unless it has come between the look and the loading.
 */
const struct service *loaded_load(const struct service_place *place,
				  const struct service_facts *tried, struct service_facts *facts,
				  struct err *err)
{
	const char *path = place->conf->module, *left;
	const struct service *service;
	struct service_file after;

	memset(facts, 0, sizeof(*facts));
	if (!look_at_file(path, &facts->file, err) ||
	    (tried && !check_tried(&facts->file, &tried->file, sizeof(tried->file), err)))
		return NULL;
	service = service_find(place->conf->service)->load(place, facts, err);
	if (!service)
		return refuse_module();
	if ((left = leftover_find()) != NULL) {
		err_set(err, CODE_OSERR, "listen.module: \"%s\" %s", path, left);
		return refuse_module();
	}
	if (!look_at_file(path, &after, err) ||
	    !check_same(&after, &facts->file, sizeof(after), "its loading began", err) ||
	    (tried && !check_tried(facts, tried, sizeof(*facts), err)))
		return refuse_module();
	return service;
}

static bool load_listen(struct loaded *loaded, const struct loaded_order *order, size_t i,
			struct err *err)
{
	const struct listen_conf *conf = &order->conf->listeners[i];
	const struct service_facts *tried = order->facts ? &order->facts[i] : NULL;
	struct service_place place = { .conf = conf, .board = order->board };
	struct service_facts facts;

	loaded->list[i] = service_find(conf->service);
	if (!loaded->list[i]->load)
		return true;
	if (tried) {
		place.shared = order->shared[i];
		place.shared_size = tried->shared_size;
	}
	loaded->list[i] = loaded_load(&place, tried, &facts, err);
	return loaded->list[i] || err_prefix(err, "%s: ", conf->origin);
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
