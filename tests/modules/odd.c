/* SPDX-License-Identifier: MIT */
/* Modules that no server can load, or that harm the process that does; built once for each ODD. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <prefork-srv/service.h>

#define ODD_abi               1
#define ODD_short             2
#define ODD_refuse            3
#define ODD_silent            4
#define ODD_constructor       5
#define ODD_hang              6
#define ODD_check             7
#define ODD_init              8
#define ODD_exit              9
#define ODD_name              10
#define ODD_counter           11
#define ODD_state             12
#define ODD_share             13
#define ODD_fickle            14
#define ODD_descriptors       15
#define ODD_symbol            16
#define ODD_lives             17
#define ODD_daemon            18
#define ODD_thread            19
#define ODD_orphan            20
#define ODD_forger            21
#define ODD_IS(name)          (ODD == ODD_##name)
#define ODD_IS_NOT(name)      (ODD != ODD_##name)
#define ODD_IF(name, yes, no) (ODD_IS(name) ? (yes) : (no))

#if ODD_IS_NOT(symbol)

/* It is gone for its loader, and lives on, in two processes, of which one has its own session. */
static void live_on(void)
{
	if (fork() == 0)
		setsid();
	alarm(60); /* longer than any test waits */
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	for (;;)
		pause();
}

/* It is nobody's child when its parent has ended, and in no group that was known before. */
static void leave_daemon(void)
{
	if (fork() == 0) {
		setsid();
		if (fork() > 0)
			_exit(0);
		alarm(60);
		pause();
	}
	wait(NULL);
}

__attribute__((constructor)) static void construct(void)
{
	volatile bool forever = true;

	if (ODD_IS(orphan))
		leave_daemon();
	if (ODD_IS(constructor) || ODD_IS(orphan))
		*(int *volatile)NULL = 1;
	if (ODD_IS(exit))
		_exit(7);
	if (ODD_IS(lives))
		live_on();
	while (ODD_IS(hang) && forever)
		;
}

static bool check(const struct prefork_listener *listener)
{
	(void)listener;
	if (ODD_IS(check))
		abort();
	if (ODD_IS(refuse))
		return prefork_refuse("it takes %d arguments", 7);
	return ODD_IS_NOT(silent);
}

static size_t shared_size(const struct prefork_listener *listener)
{
	(void)listener;
	if (ODD_IS(share))
		return SIZE_MAX;
	/* another size in each process */
	return ODD_IS(fickle) ? 4096 * ((size_t)getpid() % 1000 + 1) : 0;
}

/* Writes that pid into all memory that is shared and as large as the page of pids. */
static void forge_pids(const char *victim)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	char line[512];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, " rw-s ") || !strstr(line, "/dev/zero") ||
		    sscanf(line, "%lx-%lx", &from, &to) != 2 || to - from != 4096)
			continue;
		for (int *at = (int *)from; at < (int *)to; at++)
			*at = (int)strtol(victim, NULL, 10);
	}
	if (maps)
		fclose(maps);
}

static void *sit(void *argument)
{
	pause();
	return argument;
}

static bool init(const struct prefork_listener *listener)
{
	pthread_t thread;

	if (ODD_IS(forger))
		forge_pids(prefork_argument_value(listener, "victim"));
	if (ODD_IS(thread) && pthread_create(&thread, NULL, sit, NULL) != 0)
		return prefork_refuse("it cannot make a thread");
	for (int i = 0; ODD_IS(descriptors) && i < 100; i++)
		(void)!dup(0);
	if (ODD_IS(daemon))
		leave_daemon();
	if (ODD_IS(init))
		__builtin_trap();
	return true;
}

static const char *const counters[] = { ODD_IS(counter) ? "Not Plain" : NULL, NULL };

const struct prefork_service prefork_service = {
	.abi = ODD_IF(abi, PREFORK_ABI + 1, PREFORK_ABI),
	.struct_size = ODD_IF(short, 16, sizeof(struct prefork_service)),
	.name = ODD_IF(name, "not plain", "odd"),
	.state_size = ODD_IF(state, 64 * 1024, 0),
	.state_version = 1,
	.counters = counters,
	.check = check,
	.shared_size = shared_size,
	.init = init,
};

#endif
