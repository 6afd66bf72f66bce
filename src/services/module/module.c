/* SPDX-License-Identifier: MIT */
/*
 * module: a service from a shared object of the user's own (prefork-srv-module(3)). Loads and
 * checks the object, and calls its hooks; prefork.c has the functions that it calls. Nothing that
 * an object returns is taken on trust, but its code runs in the worker and can do what a worker
 * can.
 */
#include "services/module/module.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "config/conf.h"
#include "services/services.h"
#include "worker/pool.h"

_Static_assert((int)PREFORK_MORE == MORE && (int)PREFORK_FINISH == FINISH &&
		       (int)PREFORK_ABORT == ABORT,
	       "a module's verdicts are other numbers");

/* The first form of the struct: an object with less is none. */
enum { STRUCT_LEAST = sizeof(struct prefork_service) };

/* --- The hooks --- */

/* A worker that reads into a full buffer would stop. */
static bool can_wait(const struct conn *c)
{
	return c->in.number == 0 || buf_used(&c->in) < c->in.size || conn_has_output(c);
}

static enum verdict judge_verdict(struct conn *c, enum prefork_verdict verdict)
{
	if (verdict == PREFORK_MORE)
		return conn_finish(c, CLOSE_message_too_long);
	if (verdict == PREFORK_FINISH || verdict == PREFORK_ABORT)
		return (enum verdict)verdict;
	prefork_log((const struct prefork_conn *)c, "the module returned an unknown verdict");
	prefork_abort((struct prefork_conn *)c, "verdict_invalid");
	return ABORT;
}

static inline enum verdict take_verdict(struct conn *c, enum prefork_verdict verdict)
{
	if (__builtin_expect(verdict == PREFORK_MORE && can_wait(c), true))
		return MORE;
	return judge_verdict(c, verdict);
}

#define CALL_HOOK(name)                                                                     \
	static enum verdict call_##name(struct conn *c)                                     \
	{                                                                                   \
		return take_verdict(c, module_of(c)->hooks.name((struct prefork_conn *)c)); \
	}
CALL_HOOK(open)
CALL_HOOK(input)
CALL_HOOK(drained)
CALL_HOOK(expired)

static bool call_idle(const struct conn *c)
{
	return !conn_has_output(c) && can_wait(c) &&
	       module_of(c)->hooks.idle((const struct prefork_conn *)c);
}

static bool call_is_sound(const struct conn *c)
{
	return module_of(c)->hooks.is_sound((const struct prefork_conn *)c);
}

static void call_close(struct conn *c, enum close_reason reason)
{
	(void)reason; /* prefork_ending */
	module_of(c)->hooks.close((struct prefork_conn *)c);
}

static void tell_reason(const struct conn *c, struct access_entry *entry)
{
	const char *text = module_reason(c);
	size_t length = strnlen(text, MODULE_REASON);

	if (c->record->ending == CLOSE_service_ended && length > 0)
		entry->detail = (struct access_text){ text, length };
}

/* A hook that is not there keeps this program's default. */
static void set_hooks(struct module *module)
{
	struct service *service = &module->service;
	const struct prefork_service *hooks = &module->hooks;

	service->open = hooks->open ? call_open : NULL;
	service->input = hooks->input ? call_input : NULL;
	service->drained = hooks->drained ? call_drained : NULL;
	service->expired = hooks->expired ? call_expired : NULL;
	service->idle = hooks->idle ? call_idle : NULL;
	service->is_sound = hooks->is_sound ? call_is_sound : NULL;
	service->close = hooks->close ? call_close : NULL;
	service->tell = tell_reason;
}

/* --- Loading --- */

