/* SPDX-License-Identifier: MIT */
/*
 * The loop of --watch: takes a snapshot, composes the lines of the whole status screen, draws those
 * that fit the terminal over the last frame with one write(2), and handles keys and signals. Must
 * end through watch_run only, which restores the terminal.
 *
 *   snapshot (each second, refresh) --> compose (new size) --> draw (scrolling)
 */
#include "ctl/watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/sys.h"
#include "ctl/status_screen.h"
#include "ctl/terminal.h"

enum { REFRESH_MS = 1000, BAR_ROWS = 1 };

/* All signals that may end or stop the process: none may do so while the terminal is taken. */
static const int caught[] = { SIGINT,    SIGQUIT, SIGTERM, SIGHUP,  SIGTSTP, SIGCONT,
			      SIGWINCH,  SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU,
			      SIGVTALRM, SIGPROF, SIGIO,   SIGPWR,  SIGXFSZ, SIGSTKFLT };

struct watch {
	struct terminal terminal;
	struct snapshot snapshot;
	struct samples samples;
	struct terminal_keys keys;
	struct lines lines; /* the template of each screen, without its output */
	sigset_t old_mask, mask;
	int signal_fd;
	char *text; /* of the whole screen, each ended by a newline */
	size_t size;
	unsigned count, top; /* number of lines; index of the first one that is drawn */
	int64_t due_ms;      /* time of the next snapshot */
	bool is_done;
	int fatal_signal; /* the signal that must end the process; 0: none */
};

static void write_screen(struct watch *watch, struct lines *lines)
{
	if (watch->snapshot.problem.text[0] != '\0')
		lines_wrap(lines, STYLE_BAD, 0, watch->snapshot.problem.text);
	if (watch->snapshot.has_board) {
		status_screen_write(&watch->snapshot, &watch->samples, lines);
		return;
	}
	lines_put(lines, STYLE_DIM, "It is shown here as soon as it runs.");
	lines_end_line(lines);
}

static bool compose_lines(struct watch *watch)
{
	struct lines lines = watch->lines;
	char *text = NULL;
	size_t size = 0;

	lines.out = open_memstream(&text, &size);
	if (lines.out == NULL)
		return false;
	lines.width = watch->terminal.columns;
	write_screen(watch, &lines);
	if (fclose(lines.out) != 0) {
		free(text);
		return false;
	}
	free(watch->text);
	watch->text = text;
	watch->size = size;
	watch->count = 0;
	for (size_t i = 0; i < size; i++)
		watch->count += text[i] == '\n';
	return true;
}

static unsigned count_body_rows(const struct watch *watch)
{
	return watch->terminal.rows > BAR_ROWS ? watch->terminal.rows - BAR_ROWS : 1;
}

static void clamp_top(struct watch *watch)
{
	unsigned rows = count_body_rows(watch),
		 most = watch->count > rows ? watch->count - rows : 0;

	if (watch->top > most)
		watch->top = most;
}

static void write_bar(const struct watch *watch, struct lines *lines, unsigned shown)
{
	unsigned below = watch->count - watch->top - shown;
	time_t now = watch->snapshot.report.now_s;
	char hour[16] = "";
	struct tm tm;

	if (localtime_r(&now, &tm) != NULL)
		strftime(hour, sizeof(hour), "%H:%M:%S", &tm);
	lines_printf(lines, STYLE_BAR, " %s ", hour);
	if (shown < watch->count)
		lines_printf(lines, below > 0 ? STYLE_ALERT : STYLE_BAR,
			     " lines %u-%u of %u, %u more below ", watch->top + 1,
			     watch->top + shown, watch->count, below);
	lines_printf(lines, STYLE_BAR, " q quits, %s",
		     shown < watch->count ? "arrows scroll" : "space refreshes");
	lines_put_cell(lines, STYLE_BAR, "", lines->width - lines->column, true);
}

