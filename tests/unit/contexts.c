/* SPDX-License-Identifier: MIT */
/* Shared by the tests of contexts and tickets. */
#include "unit/contexts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tls/warm_up.h"
#include "unit/certified.h"
#include "unit/configured.h"
#include "unit/folder.h"

void contexts_write(const char *folder, const char *text, char *to, size_t size)
{
	size_t used = 0;

	for (; *text != '\0' && used + strlen(folder) + 2 < size; text++) {
		if (*text != '@') {
			to[used++] = *text;
			continue;
		}
		memcpy(to + used, folder, strlen(folder));
		used += strlen(folder);
	}
	to[used] = '\0';
}

bool contexts_try(struct contexts *set, const char *folder, const char *text, struct err *err)
{
	char whole[4096];

	*set = (struct contexts){ .conf = NULL };
	contexts_write(folder, text, whole, sizeof(whole));
	set->conf = configured_load_good(folder, whole);
	set->sites = tls_sites_new(set->conf, err);
	if (!set->sites)
		return false;
	assert_true(tls_ticket_keys_start(&set->keys, 1000, err));
	tls_sites_use_keys(set->sites, &set->keys);
	return true;
}

void contexts_open(struct contexts *set, const char *folder, const char *text)
{
	struct err err;

	if (!contexts_try(set, folder, text, &err) || !tls_warm_up(set->sites, &err))
		fail_msg("%s", err.text);
}

void contexts_close(struct contexts *set)
{
	tls_sites_free(set->sites);
	conf_free(set->conf);
}

int contexts_make_files(void **state)
{
	static const struct certified all[] = {
		{ .file = "first", .common = "first", .san = "DNS:first.example" },
		{ .file = "other",
		  .common = "other",
		  .san = "DNS:Other.example,DNS:other.wild.example" },
		{ .file = "wild", .common = "wild", .san = "DNS:*.wild.example" },
		{ .file = "rsa", .common = "rsa", .san = "DNS:rsa.example", .key = CERTIFIED_RSA },
		{ .file = "ed", .common = "ed", .san = "DNS:ed.example", .key = CERTIFIED_ED25519 },
		{ .file = "none", .common = "none", .san = "email:x@y.example" },
		{ .file = "again",
		  .common = "again",
		  .san = "DNS:again.example,DNS:first.example" },
		{ .file = "last", .common = "last", .san = "DNS:last.example" },
		{ .file = "ca", .common = "ca", .is_ca = true },
		{ .file = "client", .common = "client", .signer = "ca" },
	};

	if (folder_make(state) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		certified_write(*state, &all[i]);
	return 0;
}
