/* SPDX-License-Identifier: MIT */
/*
 * Starts the server, runs its commands, and cleans up after a test. follow.c reads its log, check.c
 * checks for leftovers.
 */
#include "harness.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "process.h"

static struct server *servers; /* of the running test; written by new_server and the teardown */

void harness_tick(void)
{
	poll(NULL, 0, 3);
}

static const char *binary(void)
{
	const char *path = getenv("PREFORK_SRV");

	return path ? path : "./prefork-srv";
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file)
		fail_msg("cannot write %s: %s", path, strerror(errno));
	fputs(text, file);
	fclose(file);
}

void server_configure(struct server *s, const char *conf)
{
	write_file(s->conf, conf);
}

static void make_folder(struct server *s)
{
	snprintf(s->dir, sizeof(s->dir), "/tmp/prefork-e2e-XXXXXX");
	if (!mkdtemp(s->dir) || chmod(s->dir, 0755) < 0)
		fail_msg("cannot make %s: %s", s->dir, strerror(errno));
	s->owns_dir = true;
}

static struct server *new_server(void)
{
	struct server *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->next = servers;
	s->ready_fd = -1;
	servers = s;
	return s;
}

const char *harness_folder(void)
{
	struct server *s = new_server();

	make_folder(s);
	return s->dir;
}

static void name_files(struct server *s, const struct plan *plan)
{
	if (plan->beside)
		snprintf(s->dir, sizeof(s->dir), "%s", plan->beside->dir);
	else
		make_folder(s);
	snprintf(s->conf, sizeof(s->conf), "%.60s/%s.conf", s->dir, s->owns_dir ? "s" : "s2");
	snprintf(s->pid_file, sizeof(s->pid_file), "%.60s/s.pid", s->dir);
	snprintf(s->stderr_path, sizeof(s->stderr_path), "%.60s/stderr.%p", s->dir, (void *)s);
	snprintf(s->log_path, sizeof(s->log_path), "%.60s/log", s->dir);
	if (!plan->log_file)
		snprintf(s->log_path, sizeof(s->log_path), "%s", s->stderr_path);
}

struct command {
	const char *args[ARGS_MOST];
	unsigned count;
	char text[160];
};

static void add(struct command *c, const char *arg)
{
	assert_true(c->count < ARGS_MOST - 1);
	c->args[c->count++] = arg;
}

static void add_all(struct command *c, const char *flag, const char *const *list, unsigned most)
{
	for (unsigned i = 0; i < most && list[i]; i++) {
		if (flag)
			add(c, flag);
		add(c, list[i]);
	}
}

static void make_command(struct command *c, const struct server *s, const struct plan *plan,
			 const char *ready)
{
	static char workers[16];

	snprintf(workers, sizeof(workers), "%u", plan->workers ? plan->workers : 1);
	snprintf(c->text, sizeof(c->text), "log.path=%s", s->log_path);
	add_all(c, NULL, plan->prefix, 8);
	add(c, binary());
	add_all(c, NULL, (const char *const[]){ "-p", s->pid_file, "--ready-fd", ready }, 4);
	if (!plan->quiet_log)
		add_all(c, "-o", (const char *const[]){ "log.level=debug" }, 1);
	if (plan->log_file)
		add_all(c, "-o", (const char *const[]){ c->text }, 1);
	if (plan->conf)
		add_all(c, "-c", (const char *const[]){ s->conf }, 1);
	else if (!plan->listen[0])
		add_all(c, "-l", (const char *const[]){ "127.0.0.1:0=ack" }, 1);
	if (plan->workers || !plan->conf)
		add_all(c, "-w", (const char *const[]){ workers }, 1);
	add_all(c, "-l", plan->listen, 5);
	add_all(c, "-o", plan->set, 10);
	add_all(c, NULL, plan->args, 8);
}

/* In the child: sets up the outputs, the environment, and fd 3 if one is passed, then executes. */
_Noreturn static void become_server(const struct server *s, const struct plan *plan,
				    struct command *c, int ready_fd)
{
	char pid[16];
	int file = open(s->stderr_path, O_WRONLY | O_CREAT | O_APPEND, 0666);
	int out = plan->output_fd > 0 ? plan->output_fd : file;
	int null = open("/dev/null", O_RDONLY);

	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	for (unsigned i = 0; i < 6 && plan->env[i]; i++) {
		if (strchr(plan->env[i], '='))
			putenv((char *)(uintptr_t)plan->env[i]);
		else
			unsetenv(plan->env[i]);
	}
	if (plan->pass_fd > 0) {
		if (dup2(plan->pass_fd, 3) == plan->pass_fd)
			fcntl(3, F_SETFD, 0);
		snprintf(pid, sizeof(pid), "%d", getpid());
		setenv("LISTEN_FDS", "1", 1);
		setenv("LISTEN_PID", pid, 1);
	}
	for (int fd = plan->pass_fd > 0 ? 4 : 3; fd < 256; fd++) {
		if (fd != ready_fd)
			close(fd);
	}
	execvp(c->args[0], (char *const *)(uintptr_t)c->args);
	_exit(127);
}

