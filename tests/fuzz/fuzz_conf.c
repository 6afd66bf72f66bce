/* SPDX-License-Identifier: MIT */
/*
 * A whole configuration file from memory. A file that loads must print to a text that loads and
 * prints to the same.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/conf.h"
#include "config/conf_load.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct conf *load_bytes(const void *bytes, size_t size)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);
	struct conf_source source = { 0 };
	char path[64];
	struct conf *conf;
	struct err err;

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	source.file = path;
	conf = conf_load(&source, &err);
	if (conf == NULL && err.text[0] == '\0')
		abort();
	close(fd);
	return conf;
}

static char *print(const struct conf *conf, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (out == NULL)
		abort();
	conf_print(conf, out);
	fclose(out);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct conf *first = load_bytes(bytes, size), *second;
	size_t first_size, second_size;
	char *one, *two;

	if (first == NULL)
		return 0;
	one = print(first, &first_size);
	second = load_bytes(one, first_size);
	if (second == NULL)
		abort();
	two = print(second, &second_size);
	if (strcmp(one, two) != 0)
		abort();
	free(one);
	free(two);
	conf_free(first);
	conf_free(second);
	return 0;
}
