/* SPDX-License-Identifier: MIT */
/* Copies modules. */
#include "modules.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

char modules_path[96];

void modules_install(const char *name)
{
	char from[512], fresh[112];
	struct stat st;
	int in, out;

	snprintf(from, sizeof(from), "%s/tests/modules/%s.so", getenv("TOP_BUILDDIR"), name);
	snprintf(fresh, sizeof(fresh), "%s.new", modules_path);
	in = open(from, O_RDONLY | O_CLOEXEC);
	out = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	if (in < 0 || out < 0 || fstat(in, &st) < 0 ||
	    sendfile(out, in, NULL, (size_t)st.st_size) != st.st_size)
		fail_msg("%s cannot be copied: %s", from, strerror(errno));
	close(in);
	close(out);
	assert_int_equal(rename(fresh, modules_path), 0);
}

/* A crash is a crash: a sanitizer would report it, and leave with an exit code. */
static void leave_signals(void)
{
	const char *before = getenv("ASAN_OPTIONS");
	char options[1024];

	snprintf(options, sizeof(options),
		 "%s:handle_segv=0:handle_abort=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0",
		 before ? before : "");
	setenv("ASAN_OPTIONS", options, 1);
}

void modules_begin(const char *name)
{
	const char *folder = harness_folder();

	leave_signals();
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(modules_path, sizeof(modules_path), "%s/in_use.so", folder);
	modules_install(name);
}

const char *modules_listen(const char *options)
{
	static char text[256];

	snprintf(text, sizeof(text), "127.0.0.1:0=module,module=%s%s", modules_path, options);
	return text;
}

unsigned modules_ended(struct server *s, const char *reason)
{
	char field[64];

	snprintf(field, sizeof(field), "ending=%s", reason);
	return server_count(s, "connection_ended", field);
}