struct server *server_launch(const struct plan *plan)
{
	struct server *s = new_server();
	struct command c = { 0 };
	char ready[16];
	int fds[2], high;

	name_files(s, plan);
	if (plan->conf)
		server_configure(s, plan->conf);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	high = fcntl(fds[1], F_DUPFD, 200);
	snprintf(ready, sizeof(ready), "%d", high);
	make_command(&c, s, plan, ready);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0)
		become_server(s, plan, &c, high);
	close(fds[1]);
	close(high);
	s->ready_fd = fds[0];
	s->master = s->pid;
	s->running = true;
	s->ready_is_shared = plan->prefix[0] != NULL;
	return s;
}

static void take_addresses(struct server *s, const char *text)
{
	while (*text && s->address_count < ADDRESSES_MOST) {
		size_t len = strcspn(text, "\n");

		snprintf(s->addresses[s->address_count++], sizeof(s->addresses[0]), "%.*s",
			 (int)len, text);
		text += len + (text[len] == '\n');
	}
}

void server_wait_ready(struct server *s)
{
	int64_t until_ms = clock_ms() + WAIT_MS;
	struct pollfd p = { .fd = s->ready_fd, .events = POLLIN };
	char text[2048];
	size_t used = 0;
	ssize_t n = 1;

	while (n > 0) {
		if (clock_ms() > until_ms)
			server_fail(s, "not ready in time");
		if (poll(&p, 1, 100) < 1)
			continue;
		n = read(s->ready_fd, text + used, sizeof(text) - 1 - used);
		used += n > 0 ? (size_t)n : 0;
		if (s->ready_is_shared)
			break;
	}
	text[used] = '\0';
	close(s->ready_fd);
	s->ready_fd = -1;
	if (used == 0)
		server_fail(s, "ended without being ready, with code %d", server_wait_exit(s));
	take_addresses(s, text);
}

struct server *server_start(const struct plan *plan)
{
	struct server *s = server_launch(plan);

	server_wait_ready(s);
	if (plan->prefix[0])
		s->master = process_child(s->pid);
	return s;
}

void server_signal(struct server *s, int number)
{
	if (kill(s->master, number) < 0)
		server_fail(s, "cannot signal the server: %s", strerror(errno));
}

static int wait_code(pid_t pid)
{
	int64_t until_ms = clock_ms() + WAIT_MS * 2;
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_ms() > until_ms) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		harness_tick();
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int harness_run(char *out, size_t size, const char *const *args)
{
	struct command c = { 0 };
	FILE *file = tmpfile();
	size_t n;
	pid_t pid;
	int code;

	assert_non_null(file);
	add(&c, binary());
	add_all(&c, NULL, args, ARGS_MOST);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fileno(file), 1);
		dup2(fileno(file), 2);
		execvp(c.args[0], (char *const *)(uintptr_t)c.args);
		_exit(127);
	}
	code = wait_code(pid);
	rewind(file);
	n = fread(out, 1, size - 1, file);
	out[n] = '\0';
	fclose(file);
	return code;
}

int server_verb(struct server *s, const char *verb, char *out, size_t size)
{
	const char *args[] = { "-p", s->pid_file, "-s", verb, NULL };

	return harness_run(out, size, args);
}

int server_wait_exit(struct server *s)
{
	int code = wait_code(s->pid);

	s->running = false;
	if (code < 0)
		server_fail(s, "did not end in time");
	return code;
}

bool harness_knows(pid_t pid)
{
	for (const struct server *s = servers; s; s = s->next) {
		if (s->running && (s->pid == pid || s->master == pid))
			return true;
	}
	return false;
}

void server_follow_daemon(struct server *s)
{
	char text[32] = "";
	FILE *file = fopen(s->pid_file, "re");

	if (!file || !fgets(text, sizeof(text), file))
		server_fail(s, "no pid file");
	fclose(file);
	s->pid = s->master = (pid_t)strtol(text, NULL, 10);
	s->running = true;
}

int harness_setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

int harness_teardown(void **state)
{
	(void)state;
	process_end_children();
	while (servers) {
		struct server *s = servers;

		servers = s->next;
		if (s->owns_dir)
			nftw(s->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
		if (s->ready_fd > 0)
			close(s->ready_fd);
		free(s->log);
		free(s);
	}
	return 0;
}