/* Writes every row of the terminal. The screen is not cleared first, to avoid flicker. */
static void write_frame(const struct watch *watch, struct lines *lines)
{
	unsigned rows = count_body_rows(watch), shown = 0, skipped = 0;
	const char *line = watch->text, *end = watch->text + watch->size;

	for (; line < end && skipped < watch->top; skipped++)
		line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
	fputs("\033[H", lines->out);
	for (; line < end && shown < rows; shown++) {
		const char *next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;

		fwrite(line, 1, (size_t)(next - line) - 1, lines->out);
		line = next;
		if (shown + 1 < rows || watch->terminal.rows > BAR_ROWS)
			fputs("\r\n", lines->out);
	}
	if (watch->terminal.rows <= BAR_ROWS)
		return;
	for (unsigned i = shown; i < rows; i++)
		fputs("\033[K\r\n", lines->out);
	write_bar(watch, lines, shown);
}

static bool draw_frame(struct watch *watch)
{
	struct lines lines = watch->lines;
	char *frame = NULL;
	size_t size = 0;
	bool is_good;

	clamp_top(watch);
	lines.out = open_memstream(&frame, &size);
	if (lines.out == NULL)
		return false;
	lines.width = watch->terminal.columns;
	write_frame(watch, &lines);
	is_good = fclose(lines.out) == 0 && terminal_write(frame, size);
	free(frame);
	return is_good;
}

static bool refresh_screen(struct watch *watch)
{
	snapshot_take(&watch->snapshot);
	if (watch->snapshot.has_board)
		snapshot_add_sample(&watch->samples, &watch->snapshot.report);
	watch->due_ms = clock_ms() + REFRESH_MS;
	return compose_lines(watch) && draw_frame(watch);
}

/*
 * The kernel stops a background process that sets the modes of its terminal. Until the terminal is
 * taken, signals have their default actions.
 */
static bool take_terminal(struct watch *watch)
{
	bool is_ours;

	sys_sigprocmask(SIG_SETMASK, &watch->old_mask, NULL);
	is_ours = terminal_wait_foreground();
	sys_sigprocmask(SIG_BLOCK, &watch->mask, NULL);
	return is_ours && terminal_take(&watch->terminal);
}

/* After SIGCONT the terminal may have another size and any contents. */
static bool retake_terminal(struct watch *watch)
{
	return terminal_take(&watch->terminal) && compose_lines(watch) && draw_frame(watch);
}

/* The default action of SIGTSTP, with the terminal restored while the process is stopped. */
static bool suspend_process(struct watch *watch)
{
	sigset_t stop;

	terminal_leave(&watch->terminal);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	raise(SIGTSTP);
	sys_sigprocmask(SIG_UNBLOCK, &stop, NULL);
	sys_sigprocmask(SIG_BLOCK, &stop, NULL);
	return take_terminal(watch) && refresh_screen(watch);
}

static bool handle_signal(struct watch *watch, int number)
{
	switch (number) {
	case SIGWINCH:
		terminal_measure(&watch->terminal);
		return compose_lines(watch) && draw_frame(watch);
	case SIGTSTP:
		return suspend_process(watch);
	case SIGCONT:
		return retake_terminal(watch);
	case SIGPIPE:
		return true;
	default:
		watch->fatal_signal = number == SIGINT ? 0 : number;
		watch->is_done = true;
		return true;
	}
}

static bool read_signals(struct watch *watch)
{
	struct signalfd_siginfo info;

	while (!watch->is_done && sys_read(watch->signal_fd, &info, sizeof(info)) == sizeof(info))
		if (!handle_signal(watch, (int)info.ssi_signo))
			return false;
	return true;
}

