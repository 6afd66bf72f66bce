/* SPDX-License-Identifier: MIT */
/* Keeps the facts and the shared memory of loaded services. Must not load anything. */
#include "master/modules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"

/* A mapping, with the number of generations that have it. */
struct module_memory {
	void *base;
	size_t size;
	unsigned users;
};

bool modules_has_any(const struct conf *conf)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (service_find(conf->listeners[i].service)->load)
			return true;
	return false;
}

static struct module_memory *map_memory(size_t size)
{
	struct module_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return NULL;
	*memory = (struct module_memory){ .size = size };
	memory->base = sys_mmap(NULL, size, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory->base != MAP_FAILED)
		return memory;
	free(memory);
	return NULL;
}

static bool is_same(const struct modules *a, size_t i, const struct modules *b, size_t k)
{
	const struct service_facts *x = &a->facts[i], *y = &b->facts[k];

	return strcmp(x->name, y->name) == 0 && x->state_version == y->state_version &&
	       x->shared_size == y->shared_size &&
	       strcmp(a->conf->listeners[i].address, b->conf->listeners[k].address) == 0;
}

static struct module_memory *find_memory(const struct modules *modules, size_t i,
					 const struct modules *before)
{
	for (size_t k = 0; before && before->facts && k < before->conf->listener_count; k++)
		if (before->memory[k] && is_same(modules, i, before, k))
			return before->memory[k];
	return map_memory(modules->facts[i].shared_size);
}

static bool share(struct modules *modules, size_t i, const struct modules *before, struct err *err)
{
	if (modules->facts[i].shared_size == 0)
		return true;
	modules->memory[i] = find_memory(modules, i, before);
	if (!modules->memory[i])
		return err_errno(err, CODE_OSERR,
				 "%s: cannot map %" PRIu64 " bytes for the workers of module %s",
				 modules->conf->listeners[i].origin, modules->facts[i].shared_size,
				 modules->facts[i].name);
	modules->memory[i]->users++;
	modules->shared[i] = modules->memory[i]->base;
	return true;
}

bool modules_take(struct modules *modules, const struct conf *conf,
		  const struct service_facts *facts, const struct modules *before, struct err *err)
{
	size_t count = conf->listener_count;
	bool done = true;

	if (!facts || !modules_has_any(conf))
		return true;
	modules->conf = conf;
	modules->facts = calloc(count, sizeof(*modules->facts));
	modules->shared = calloc(count, sizeof(*modules->shared));
	modules->memory = calloc(count, sizeof(struct module_memory *));
	if (!modules->facts || !modules->shared || !modules->memory)
		return err_errno(err, CODE_OSERR, "cannot keep book of the modules");
	memcpy(modules->facts, facts, count * sizeof(*facts));
	for (size_t i = 0; done && i < count; i++)
		done = share(modules, i, before, err);
	return done;
}

static void release(struct module_memory *memory)
{
	if (!memory || --memory->users > 0)
		return;
	/* a mapping that cannot be unmapped costs its pages */
	(void)sys_munmap(memory->base, memory->size);
	free(memory);
}

void modules_free(struct modules *modules)
{
	for (size_t i = 0; modules->memory && i < modules->conf->listener_count; i++)
		release(modules->memory[i]);
	free(modules->memory);
	free(modules->shared);
	free(modules->facts);
	*modules = (struct modules){ 0 };
}

static bool has_memory(const struct modules *modules, const struct module_memory *memory)
{
	for (size_t i = 0; modules && modules->memory && i < modules->conf->listener_count; i++)
		if (modules->memory[i] == memory)
			return true;
	return false;
}

void modules_leave(const struct modules *modules, const struct modules *own)
{
	for (size_t i = 0; modules->memory && i < modules->conf->listener_count; i++)
		if (modules->memory[i] && !has_memory(own, modules->memory[i]))
			(void)sys_munmap(modules->memory[i]->base, modules->memory[i]->size);
}
