/* SPDX-License-Identifier: MIT */
/*
 * Looks, composes, draws, and hears keys and signals, over and over. Composed are the lines of the
 * whole screen, drawn is what of them the terminal has room for, by one write(2) over what was
 * there. It must not end otherwise than through watch_run, which restores the terminal.
 *
 *   look (each second, refresh) --> compose (new size) --> draw (scrolling)
 */
#include "ctl/watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/sys.h"
#include "ctl/status_screen.h"
#include "ctl/terminal.h"

enum { EACH_MS = 1000, BAR_ROWS = 1 };

/* All that may end or stop it, so that none does so with the terminal taken. */
static const int heard[] = { SIGINT,    SIGQUIT, SIGTERM, SIGHUP,  SIGTSTP, SIGCONT,
			     SIGWINCH,  SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU,
			     SIGVTALRM, SIGPROF, SIGIO,   SIGPWR,  SIGXFSZ, SIGSTKFLT };

struct watch {
	struct terminal terminal;
	struct snapshot look;
	struct samples samples;
	struct terminal_keys keys;
	struct screen style; /* as the screens are to be, all but the output */
	sigset_t before, heard;
	int signals;
	char *lines; /* composed, each ended by a newline */
	size_t size;
	unsigned count, top; /* of the lines; the first one that is drawn */
	int64_t due_ms;      /* of the next look */
	bool is_over;
	int deadly; /* the signal that ends the process, 0: none */
};

static void write_screen(struct watch *watch, struct screen *screen)
{
	if (watch->look.problem.text[0] != '\0')
		screen_wrap(screen, STYLE_BAD, 0, watch->look.problem.text);
	if (watch->look.has_board) {
		status_screen_write(&watch->look, &watch->samples, screen);
		return;
	}
	screen_put(screen, STYLE_DIM, "It is shown here as soon as it runs.");
	screen_end(screen);
}

static bool compose(struct watch *watch)
{
	struct screen screen = watch->style;
	char *lines = NULL;
	size_t size = 0;

	screen.out = open_memstream(&lines, &size);
	if (screen.out == NULL)
		return false;
	screen.width = watch->terminal.columns;
	write_screen(watch, &screen);
	if (fclose(screen.out) != 0) {
		free(lines);
		return false;
	}
	free(watch->lines);
	watch->lines = lines;
	watch->size = size;
	watch->count = 0;
	for (size_t i = 0; i < size; i++)
		watch->count += lines[i] == '\n';
	return true;
}

static unsigned body_rows(const struct watch *watch)
{
	return watch->terminal.rows > BAR_ROWS ? watch->terminal.rows - BAR_ROWS : 1;
}

static void clamp_top(struct watch *watch)
{
	unsigned rows = body_rows(watch), most = watch->count > rows ? watch->count - rows : 0;

	if (watch->top > most)
		watch->top = most;
}

static void write_bar(const struct watch *watch, struct screen *screen, unsigned shown)
{
	unsigned below = watch->count - watch->top - shown;
	time_t now = watch->look.report.now_s;
	char hour[16] = "";
	struct tm tm;

	if (localtime_r(&now, &tm) != NULL)
		strftime(hour, sizeof(hour), "%H:%M:%S", &tm);
	screen_say(screen, STYLE_BAR, " %s ", hour);
	if (shown < watch->count)
		screen_say(screen, below > 0 ? STYLE_ALERT : STYLE_BAR,
			   " lines %u-%u of %u, %u more below ", watch->top + 1, watch->top + shown,
			   watch->count, below);
	screen_say(screen, STYLE_BAR, " q quits, %s",
		   shown < watch->count ? "arrows scroll" : "space refreshes");
	screen_cell(screen, STYLE_BAR, "", screen->width - screen->column, true);
}

/*
 * Every row of the terminal is written: what was there before is gone without being cleared first.
 */
static void write_frame(const struct watch *watch, struct screen *screen)
{
	unsigned rows = body_rows(watch), shown = 0, skipped = 0;
	const char *line = watch->lines, *end = watch->lines + watch->size;

	for (; line < end && skipped < watch->top; skipped++)
		line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
	fputs("\033[H", screen->out);
	for (; line < end && shown < rows; shown++) {
		const char *next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;

		fwrite(line, 1, (size_t)(next - line) - 1, screen->out);
		line = next;
		if (shown + 1 < rows || watch->terminal.rows > BAR_ROWS)
			fputs("\r\n", screen->out);
	}
	if (watch->terminal.rows <= BAR_ROWS)
		return;
	for (unsigned i = shown; i < rows; i++)
		fputs("\033[K\r\n", screen->out);
	write_bar(watch, screen, shown);
}

static bool draw(struct watch *watch)
{
	struct screen screen = watch->style;
	char *frame = NULL;
	size_t size = 0;
	bool is_good;

	clamp_top(watch);
	screen.out = open_memstream(&frame, &size);
	if (screen.out == NULL)
		return false;
	screen.width = watch->terminal.columns;
	write_frame(watch, &screen);
	is_good = fclose(screen.out) == 0 && terminal_write(frame, size);
	free(frame);
	return is_good;
}

static bool refresh(struct watch *watch)
{
	snapshot_take(&watch->look);
	if (watch->look.has_board)
		snapshot_add_sample(&watch->samples, &watch->look.report);
	watch->due_ms = clock_ms() + EACH_MS;
	return compose(watch) && draw(watch);
}

