/* SPDX-License-Identifier: MIT */
/* Starts prefork-client and keeps what it says in files without a name. */
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
	int fd = memfd_create("talking", MFD_CLOEXEC);

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

static int open_input(const struct talking *t)
{
	size_t size = t->input_size;

	if (t->input_fd > 0)
		return fcntl(t->input_fd, F_DUPFD_CLOEXEC, 10);
	if (t->input == NULL)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	return make_file(t->input, size > 0 ? size : strlen(t->input));
}

static _Noreturn void become(const struct talking *t, int input, const char *const *arguments)
{
	const char *all[ARGUMENTS_WITH_NAME] = { "prefork-client" };
	const char *folder = getenv("TOP_BUILDDIR");
	char path[4096];
	unsigned n = 1;

	for (; *arguments != NULL && n + 1 < ARGUMENTS_WITH_NAME; n++)
		all[n] = *arguments++;
	snprintf(path, sizeof(path), "%s/prefork-client", folder != NULL ? folder : ".");
	if (t->drop > 0)
		prctl(PR_CAPBSET_DROP, (unsigned long)t->drop);
	if (dup2(input, STDIN_FILENO) < 0 || dup2(t->kept[0], STDOUT_FILENO) < 0 ||
	    dup2(t->kept[1], STDERR_FILENO) < 0)
		_exit(127);
	execv(path, (char *const *)all);
	perror(path);
	_exit(127);
}

void talking_start(struct talking *t, const char *const *arguments)
{
	int input = open_input(t);

	assert_true(input >= 0);
	t->kept[0] = t->output_fd > 0 ? fcntl(t->output_fd, F_DUPFD_CLOEXEC, 10) : make_file("", 0);
	t->kept[1] = make_file("", 0);
	t->pid = fork();
	assert_true(t->pid >= 0);
	if (t->pid == 0)
		become(t, input, arguments);
	close(input);
}

static size_t read_back(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	close(fd);
	if (n < 0)
		n = 0;
	text[n] = '\0';
	return (size_t)n;
}

void talking_expect(const struct talking *t, const char *text)
{
	static char said[sizeof(t->err)];
	int64_t until_ms = clock_ms() + WAIT_MS;

	do {
		ssize_t n = pread(t->kept[1], said, sizeof(said) - 1, 0);

		said[n > 0 ? n : 0] = '\0';
		if (strstr(said, text) != NULL)
			return;
		poll(NULL, 0, 1);
	} while (clock_ms() < until_ms);
	fail_msg("prefork-client does not say: %sit says: %s", text, said);
}

void talking_wait(struct talking *t)
{
	int status = 0, pidfd = (int)syscall(SYS_pidfd_open, t->pid, 0);
	struct pollfd poll_end = { .fd = pidfd, .events = POLLIN };
	bool has_ended = pidfd >= 0 && poll(&poll_end, 1, WAIT_MS) == 1;

	if (!has_ended)
		kill(t->pid, SIGKILL);
	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	close(pidfd);
	t->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	t->out_size = t->output_fd > 0 ? 0 : read_back(t->kept[0], t->out, sizeof(t->out));
	if (t->output_fd > 0)
		close(t->kept[0]);
	read_back(t->kept[1], t->err, sizeof(t->err));
	if (!has_ended)
		fail_msg("prefork-client did not end; it said: %s%s", t->out, t->err);
}

void talking_forget(struct talking *t)
{
	memset(t, 0, offsetof(struct talking, out));
	t->out[0] = t->err[0] = '\0';
}

int talking_goes_on(const struct talking *t)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)t->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}
