/* SPDX-License-Identifier: MIT */
/*
 * What the check of a password costs (declared in config/auth_users.h). A hash may ask for days of
 * computing, so it is tried in a child that the kernel ends.
 */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sys.h"
#include "config/auth_users.h"

enum { CPU_MOST_S = 1 }; /* of the child; more than any most_ms */

enum { OUTCOME_FAST, OUTCOME_SLOW, OUTCOME_FAILED };

static _Noreturn void try_hash(const char *hash, int64_t most_ms)
{
	static struct crypt_data room;
	const struct rlimit limit = { CPU_MOST_S, CPU_MOST_S };
	int64_t before_us;
	enum auth_match match;

	if (sys_setrlimit(RLIMIT_CPU, &limit) < 0)
		sys_leave(OUTCOME_FAILED);
	before_us = clock_cpu_us();
	match = auth_hash_match(hash, "", &room);
	if (match == AUTH_FAILED)
		sys_leave(OUTCOME_FAILED);
	sys_leave(clock_cpu_us() - before_us > most_ms * 1000 ? OUTCOME_SLOW : OUTCOME_FAST);
}

/* CPU time, so that a busy machine refuses no hash. */
static bool check_hash(const char *hash, int64_t most_ms, struct err *err)
{
	int status = 0;
	pid_t pid = sys_fork();

	if (pid < 0)
		return err_errno(err, CODE_OSERR, "cannot try what a password's check costs");
	if (pid == 0)
		try_hash(hash, most_ms);
	while (sys_waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, CODE_OSERR, "cannot wait for a child");
	if (WIFEXITED(status) && WEXITSTATUS(status) == OUTCOME_FAST)
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) != OUTCOME_SLOW)
		return err_set(err, CODE_CONFIG, "this system cannot compute the hash");
	return err_set(err, CODE_CONFIG,
		       "one check takes longer than %lld ms, for which a worker would stand still "
		       "(make the hash with a lower cost, such as \"mkpasswd -m bcrypt -R 8\")",
		       (long long)most_ms);
}

static bool is_first_of_its_cost(const struct auth_users *users, size_t index)
{
	const char *hash = users->list[index].hash;
	size_t length = auth_hash_cost_length(hash);

	for (size_t i = 0; i < index; i++)
		if (auth_hash_cost_length(users->list[i].hash) == length &&
		    memcmp(users->list[i].hash, hash, length) == 0)
			return false;
	return true;
}

bool auth_users_check_cost(const struct listen_conf *listen, int64_t most_ms, struct err *err)
{
	const struct auth_users *users = listen->users;
	bool is_file = listen->status_password_file[0] != '\0';

	for (size_t i = 0; users && i < users->count; i++) {
		if (!is_first_of_its_cost(users, i) ||
		    check_hash(users->list[i].hash, most_ms, err))
			continue;
		if (is_file)
			err_prefix(err, "user \"%s\": ", users->list[i].name);
		return err_prefix(
			err, "listen.%s: ", is_file ? "status_password_file" : "status_password");
	}
	return true;
}