static bool is_name(const char *text, size_t size, bool is_counter)
{
	size_t length = text ? strnlen(text, size) : 0;

	for (size_t i = 0; i < length; i++)
		if (is_counter ? !islower((unsigned char)text[i]) &&
					 !isdigit((unsigned char)text[i]) && text[i] != '_' :
				 !isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
			return false;
	return length > 0 && length < size;
}

static bool refuse(const struct listen_conf *conf, struct err *err, const char *why)
{
	return err_set(err, CODE_CONFIG, "listen.module: \"%s\" %s", conf->module, why);
}

static const struct prefork_service *find_symbol(const struct listen_conf *conf, struct err *err)
{
	void *object = dlopen(conf->module, RTLD_NOW | RTLD_LOCAL);
	const struct prefork_service *found;

	if (!object) {
		/* the loader's words begin with the path */
		err_set(err, CODE_CONFIG, "listen.module: cannot load %s", dlerror());
		return NULL;
	}
	found = dlsym(object, "prefork_service");
	if (!found)
		refuse(conf, err, "has no symbol prefork_service (is it a module?)");
	return found;
}

static bool check_abi(const struct listen_conf *conf, const struct prefork_service *found,
		      struct err *err)
{
	if (found->abi != PREFORK_ABI)
		return err_set(
			err, CODE_CONFIG,
			"listen.module: \"%s\" has ABI %u, and this server has ABI %u (build "
			"it again with <prefork-srv/service.h> of this server)",
			conf->module, found->abi, PREFORK_ABI);
	if (found->struct_size >= STRUCT_LEAST && found->struct_size <= sizeof(*found))
		return true;
	return err_set(err, CODE_CONFIG,
		       "listen.module: \"%s\" has a struct prefork_service of %u bytes, and this "
		       "server has one of %zu (build it again with its <prefork-srv/service.h>)",
		       conf->module, found->struct_size, sizeof(*found));
}

static bool check_counters(const struct listen_conf *conf, const struct prefork_service *hooks,
			   struct err *err)
{
	unsigned count = 0;

	for (; hooks->counters && hooks->counters[count]; count++) {
		if (count == SERVICE_COUNTERS)
			return refuse(conf, err, "has more than 8 counters");
		if (!is_name(hooks->counters[count], METRIC_COUNTER_NAME, true))
			return refuse(conf, err, "has a counter whose name is not of a-z, 0-9, _");
	}
	return true;
}

static bool check_struct(const struct listen_conf *conf, const struct prefork_service *hooks,
			 struct err *err)
{
	if (!is_name(hooks->name, SERVICE_NAME, false))
		return refuse(conf, err, "has a name that is missing, too long or not plain");
	if (hooks->state_size > SERVICE_STATE_MOST - 2 * MODULE_REASON)
		return refuse(conf, err, "wants more state for each connection than 64 KiB - 64");
	return check_counters(conf, hooks, err);
}

/* Says what the module has said, or these words. */
static bool refuse_as_told(const struct module *module, const char *otherwise, struct err *err)
{
	const char *said = prefork_refusal();

	return err_set(err, CODE_CONFIG, "listen.module: \"%s\" %s%s%s",
		       module->listener.conf->module, otherwise, said[0] != '\0' ? ": " : "", said);
}

/* In a trial the memory is this process's alone. */
static bool take_shared(struct module *module, const struct service_place *place,
			struct service_facts *facts, struct err *err)
{
	struct prefork_listener *listener = &module->listener;
	size_t size = module->hooks.shared_size ? module->hooks.shared_size(listener) : 0;

	facts->shared_size = size;
	if (size > SERVICE_SHARED_MOST)
		return refuse(place->conf, err, "wants to share more than 64 GiB");
	if (place->board && size != place->shared_size)
		return err_set(
			err, CODE_CONFIG,
			"listen.module: \"%s\" wants to share %zu bytes, and wanted %zu when "
			"it was checked",
			place->conf->module, size, place->shared_size);
	listener->shared = place->shared;
	listener->shared_size = size;
	if (place->board || size == 0)
		return true;
	listener->shared = sys_mmap(NULL, size, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return listener->shared != MAP_FAILED ||
	       err_errno(err, CODE_CONFIG, "listen.module: \"%s\" cannot share %zu bytes",
			 place->conf->module, size);
}

static bool begin_module(struct module *module, const struct service_place *place,
			 struct service_facts *facts, struct err *err)
{
	const struct prefork_service *hooks = &module->hooks;

	(void)prefork_refusal();
	if (hooks->check && !hooks->check(&module->listener))
		return refuse_as_told(module, "refuses its arguments", err);
	if (!take_shared(module, place, facts, err))
		return false;
	if (hooks->init && !hooks->init(&module->listener))
		return refuse_as_told(module, "cannot start", err);
	return true;
}

static void note_facts(struct module *module, struct service_facts *facts)
{
	const struct prefork_service *hooks = &module->hooks;
	size_t state = (hooks->state_size + 7) / 8 * 8 + MODULE_REASON;

	/* the copies have fixed lengths, and their rest stays zero */
	memcpy(facts->name, hooks->name, strlen(hooks->name));
	facts->state_version = hooks->state_version;
	facts->state_size = (uint32_t)state;
	for (unsigned i = 0; hooks->counters && hooks->counters[i]; i++)
		memcpy(facts->counters[i], hooks->counters[i], strlen(hooks->counters[i]));
	module->service = (struct service){ .name = module->listener.conf->service,
					    .loaded_name = hooks->name,
					    .state_size = state,
					    .state_version = hooks->state_version };
}

static bool load_hooks(struct module *module, struct service_facts *facts, struct err *err)
{
	const struct listen_conf *conf = module->listener.conf;
	const struct prefork_service *found = find_symbol(conf, err);

	if (!found || !check_abi(conf, found, err))
		return false;
	memcpy(&module->hooks, found, found->struct_size);
	if (!check_struct(conf, &module->hooks, err))
		return false;
	note_facts(module, facts);
	memcpy(module->counters, facts->counters, sizeof(facts->counters));
	set_hooks(module);
	return true;
}

static struct module *modules; /* of this process, the last one first; written by load_module */

/* What is loaded lasts as long as the process, and so does the object. */
static const struct service *load_module(const struct service_place *place,
					 struct service_facts *facts, struct err *err)
{
	struct module *module = calloc(1, sizeof(*module));

	if (!module) {
		err_errno(err, CODE_OSERR, "cannot keep a module");
		return NULL;
	}
	module->listener.conf = place->conf;
	module->board = place->board;
	if (load_hooks(module, facts, err) && begin_module(module, place, facts, err)) {
		module->next = modules;
		modules = module;
		return &module->service;
	}
	free(module);
	return NULL;
}

static bool check_module(const struct listen_conf *conf, struct err *err)
{
	if (conf->module[0] == '\0')
		return err_set(err, CODE_CONFIG,
			       "listen.module: service module needs the path of a shared object");
	/* dlopen(3) would look for a bare name in the system's folders */
	if (!strchr(conf->module, '/'))
		return err_set(err, CODE_CONFIG,
			       "listen.module: \"%s\" is a name and no path (\"./%s\")",
			       conf->module, conf->module);
	return true;
}

const struct service service_module = {
	.name = "module",
	.check = check_module,
	.load = load_module,
};
