/* SPDX-License-Identifier: MIT */
/* Shared by the tests of configurations. */
#include "unit/configured.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "config/conf_load.h"
#include "unit/folder.h"

struct conf *configured_load(const char *folder, const char *text, struct err *err)
{
	struct conf_source source = { .file = "x.conf", .directory = folder };

	folder_write(folder, "x.conf", text);
	return conf_load(&source, err);
}

struct conf *configured_load_good(const char *folder, const char *text)
{
	struct err err;
	struct conf *conf = configured_load(folder, text, &err);

	if (!conf)
		fail_msg("%s", err.text);
	return conf;
}

char *configured_print(const struct conf *conf)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	conf_print(conf, out);
	fclose(out);
	return text;
}
