/* SPDX-License-Identifier: MIT */
/*
 * Feeds each file named on the command line to a fuzz target, without a fuzzer: any compiler
 * will do.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { INPUT_MOST = 1 << 20 };

static int replay(const char *path, uint8_t *bytes)
{
	FILE *file = fopen(path, "rbe");
	uint8_t *exact;
	size_t size;

	if (file == NULL) {
		perror(path);
		return 1;
	}
	size = fread(bytes, 1, INPUT_MOST, file);
	fclose(file);
	/* of that exact size, so that a sanitizer sees a read beyond it */
	exact = malloc(size > 0 ? size : 1);
	if (exact == NULL)
		return 1;
	for (size_t i = 0; i < size; i++)
		exact[i] = bytes[i];
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	uint8_t *bytes = malloc(INPUT_MOST);
	int failed = bytes == NULL;

	for (int i = 1; i < argc && !failed; i++)
		failed = replay(argv[i], bytes);
	free(bytes);
	return failed;
}
