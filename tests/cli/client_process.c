/* SPDX-License-Identifier: MIT */
/* Starts prefork-client and captures its output in unnamed files. */
#include "cli/client_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "e2e/harness.h"

enum { ARGUMENTS_WITH_NAME = 32 };

static int make_file(const void *bytes, size_t size)
{
	int fd = memfd_create("client", MFD_CLOEXEC);

	assert_true(fd >= 0);
	while (size > 0) {
		ssize_t n = write(fd, bytes, size);

		assert_true(n > 0);
		bytes = (const char *)bytes + n;
		size -= (size_t)n;
	}
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int open_input(const struct client_process *client)
{
	size_t size = client->input_size;

	if (client->input_fd > 0)
		return fcntl(client->input_fd, F_DUPFD_CLOEXEC, 10);
	if (client->input == NULL)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	return make_file(client->input, size > 0 ? size : strlen(client->input));
}

static int open_output(int fd)
{
	return fd > 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 10) : make_file("", 0);
}

static _Noreturn void exec_client(const struct client_process *client, int input,
				  const char *const *arguments)
{
	const char *all[ARGUMENTS_WITH_NAME] = { "prefork-client" };
	const char *folder = getenv("TOP_BUILDDIR");
	char path[4096];
	unsigned n = 1;

	for (; *arguments != NULL && n + 1 < ARGUMENTS_WITH_NAME; n++)
		all[n] = *arguments++;
	snprintf(path, sizeof(path), "%s/prefork-client", folder != NULL ? folder : ".");
	if (client->drop > 0)
		prctl(PR_CAPBSET_DROP, (unsigned long)client->drop);
	if (dup2(input, STDIN_FILENO) < 0 || dup2(client->kept[0], STDOUT_FILENO) < 0 ||
	    dup2(client->kept[1], STDERR_FILENO) < 0)
		_exit(127);
	execv(path, (char *const *)all);
	perror(path);
	_exit(127);
}

void client_process_start(struct client_process *client, const char *const *arguments)
{
	int input = open_input(client);

	assert_true(input >= 0);
	client->kept[0] = open_output(client->terminal > 0 ? client->terminal : client->output_fd);
	client->kept[1] = open_output(client->terminal);
	client->pid = fork();
	assert_true(client->pid >= 0);
	if (client->pid == 0)
		exec_client(client, input, arguments);
	close(input);
}

static size_t read_back(int fd, char *text, size_t size)
{
	/* only the files of make_file are read back */
	bool is_captured = fcntl(fd, F_GET_SEALS) >= 0;
	ssize_t n = is_captured ? pread(fd, text, size - 1, 0) : 0;

	close(fd);
	if (n < 0)
		n = 0;
	text[n] = '\0';
	return (size_t)n;
}

void client_process_expect(const struct client_process *client, const char *text)
{
	static char said[sizeof(client->err)];
	int64_t until_ms = clock_ms() + WAIT_MS;

	do {
		ssize_t n = pread(client->kept[1], said, sizeof(said) - 1, 0);

		said[n > 0 ? n : 0] = '\0';
		if (strstr(said, text) != NULL)
			return;
		poll(NULL, 0, 1);
	} while (clock_ms() < until_ms);
	fail_msg("prefork-client does not say: %sit says: %s", text, said);
}

void client_process_wait(struct client_process *client)
{
	int status = 0, pidfd = (int)syscall(SYS_pidfd_open, client->pid, 0);
	struct pollfd poll_end = { .fd = pidfd, .events = POLLIN };
	bool has_ended = pidfd >= 0 && poll(&poll_end, 1, WAIT_MS) == 1;

	if (!has_ended)
		kill(client->pid, SIGKILL);
	assert_int_equal(waitpid(client->pid, &status, 0), client->pid);
	close(pidfd);
	client->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	client->out_size = read_back(client->kept[0], client->out, sizeof(client->out));
	read_back(client->kept[1], client->err, sizeof(client->err));
	if (!has_ended)
		fail_msg("prefork-client did not end; it said: %s%s", client->out, client->err);
}

void client_process_reset(struct client_process *client)
{
	memset(client, 0, offsetof(struct client_process, out));
	client->out[0] = client->err[0] = '\0';
}

int client_process_is_running(const struct client_process *client)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)client->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}
