/* SPDX-License-Identifier: MIT */
/* Names the module's file, and has it tried. */
#include "unit/loading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/sys.h"
#include "master/trial/service_trial.h"

void loading_set(struct loading *s, const char *name, const char *argument)
{
	snprintf(s->path, sizeof(s->path), "%s/tests/modules/%s.so", getenv("TOP_BUILDDIR"), name);
	s->texts[0] = (char *)(uintptr_t)argument;
	s->listens[0] = (struct listen_conf){
		.address = "a:1", .origin = "x.conf:1", .service = "echo", .module = ""
	};
	s->listens[1] = (struct listen_conf){ .address = "a:2",
					      .origin = "x.conf:2",
					      .service = "module",
					      .module = s->path,
					      .arguments = { s->texts, argument ? 1 : 0 } };
	s->conf = (struct conf){ .listeners = s->listens, .listener_count = 2, .chroot = "" };
	s->identity = (struct identity){ 0 };
	s->err.text[0] = '\0';
	s->is_untried = false;
}

bool loading_try(struct loading *s, const char *name, const char *argument)
{
	loading_set(s, name, argument);
	return service_trial_run(&s->conf, &s->identity, s->facts, &s->err);
}

void loading_expect_no_child(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}
