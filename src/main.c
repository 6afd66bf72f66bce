/* SPDX-License-Identifier: MIT */
/*
 * The command line: reads the flags, picks one action and returns its exit code. Must not do
 * any of the actions itself. The only place that prints an error on stderr.
 */
/* getopt.h and core/option.h both have a struct option */
#define option getopt_row
#include <getopt.h>
#undef option

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/sys.h"
#include "base/title.h"
#include "base/units.h"
#include "core/conf.h"
#include "core/flags.h"
#include "core/manual.h"
#include "core/notify.h"
#include "core/quote.h"
#include "core/signals.h"
#include "master/control.h"
#include "master/environment.h"
#include "master/master.h"
#include "master/preflight.h"

struct command {
	int action; /* letter of the flag that asks for it; 0: serve */
	struct master_options options;
	const char *parameter;    /* of -s or -P */
	struct control_wish wish; /* of -s */
	char here[PATH_MAX];      /* where relative names start */
};

enum { FLAGS_MOST = 32 };

/*
 * The table in getopt_long's two forms. "+" stops at the first argument, ":" tells a missing
 * value apart.
 */
static void make_getopt(char *letters, struct getopt_row *rows)
{
	BUG_ON(flag_count >= FLAGS_MOST);
	*letters++ = '+';
	*letters++ = ':';
	for (size_t i = 0; i < flag_count; i++) {
		bool has_value = flags[i].argument[0] != '\0';

		rows[i] = (struct getopt_row){ flags[i].name, has_value, NULL, flags[i].letter };
		if (flags[i].letter < 32)
			continue;
		*letters++ = (char)flags[i].letter;
		if (has_value)
			*letters++ = ':';
	}
	*letters = '\0';
}

static const struct flag *find_flag(int letter)
{
	for (size_t i = 0; i < flag_count; i++)
		if (flags[i].letter == letter)
			return &flags[i];
	return NULL;
}

static bool refuse(int result, char **argv, struct err *err)
{
	const struct flag *flag = optopt != 0 ? find_flag(optopt) : NULL;
	char shown[QUOTE_TEXT], letter[] = { '-', (char)optopt, '\0' };

	if (result == ':' && flag != NULL)
		return err_set(err, CODE_USAGE, "--%s: a value is missing (%s)", flag->name,
			       flag->argument);
	if (flag != NULL)
		return err_set(err, CODE_USAGE, "--%s: takes no value", flag->name);
	return err_set(err, CODE_USAGE, "%s: unknown flag (-h lists them)",
		       quote_show(optopt != 0 ? letter : argv[optind - 1], shown));
}

static bool choose(struct command *command, int letter, const char *parameter, struct err *err)
{
	if (command->action != 0 && command->action != letter)
		return err_set(err, CODE_USAGE, "-%c and -%c do not go together", command->action,
			       letter);
	command->action = letter;
	command->parameter = parameter;
	return true;
}

/* A standard descriptor that is closed would be given to a socket, and messages would go there. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = sys_open("/dev/null", O_RDWR, 0);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		sys_close(fd);
}

static bool append(const char ***list, size_t *count, const char *text, struct err *err)
{
	const char **more = reallocarray(*list, *count + 1, sizeof(*more));

	if (more == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep the command line");
	more[(*count)++] = text;
	*list = more;
	return true;
}

/*
 * The number is a promise that something reads the other end: it must be open, and no child may
 * keep it open. A standard descriptor is given back as /dev/null, for a worker keeps those.
 */
static bool take_ready_fd(struct command *command, const char *text, struct err *err)
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
	fill_standard_descriptors();
	command->options.ready_fd = fd;
	return true;
}

static bool take(struct command *command, int letter, const char *value, struct err *err)
{
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
		return append(&source->listeners, &source->listener_count, value, err);
	case 'o':
		return append(&source->overrides, &source->override_count, value, err);
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
		return choose(command, letter, value, err);
	}
}

