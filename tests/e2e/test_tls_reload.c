/* SPDX-License-Identifier: MIT */
/* Certificates at the start and at reloads: what is refused, and what is only warned of. */
#include "harness.h"

#include "process.h"
#include "unit/certified.h"

static struct server *start(char *conf, size_t size, const char *folder)
{
	snprintf(conf, size,
		 "workers = 2\nlog { level = debug }\n"
		 "tls \"site\" { certificate = \"%s/site.pem\"  key = \"%s/site.key\" }\n"
		 "listen \"127.0.0.1:0\" { service = echo  tls = site }\n",
		 folder, folder);
	return server_start(&(struct plan){ .conf = conf });
}

static void write_pair(const char *folder, const char *file, int end_days)
{
	certified_write(folder, &(struct certified){ .file = file,
						     .san = "DNS:site.example",
						     .begin_days = -9,
						     .end_days = end_days });
}

static void expect_refusal(struct server *s, const char *why)
{
	char out[2048];

	server_mark(s);
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 1);
	if (!strstr(out, why) || !strstr(out, "site.pem\""))
		server_fail(s, "the verb says: %s", out);
	server_wait_event(s, "reload_failed", NULL);
}

static void reload__with_a_key_of_another_pair__changes_nothing(void **state)
{
	const char *folder = harness_folder();
	char conf[1024], out[2048], from[128], to[128];
	struct server *s;
	pid_t before;

	(void)state;
	write_pair(folder, "site", 90);
	write_pair(folder, "new", 90);
	s = start(conf, sizeof(conf), folder);
	before = server_worker(s, 0);
	s->errors[0] = "reload_failed";
	snprintf(from, sizeof(from), "%s/new.key", folder);
	snprintf(to, sizeof(to), "%s/site.key", folder);
	assert_int_equal(rename(from, to), 0);
	expect_refusal(s, "site.key\" does not belong to the certificate in ");
	assert_int_equal(server_worker(s, 0), before);
	snprintf(from, sizeof(from), "%s/new.pem", folder);
	snprintf(to, sizeof(to), "%s/site.pem", folder);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 0);
	server_stop(s);
}

static void certificate__that_has_expired__is_warned_of_at_the_start_and_at_reloads(void **state)
{
	const char *folder = harness_folder();
	char conf[1024], out[2048];
	struct server *s;

	(void)state;
	write_pair(folder, "site", -3);
	s = start(conf, sizeof(conf), folder);
	if (!strstr(server_wait_event(s, "environment_warned", NULL), "expired 2 days ago"))
		server_fail(s, "the log does not say when it expired");
	write_pair(folder, "site", 6);
	server_mark(s);
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 0);
	if (!strstr(server_wait_event(s, "environment_warned", NULL), "expires in 6 days"))
		server_fail(s, "the log does not say when it expires");
	server_stop(s);
}

/* What is served already is no worse after the reload. */
static void reload__that_brings_an_expired_certificate__changes_nothing(void **state)
{
	const char *folder = harness_folder();
	char conf[1024], out[2048];
	struct server *s;
	pid_t before;

	(void)state;
	write_pair(folder, "site", 90);
	s = start(conf, sizeof(conf), folder);
	before = server_worker(s, 0);
	s->errors[0] = "reload_failed";
	write_pair(folder, "site", -3);
	expect_refusal(s, " UTC (renew it)");
	certified_write(folder, &(struct certified){ .file = "site",
						     .san = "DNS:site.example",
						     .begin_days = 2,
						     .end_days = 9 });
	expect_refusal(s, " UTC (is the clock right?)");
	assert_int_equal(server_worker(s, 0), before);
	write_pair(folder, "site", 90);
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 0);
	server_stop(s);
}

static void reload__with_the_expired_certificate_that_is_served__succeeds(void **state)
{
	const char *folder = harness_folder();
	char conf[1024], out[2048];
	struct server *s;

	(void)state;
	write_pair(folder, "site", -3);
	s = start(conf, sizeof(conf), folder);
	s->errors[0] = "reload_failed";
	assert_int_equal(server_verb(s, "reload", out, sizeof(out)), 0);
	server_wait_count(s, 2, "environment_warned", NULL);
	write_pair(folder, "site", -2);
	expect_refusal(s, " UTC (renew it)");
	server_stop(s);
}

static void worker__that_dies__is_replaced_beside_tls(void **state)
{
	const char *folder = harness_folder();
	char conf[1024];
	struct server *s;

	(void)state;
	write_pair(folder, "site", 90);
	s = start(conf, sizeof(conf), folder);
	server_mark(s);
	kill(server_worker(s, 0), SIGKILL);
	server_wait_event(s, "worker_ready", NULL);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(reload__with_a_key_of_another_pair__changes_nothing),
		E2E(certificate__that_has_expired__is_warned_of_at_the_start_and_at_reloads),
		E2E(reload__that_brings_an_expired_certificate__changes_nothing),
		E2E(reload__with_the_expired_certificate_that_is_served__succeeds),
		E2E(worker__that_dies__is_replaced_beside_tls),
	};

	return E2E_RUN(tests);
}
