/* SPDX-License-Identifier: MIT */
/* Writes a configuration as a file that reads back to the same (declared in config/conf.h). */
#include <string.h>

#include "base/quote.h"
#include "config/conf.h"

static bool is_known(const struct option *option, const struct listen_conf *listener)
{
	return option->service[0] == '\0' || strcmp(option->service, listener->service) == 0;
}

static void print_section(enum option_section section, const void *object, const char *indent,
			  FILE *out)
{
	for (size_t i = 0; i < option_count; i++) {
		if (options[i].section != section)
			continue;
		if (section == SECTION_listen && !is_known(&options[i], object))
			continue;
		fputs(indent, out);
		option_write(&options[i], object, out);
		fputc('\n', out);
	}
}

void conf_print(const struct conf *conf, FILE *out)
{
	fputs("# ", out);
	quote_write(conf->origin, out);
	fputc('\n', out);
	print_section(SECTION_main, conf, "", out);
	fputs("\nlog {\n", out);
	print_section(SECTION_log, conf, "\t", out);
	fputs("}\n", out);
	for (size_t i = 0; i < conf->listener_count; i++) {
		fputs("\nlisten ", out);
		quote_write(conf->listeners[i].address, out);
		fputs(" {\n", out);
		print_section(SECTION_listen, &conf->listeners[i], "\t", out);
		fputs("}\n", out);
	}
}