static bool handle_key(struct watch *watch, enum key key)
{
	unsigned page = count_body_rows(watch), top = watch->top;

	switch (key) {
	case KEY_QUIT:
		watch->is_done = true;
		return true;
	case KEY_REFRESH:
		return refresh_screen(watch);
	case KEY_UP:
		top -= top > 0;
		break;
	case KEY_DOWN:
		top++;
		break;
	case KEY_PAGE_UP:
		top = top > page ? top - page : 0;
		break;
	case KEY_PAGE_DOWN:
		top += page;
		break;
	case KEY_TOP:
		top = 0;
		break;
	case KEY_BOTTOM:
		top = watch->count;
		break;
	case KEY_NONE:
		return true;
	}
	watch->top = top;
	return draw_frame(watch);
}

static bool read_keys(struct watch *watch)
{
	unsigned char bytes[64];
	ssize_t n = sys_read(STDIN_FILENO, bytes, sizeof(bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n == 0)
		errno = EIO;
	if (n <= 0)
		return false;
	for (ssize_t i = 0; i < n && !watch->is_done; i++)
		if (!handle_key(watch, terminal_decode_key(&watch->keys, bytes[i])))
			return false;
	return true;
}

/* Waits for the next event (a signal, a key or the time of a snapshot) and handles it. */
static bool handle_next_event(struct watch *watch)
{
	struct pollfd fds[] = { { .fd = watch->signal_fd, .events = POLLIN },
				{ .fd = STDIN_FILENO, .events = POLLIN } };
	int64_t left_ms = watch->due_ms - clock_ms();

	if (left_ms <= 0)
		return refresh_screen(watch);
	if (sys_poll(fds, 2, (int)left_ms) < 0)
		return errno == EINTR;
	if (fds[0].revents != 0)
		return read_signals(watch);
	return fds[1].revents == 0 || read_keys(watch);
}

static bool open_watch(struct watch *watch, const char *pid_file, struct err *err)
{
	sigemptyset(&watch->mask);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		sigaddset(&watch->mask, caught[i]);
	if (!snapshot_open(&watch->snapshot, pid_file, err))
		return false;
	snapshot_take(&watch->snapshot);
	if (!watch->snapshot.has_board) {
		*err = watch->snapshot.problem;
		return false;
	}
	if (!snapshot_new_samples(&watch->samples) ||
	    sys_sigprocmask(SIG_BLOCK, &watch->mask, &watch->old_mask) < 0)
		return err_errno(err, CODE_OSERR, "cannot begin to watch");
	watch->signal_fd = sys_signalfd(-1, &watch->mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (watch->signal_fd < 0)
		err_errno(err, CODE_OSERR, "cannot make a signalfd");
	return watch->signal_fd >= 0;
}

static void close_watch(struct watch *watch)
{
	snapshot_close(&watch->snapshot);
	snapshot_free_samples(&watch->samples);
	free(watch->text);
	if (watch->signal_fd >= 0)
		sys_close(watch->signal_fd);
}

/* Ends the process by the signal, as its parent expects (wait(2)). */
static void end_by_signal(int number)
{
	sigset_t one;

	raise(number);
	sigemptyset(&one);
	sigaddset(&one, number);
	sys_sigprocmask(SIG_UNBLOCK, &one, NULL);
}

static bool run_loop(struct watch *watch, struct err *err)
{
	bool is_good = take_terminal(watch) && refresh_screen(watch);

	while (is_good && !watch->is_done)
		is_good = handle_next_event(watch);
	if (!is_good)
		err_errno(err, CODE_FAILED, "--watch: cannot go on showing");
	terminal_leave(&watch->terminal);
	return is_good;
}

enum exit_code watch_run(const char *pid_file, struct err *err)
{
	struct watch watch = { .signal_fd = -1, .lines = { .is_frame = true } };
	bool is_good;

	lines_detect(&watch.lines);
	is_good = terminal_check(err) && open_watch(&watch, pid_file, err) && run_loop(&watch, err);
	close_watch(&watch);
	if (watch.fatal_signal != 0)
		end_by_signal(watch.fatal_signal);
	return is_good ? CODE_OK : err->code;
}
