/* SPDX-License-Identifier: MIT */
/*
 * The command line: reads the flags, picks one action and returns its exit code. It must not do any
 * of the actions itself; a server is started here, after the checks that -t makes too. Only this
 * file prints an error on stderr.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/proctitle.h"
#include "base/quote.h"
#include "base/stdio.h"
#include "base/sys.h"
#include "base/units.h"
#include "config/conf.h"
#include "config/conf_cmdline.h"
#include "config/conf_load.h"
#include "config/manual.h"
#include "config/signals.h"
#include "ctl/configtest.h"
#include "ctl/control.h"
#include "master/master.h"
#include "net/systemd.h"

struct invocation {
	int action; /* letter of the flag for it; 0: serve */
	struct master_options options;
	const char *parameter;       /* of -s or -P */
	struct control_options wish; /* of -s */
	char here[PATH_MAX];         /* the base of relative names */
};

static bool choose_action(struct invocation *command, int letter, const char *parameter,
			  struct err *err)
{
	if (command->action != 0 && command->action != letter)
		return err_set(err, CODE_USAGE, "-%c and -%c do not go together", command->action,
			       letter);
	command->action = letter;
	command->parameter = parameter;
	return true;
}

static bool append_text(const char ***list, size_t *count, const char *text, struct err *err)
{
	const char **more = reallocarray(*list, *count + 1, sizeof(*more));

	if (more == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep the command line");
	more[(*count)++] = text;
	*list = more;
	return true;
}

/*
 * A reader is expected at the other end, so the descriptor must be open, and no child may keep it
 * open. A standard descriptor is replaced by /dev/null, because a worker keeps those.
 */
static bool take_ready_fd(struct invocation *command, const char *text, struct err *err)
{
	char shown[QUOTE_TEXT];
	int64_t number;
	int fd;

	if (!units_read_count(text, &number) || number > INT_MAX)
		return err_set(err, CODE_USAGE, "--ready-fd %s: is not a number of a descriptor",
			       quote_show(text, shown));
	fd = sys_fcntl_int((int)number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (fd < 0)
		return err_errno(err, CODE_USAGE, "--ready-fd %d: is not open", (int)number);
	sys_close((int)number);
	stdio_fill(false);
	command->options.ready_fd = fd;
	return true;
}

static bool take_flag(void *owner, int letter, const char *value, struct err *err)
{
	struct invocation *command = owner;
	struct conf_source *source = &command->options.source;

	switch (letter) {
	case 'c':
		source->file = value;
		return true;
	case 'w':
		source->workers = value;
		return true;
	case 'p':
		source->pid_file = value;
		return true;
	case 'l':
		return append_text(&source->listeners, &source->listener_count, value, err);
	case 'o':
		return append_text(&source->overrides, &source->override_count, value, err);
	case 'd':
		command->options.daemon = true;
		return true;
	case 'q':
		command->options.quiet = true;
		return true;
	case FLAG_READY_FD:
		return take_ready_fd(command, value, err);
	case FLAG_JSON:
		command->wish.json = true;
		return true;
	case FLAG_WATCH:
		command->wish.watch = true;
		return true;
	default:
		return choose_action(command, letter, value, err);
	}
}

/* --json and --watch go with one verb only. */
static bool check_wish(struct invocation *command, struct err *err)
{
	struct control_options *wish = &command->wish;
	bool is_status = command->action == 's' && strcmp(command->parameter, "status") == 0;
	const char *name = wish->watch ? "watch" : "json";

	wish->verb = command->parameter;
	wish->quiet = command->options.quiet;
	if (command->action == 's' && !control_check_argument(wish, err))
		return false;
	if (!wish->json && !wish->watch)
		return true;
	if (!is_status)
		return err_set(err, CODE_USAGE, "--%s: goes with -s status only", name);
	if (wish->json && wish->watch)
		return err_set(err, CODE_USAGE, "--json and --watch do not go together");
	if (wish->quiet)
		return err_set(err, CODE_USAGE, "-q and --%s do not go together", name);
	return true;
}

/*
 * The words from argv[end] on are a program when they stand behind a "--". `given` is argv as it
 * was before words in front of the "--" were moved behind it.
 */
static bool take_words(struct invocation *command, char **given, char **argv, int end,
		       struct err *err)
{
	char shown[QUOTE_TEXT];

	if (end > 0 && strcmp(given[end - 1], "--") == 0 && given[end] == argv[end]) {
		command->options.source.program = argv + end;
		return true;
	}
	/* of a verb; others refuse it (check_wish) */
	if (command->action == 's' && argv[end + 1] == NULL) {
		command->wish.argument = argv[end];
		return true;
	}
	return err_set(err, CODE_USAGE, "%s: no arguments are taken (-h lists the flags)",
		       quote_show(argv[end], shown));
}

static bool read_flags(struct invocation *command, int argc, char **argv, struct err *err)
{
	char **given = calloc((size_t)argc + 1, sizeof(*given));
	bool is_good;
	int end;

	if (given == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep the command line");
	memcpy(given, argv, (size_t)argc * sizeof(*given));
	end = flags_read(flags_of_server, argc, argv, take_flag, command, err);
	is_good = end >= 0 && (end == argc || take_words(command, given, argv, end, err));
	free(given);
	return is_good && check_wish(command, err);
}

static void print_help(void)
{
	puts("usage: prefork-srv [flags] [-- PROGRAM [ARGUMENTS]]\n"
	     "A pre-fork TCP server. Without flags it serves 127.0.0.1:8080=status (a live\n"
	     "page) and 127.0.0.1:8081=ack; with -l 8000 -- PROGRAM, copies of PROGRAM serve.");
	flags_help(flags_of_server, stdout);
	puts("\nVerbs of -s:\n"
	     " "
#define VERB(name, signal, argument, sentence) " " #name
#include "tables/verbs.def"
	     "\nManuals: prefork-srv(8), prefork-srv.conf(5)");
}

static enum exit_code print_table(const char *name, struct err *err)
{
	char all[256], shown[QUOTE_TEXT];

	if (!manual_print(name, stdout))
		err_set(err, CODE_USAGE, "-P %s: is not a table (%s)", quote_show(name, shown),
			manual_tables(all, sizeof(all)));
	return err->code;
}

/* The checks come before anything is begun, and before the master detaches. */
static enum exit_code serve(struct invocation *command, struct err *err)
{
	struct master_options *asked = &command->options;
	struct prestart_found found;
	char *directory = NULL;
	struct conf *conf;

	systemd_start();
	log_role("master", -1);
	if (asked->source.directory == NULL)
		asked->source.directory = directory = sys_getcwd(NULL, 0);
	conf = configtest_pass(&asked->source, asked->daemon, &found, err);
	if (conf != NULL) {
		master_run(asked, conf, &found, err);
		prestart_forget(&found);
	} else if (asked->ready_fd >= 0) {
		sys_close(asked->ready_fd);
	}
	free(directory);
	return err->code;
}

static enum exit_code run_action(struct invocation *command, struct err *err)
{
	const struct configtest_options wish = { .print = command->action == 'T',
						 .daemon = command->options.daemon,
						 .quiet = command->options.quiet };

	/* only a server reads its signals; any other action may be interrupted as usual */
	if (command->action != 0)
		signals_restore(signals_changed());
	switch (command->action) {
	case 'h':
		print_help();
		return CODE_OK;
	case 'V':
		puts("prefork-srv " PACKAGE_VERSION);
		return CODE_OK;
	case 'P':
		return print_table(command->parameter, err);
	case 't':
	case 'T':
		return configtest_run(&command->options.source, &wish, err);
	case 's':
		return control_run(&command->wish, &command->options.source, err);
	default:
		return serve(command, err);
	}
}

/* A server must exit even when stderr is not read. */
static void print_error(const struct invocation *command, const struct err *err)
{
	char line[sizeof(err->text) + 32];

	snprintf(line, sizeof(line), "prefork-srv: %s\n", err->text);
	if (command->action == 0)
		stdio_say_last(line);
	else
		fputs(line, stderr);
}

int main(int argc, char **argv)
{
	struct invocation command = { .options = { .ready_fd = -1 } };
	struct err err = { .code = CODE_OK };
	enum exit_code code;

	if (!signals_block())
		err_errno(&err, CODE_OSERR, "cannot block signals");
	proctitle_start(argc, argv);
	stdio_fill(false);
	if (getcwd(command.here, sizeof(command.here)) != NULL)
		command.options.source.directory = command.here;
	if (err.text[0] == '\0' && read_flags(&command, argc, argv, &err)) {
		code = run_action(&command, &err);
		if (!stdio_flush(&err))
			code = err.code;
	} else {
		code = err.code;
	}
	if (err.text[0] != '\0')
		print_error(&command, &err);
	free(command.options.source.listeners);
	free(command.options.source.overrides);
	return (int)code;
}