/* --json and --watch change what one verb shows, and nothing else. */
static bool check_wish(struct command *command, struct err *err)
{
	struct control_wish *wish = &command->wish;
	bool is_status = command->action == 's' && strcmp(command->parameter, "status") == 0;
	const char *name = wish->watch ? "watch" : "json";

	wish->verb = command->parameter;
	wish->quiet = command->options.quiet;
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

static bool read_flags(struct command *command, int argc, char **argv, struct err *err)
{
	struct getopt_row rows[FLAGS_MOST] = { 0 };
	char letters[2 * FLAGS_MOST + 3], shown[QUOTE_TEXT];
	int letter;

	make_getopt(letters, rows);
	opterr = 0;
	while ((letter = getopt_long(argc, argv, letters, rows, NULL)) != -1) {
		if (letter == '?' || letter == ':')
			return refuse(letter, argv, err);
		if (!take(command, letter, optarg, err))
			return false;
	}
	if (optind < argc)
		return err_set(err, CODE_USAGE, "%s: no arguments are taken (-h lists the flags)",
			       quote_show(argv[optind], shown));
	return check_wish(command, err);
}

static void print_help(void)
{
	puts("usage: prefork-srv [flags]\n"
	     "A pre-fork TCP server. Without flags it serves 127.0.0.1:8080=status (a live\n"
	     "page) and 127.0.0.1:8081=ack.\n");
	for (size_t i = 0; i < flag_count; i++) {
		char name[64];

		snprintf(name, sizeof(name), "--%s %s", flags[i].name, flags[i].argument);
		if (flags[i].letter < 32)
			printf("      %-21s %s\n", name, flags[i].sentence);
		else
			printf("  -%c, %-21s %s\n", flags[i].letter, name, flags[i].sentence);
	}
	puts("\nVerbs of -s:\n"
	     " "
#define VERB(name, signal, sentence) " " #name
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

/* -t and -T: what is wrong around the server goes to stderr, what was asked for to stdout. */
static enum exit_code check(const struct command *command, struct err *err)
{
	struct conf *conf = environment_load(&command->options.source, err);
	enum exit_code code;

	if (conf == NULL)
		return err->code;
	if (command->action == 'T')
		conf_print(conf, stdout);
	code = preflight_check(conf, stderr);
	if (code == CODE_OK && command->action == 't' && !command->options.quiet)
		printf("prefork-srv: configuration %s is in order\n", conf->origin);
	conf_free(conf);
	return code;
}

static enum exit_code act(const struct command *command, struct err *err)
{
	/* only a server reads its signals; anything else may be interrupted as usual */
	if (command->action != 0)
		signals_restore();
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
		return check(command, err);
	case 's':
		return control_run(&command->wish, &command->options.source, err);
	default:
		notify_start();
		return master_run(&command->options, err);
	}
}

/* Output that did not arrive (a full disk, a closed pipe) must not look like success. */
static bool flush_output(struct err *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	return err->text[0] != '\0' || err_errno(err, CODE_OSERR, "cannot write to stdout");
}

int main(int argc, char **argv)
{
	struct command command = { .options = { .ready_fd = -1 } };
	struct err err = { .code = CODE_OK };
	enum exit_code code;

	if (!signals_block())
		err_errno(&err, CODE_OSERR, "cannot block signals");
	title_start(argc, argv);
	fill_standard_descriptors();
	if (getcwd(command.here, sizeof(command.here)) != NULL)
		command.options.source.directory = command.here;
	if (err.text[0] == '\0' && read_flags(&command, argc, argv, &err)) {
		code = act(&command, &err);
		if (!flush_output(&err))
			code = err.code;
	} else {
		code = err.code;
	}
	if (err.text[0] != '\0')
		fprintf(stderr, "prefork-srv: %s\n", err.text);
	free(command.options.source.listeners);
	free(command.options.source.overrides);
	return (int)code;
}
