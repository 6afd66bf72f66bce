/* SPDX-License-Identifier: MIT */
/*
 * Counts the CPUs. It changes no affinity and no cgroup. A limit that cannot be read counts as no
 * limit.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/sys.h"
#include "base/units.h"
#include "config/cpus.h"

enum { PATH_SIZE = 4096 };

/* A cgroup hierarchy that may limit the CPU, and how to find it. */
struct hierarchy {
	const char *type;       /* file system type in /proc/self/mountinfo */
	const char *controller; /* in the mount options and /proc/self/cgroup; "": v2 */
	const char *usual;      /* mount point when mountinfo has none */
};

static const struct hierarchy hierarchies[] = {
	{ "cgroup2", "", "/sys/fs/cgroup" },
	{ "cgroup", "cpu", "/sys/fs/cgroup/cpu" },
};

unsigned cpus_quota(const char *cpu_max)
{
	char quota[24], period[24], more;
	int64_t quota_us, period_us, cpus;

	if (sscanf(cpu_max, "%23s %23s %c", quota, period, &more) != 2 ||
	    !units_read_count(quota, &quota_us) || !units_read_count(period, &period_us) ||
	    quota_us == 0 || period_us == 0)
		return 0;
	cpus = quota_us / period_us + (quota_us % period_us != 0);
	return cpus > UINT32_MAX ? UINT32_MAX : (unsigned)cpus;
}

/* True when the list "a,b,c" holds the word. */
static bool lists_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (; *list; list += strcspn(list, ","), list += *list == ',') {
		if (strcspn(list, ",") == length && strncmp(list, word, length) == 0)
			return true;
	}
	return false;
}

/* Finds this process's cgroup in the hierarchy. A line has the form NUMBER:CONTROLLERS:PATH. */
static bool find_group(const struct hierarchy *h, char *group)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[2 * PATH_SIZE], controllers[256];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		const char *first = strchr(line, ':');
		const char *second = first ? strchr(first + 1, ':') : NULL;

		if (!second || second - first > (ptrdiff_t)sizeof(controllers))
			continue;
		snprintf(controllers, sizeof(controllers), "%.*s", (int)(second - first - 1),
			 first + 1);
		found = h->controller[0] ? lists_word(controllers, h->controller) :
					   controllers[0] == '\0';
		if (found)
			snprintf(group, PATH_SIZE, "%.*s", (int)strcspn(second + 1, "\n"),
				 second + 1);
	}
	if (file)
		fclose(file);
	return found;
}

/* Finds the hierarchy's mount point, and the group that is the root there. */
static void find_mount(const struct hierarchy *h, char *mount, char *root)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[2 * PATH_SIZE], a_root[PATH_SIZE], a_mount[PATH_SIZE], type[64], options[1024];
	bool found = false;

	snprintf(mount, PATH_SIZE, "%s", h->usual);
	snprintf(root, PATH_SIZE, "/");
	while (file && !found && fgets(line, sizeof(line), file)) {
		const char *rest = strstr(line, " - ");

		if (!rest || sscanf(line, "%*s %*s %*s %4095s %4095s", a_root, a_mount) != 2 ||
		    sscanf(rest, " - %63s %*s %1023s", type, options) != 2)
			continue;
		found = strcmp(type, h->type) == 0 &&
			(!h->controller[0] || lists_word(options, h->controller));
		if (found) {
			memcpy(mount, a_mount, sizeof(a_mount));
			memcpy(root, a_root, sizeof(a_root));
		}
	}
	if (file)
		fclose(file);
}

static bool read_line(const char *folder, const char *name, char *text, int size)
{
	char path[PATH_SIZE + 64];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	good = file && fgets(text, size, file);
	if (file)
		fclose(file);
	if (good)
		text[strcspn(text, "\n")] = '\0';
	return good;
}

/* Returns the quota of one group's folder, or 0 for none. */
static unsigned folder_quota(const struct hierarchy *h, const char *folder)
{
	char quota[64], period[64], both[192];

	if (!h->controller[0])
		return read_line(folder, "cpu.max", both, sizeof(both)) ? cpus_quota(both) : 0;
	if (!read_line(folder, "cpu.cfs_quota_us", quota, sizeof(quota)) ||
	    !read_line(folder, "cpu.cfs_period_us", period, sizeof(period)))
		return 0;
	snprintf(both, sizeof(both), "%s %s", quota, period);
	return cpus_quota(both);
}

static unsigned lesser_limit(unsigned limit, unsigned other)
{
	return other != 0 && (limit == 0 || other < limit) ? other : limit;
}

/* Returns the least quota of the group and its visible ancestors, or 0 for none. */
static unsigned hierarchy_quota(const struct hierarchy *h)
{
	char group[PATH_SIZE], mount[PATH_SIZE], root[PATH_SIZE], folder[2 * PATH_SIZE];
	const char *below;
	size_t root_length, mount_length;
	unsigned limit = 0;
	char *slash;

	if (!find_group(h, group))
		return 0;
	find_mount(h, mount, root);
	root_length = strcmp(root, "/") == 0 ? 0 : strlen(root);
	/* a container may see the host's path of the group, but only its own part of the tree */
	below = strncmp(group, root, root_length) == 0 ? group + root_length : "";
	mount_length = strlen(mount);
	snprintf(folder, sizeof(folder), "%s%s", mount, strcmp(below, "/") == 0 ? "" : below);
	for (;;) {
		limit = lesser_limit(limit, folder_quota(h, folder));
		slash = strrchr(folder, '/');
		if (strlen(folder) <= mount_length || !slash)
			return limit;
		*slash = '\0';
	}
}

static bool read_affinity(cpu_set_t *cpus)
{
	CPU_ZERO(cpus);
	return sys_sched_getaffinity(0, sizeof(*cpus), cpus) == 0 && CPU_COUNT(cpus) > 0;
}

unsigned cpus_usable(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned count = online > 0 ? (unsigned)online : 1;
	cpu_set_t cpus;

	if (read_affinity(&cpus))
		count = (unsigned)CPU_COUNT(&cpus);
	for (size_t i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++)
		count = lesser_limit(count, hierarchy_quota(&hierarchies[i]));
	return count;
}

int cpus_nth(unsigned n)
{
	cpu_set_t cpus;

	if (!read_affinity(&cpus))
		return -1;
	n %= (unsigned)CPU_COUNT(&cpus);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &cpus) && n-- == 0)
			return cpu;
	}
	return -1;
}