/*
 * In the background the kernel stops whoever sets a terminal's modes, for as long as it is there.
 * Until the terminal is taken, a signal may end this process as usual.
 */
static bool take(struct watch *watch)
{
	bool is_ours;

	sys_sigprocmask(SIG_SETMASK, &watch->before, NULL);
	is_ours = terminal_wait_foreground();
	sys_sigprocmask(SIG_BLOCK, &watch->heard, NULL);
	return is_ours && terminal_take(&watch->terminal);
}

/* The terminal may have another size, and anything may stand on it. */
static bool retake(struct watch *watch)
{
	return terminal_take(&watch->terminal) && compose(watch) && draw(watch);
}

/* As if Ctrl-Z had found no one to hear it, but with the terminal restored meanwhile. */
static bool suspend(struct watch *watch)
{
	sigset_t stop;

	terminal_leave(&watch->terminal);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	raise(SIGTSTP);
	sys_sigprocmask(SIG_UNBLOCK, &stop, NULL);
	sys_sigprocmask(SIG_BLOCK, &stop, NULL);
	return take(watch) && refresh(watch);
}

static bool obey_signal(struct watch *watch, int number)
{
	switch (number) {
	case SIGWINCH:
		terminal_measure(&watch->terminal);
		return compose(watch) && draw(watch);
	case SIGTSTP:
		return suspend(watch);
	case SIGCONT:
		return retake(watch);
	case SIGPIPE:
		return true;
	default:
		watch->deadly = number == SIGINT ? 0 : number;
		watch->is_over = true;
		return true;
	}
}

static bool hear_signals(struct watch *watch)
{
	struct signalfd_siginfo info;

	while (!watch->is_over && sys_read(watch->signals, &info, sizeof(info)) == sizeof(info))
		if (!obey_signal(watch, (int)info.ssi_signo))
			return false;
	return true;
}

static bool obey_key(struct watch *watch, enum key key)
{
	unsigned page = body_rows(watch), top = watch->top;

	switch (key) {
	case KEY_QUIT:
		watch->is_over = true;
		return true;
	case KEY_REFRESH:
		return refresh(watch);
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
	return draw(watch);
}

static bool hear_keys(struct watch *watch)
{
	unsigned char bytes[64];
	ssize_t n = sys_read(STDIN_FILENO, bytes, sizeof(bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n == 0)
		errno = EIO;
	if (n <= 0)
		return false;
	for (ssize_t i = 0; i < n && !watch->is_over; i++)
		if (!obey_key(watch, terminal_decode_key(&watch->keys, bytes[i])))
			return false;
	return true;
}

/* One turn: waits until something is to be done, and does it. */
static bool turn(struct watch *watch)
{
	struct pollfd fds[] = { { .fd = watch->signals, .events = POLLIN },
				{ .fd = STDIN_FILENO, .events = POLLIN } };
	int64_t left_ms = watch->due_ms - clock_ms();

	if (left_ms <= 0)
		return refresh(watch);
	if (sys_poll(fds, 2, (int)left_ms) < 0)
		return errno == EINTR;
	if (fds[0].revents != 0)
		return hear_signals(watch);
	return fds[1].revents == 0 || hear_keys(watch);
}

static bool begin(struct watch *watch, const char *pid_file, struct err *err)
{
	sigemptyset(&watch->heard);
	for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++)
		sigaddset(&watch->heard, heard[i]);
	if (!snapshot_open(&watch->look, pid_file, err))
		return false;
	snapshot_take(&watch->look);
	if (!watch->look.has_board) {
		*err = watch->look.problem;
		return false;
	}
	if (!snapshot_new_samples(&watch->samples) ||
	    sys_sigprocmask(SIG_BLOCK, &watch->heard, &watch->before) < 0)
		return err_errno(err, CODE_OSERR, "cannot begin to watch");
	watch->signals = sys_signalfd(-1, &watch->heard, SFD_NONBLOCK | SFD_CLOEXEC);
	if (watch->signals < 0)
		err_errno(err, CODE_OSERR, "cannot make a signalfd");
	return watch->signals >= 0;
}

static void end(struct watch *watch)
{
	snapshot_close(&watch->look);
	snapshot_free_samples(&watch->samples);
	free(watch->lines);
	if (watch->signals >= 0)
		sys_close(watch->signals);
}

/* The one who sent it is to see that it has worked. */
static void die(int number)
{
	sigset_t one;

	raise(number);
	sigemptyset(&one);
	sigaddset(&one, number);
	sys_sigprocmask(SIG_UNBLOCK, &one, NULL);
}

static bool watch_on(struct watch *watch, struct err *err)
{
	bool is_good = take(watch) && refresh(watch);

	while (is_good && !watch->is_over)
		is_good = turn(watch);
	if (!is_good)
		err_errno(err, CODE_FAILED, "--watch: cannot go on showing");
	terminal_leave(&watch->terminal);
	return is_good;
}

enum exit_code watch_run(const char *pid_file, struct err *err)
{
	struct watch watch = { .signals = -1, .style = { .is_frame = true } };
	bool is_good;

	screen_detect(&watch.style);
	is_good = terminal_check(err) && begin(&watch, pid_file, err) && watch_on(&watch, err);
	end(&watch);
	if (watch.deadly != 0)
		die(watch.deadly);
	return is_good ? CODE_OK : err->code;
}
