/* SPDX-License-Identifier: MIT */
/* Names the options one by one. */
#include "services/exec/exec_options.h"

struct command_options exec_options(const struct conf *conf, const struct listen_conf *listen)
{
	return (struct command_options){
		.words = listen->command.texts,
		.word_count = listen->command.count,
		.environment = listen->environment.texts,
		.environment_count = listen->environment.count,
		.user = listen->user,
		.group = listen->group,
		.directory = listen->directory,
		.nice = listen->nice,
		.limit_memory = listen->limit_memory,
		.limit_files = listen->limit_files,
		.limit_processes = listen->limit_processes,
		.limit_core = listen->limit_core,
		.umask = (mode_t)conf->umask,
	};
}
