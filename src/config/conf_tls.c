/* SPDX-License-Identifier: MIT */
/* Finds and checks sections tls. It touches none of their files. */
#include "config/conf_tls.h"

#include <string.h>

#include "base/quote.h"
#include "config/conf.h"
#include "config/conf_need.h"
#include "config/conf_titled.h"

#ifdef HAVE_TLS
static const bool has_tls = true;
#else
static const bool has_tls = false;
#endif

const struct tls_conf *conf_tls_of(const struct conf *conf, const struct listen_conf *listen,
				   size_t index)
{
	return conf_titled_find(conf, SECTION_tls, listen->tls.texts[index]);
}

bool conf_tls_has_listener(const struct conf *conf, const struct tls_conf *tls)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		for (size_t k = 0; k < conf->listeners[i].tls.count; k++)
			if (conf_tls_of(conf, &conf->listeners[i], k) == tls)
				return true;
	return false;
}

static bool is_unused(const struct conf *conf, const void *object)
{
	return !conf_tls_has_listener(conf, object);
}

void conf_tls_drop_unused(struct conf *conf)
{
	conf_titled_drop(conf, SECTION_tls, is_unused);
}

bool conf_tls_speaks(const struct tls_conf *tls, const char *protocol)
{
	for (size_t i = 0; i < tls->protocols.count; i++)
		if (strcmp(tls->protocols.texts[i], protocol) == 0)
			return true;
	return false;
}

int64_t conf_tls_rotation_ms(const struct conf *conf)
{
	int64_t shortest = 0;

	for (size_t i = 0; i < conf->tls_count; i++) {
		const struct tls_conf *tls = &conf->tls[i];

		if (tls->tickets && (shortest == 0 || tls->ticket_rotation < shortest))
			shortest = tls->ticket_rotation;
	}
	return shortest;
}

bool conf_tls_blame(const struct tls_conf *tls, const char *option, struct err *err)
{
	return err_prefix(err, "%s: tls.%s: ", conf_titled_place(tls, SECTION_tls, option), option);
}

static bool refuse_listen(const struct listen_conf *listen, const char *why, const char *what_to_do,
			  struct err *err)
{
	return err_set(err, CODE_CONFIG, "%s: listen.tls: %s (%s)",
		       conf_listen_place(listen, "tls"), why, what_to_do);
}

/* Programs get the socket of the client itself, or accept it by themselves. */
static bool check_service(const struct listen_conf *listen, struct err *err)
{
	static const char behind[] = "leave it out, and pass connections on to this listen from "
				     "one of service proxy with tls";

	if (strcmp(listen->service, "exec") == 0)
		return refuse_listen(listen,
				     "service exec gives its programs the client's socket itself, "
				     "on which they would have to speak TLS",
				     behind, err);
	if (strcmp(listen->service, "program") == 0)
		return refuse_listen(listen,
				     "the copies of service program accept by themselves, and "
				     "would have to speak TLS",
				     behind, err);
	return true;
}

static bool check_twice(const struct text_list *titles, const struct listen_conf *listen,
			struct err *err)
{
	char shown[QUOTE_TEXT];

	for (size_t i = 0; i < titles->count; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(titles->texts[i], titles->texts[k]) == 0)
				return err_set(err, CODE_CONFIG,
					       "%s: listen.tls: %s is given twice",
					       conf_listen_place(listen, "tls"),
					       quote_show(titles->texts[i], shown));
	return true;
}

/* The groups are copied to a connection when it begins, before its client has named a site. */
static bool check_curves(const struct conf *conf, const struct listen_conf *listen, struct err *err)
{
	for (size_t i = 1; i < listen->tls.count; i++) {
		const struct tls_conf *first = conf_tls_of(conf, listen, 0);
		const struct tls_conf *other = conf_tls_of(conf, listen, i);
		char shown[QUOTE_TEXT];

		if (strcmp(first->curves, other->curves) == 0)
			continue;
		err_set(err, CODE_CONFIG,
			"differs from that of tls %s, which the listen at %s has too: they are "
			"agreed on for both (write the same in both)",
			quote_show(first->title, shown), listen->origin);
		return conf_tls_blame(other, "curves", err);
	}
	return true;
}

static bool check_listen(const struct conf *conf, const struct listen_conf *listen, struct err *err)
{
	const struct conf_need needs[] = {
		{ "handshake_timeout", "tls", listen->tls.count > 0 },
	};

	if (listen->tls.count > 0 && !check_service(listen, err))
		return false;
	for (size_t i = 0; i < listen->tls.count; i++)
		if (conf_tls_of(conf, listen, i) == NULL)
			return conf_titled_refuse(conf, SECTION_tls, listen, listen->tls.texts[i],
						  err);
	return check_twice(&listen->tls, listen, err) && check_curves(conf, listen, err) &&
	       conf_need_check(listen, SECTION_listen, needs, sizeof(needs) / sizeof(*needs), err);
}

static bool refuse_missing(const struct tls_conf *tls, const char *option, const char *example,
			   struct err *err)
{
	err_set(err, CODE_CONFIG, "is missing (%s)", example);
	return conf_tls_blame(tls, option, err);
}

/* Each certificate has a key, and a chain unless it is in its own file. */
static bool check_count(const struct tls_conf *tls, const char *option, size_t count,
			struct err *err)
{
	size_t wanted = tls->certificate.count;

	if (count == wanted)
		return true;
	err_set(err, CODE_CONFIG,
		"%zu file%s for %zu certificate%s (one for each, in the same order)", count,
		count == 1 ? "" : "s", wanted, wanted == 1 ? "" : "s");
	return conf_tls_blame(tls, option, err);
}

static bool check_files(const struct tls_conf *tls, struct err *err)
{
	if (tls->certificate.count == 0)
		return refuse_missing(tls, "certificate", "certificate = {\"/etc/ssl/site.pem\"}",
				      err);
	if (tls->key.count == 0)
		return refuse_missing(tls, "key",
				      "key = {\"/etc/ssl/site.key\"}, or the certificate's file, "
				      "when it holds the key as well",
				      err);
	if (tls->certificate.count > CONF_TLS_CERTIFICATES) {
		err_set(err, CODE_CONFIG,
			"there are more than %d (a section for each site: tls = {\"one\", \"two\"} "
			"in the listen)",
			CONF_TLS_CERTIFICATES);
		return conf_tls_blame(tls, "certificate", err);
	}
	return check_count(tls, "key", tls->key.count, err) &&
	       (tls->chain.count == 0 || check_count(tls, "chain", tls->chain.count, err));
}

static bool check_needs(const struct tls_conf *tls, struct err *err)
{
	bool asks = tls->client_verify != VERIFY_NO;
	const struct conf_need needs[] = {
		{ "ciphers", "TLSv1.2 in protocols", conf_tls_speaks(tls, "TLSv1.2") },
		{ "ciphersuites", "TLSv1.3 in protocols", conf_tls_speaks(tls, "TLSv1.3") },
		{ "client_ca", "client_verify = optional or yes", asks },
		{ "ticket_rotation", "tickets = yes", tls->tickets },
	};

	if (tls->protocols.count == 0)
		return refuse_missing(tls, "protocols", "TLSv1.2, TLSv1.3, or both", err);
	if (asks && tls->client_ca[0] == '\0')
		return refuse_missing(tls, "client_ca",
				      "client_verify needs the file of those who sign clients' "
				      "certificates",
				      err);
	return conf_need_check(tls, SECTION_tls, needs, sizeof(needs) / sizeof(*needs), err);
}

static bool check_used(const struct conf *conf, const struct tls_conf *tls, struct err *err)
{
	char shown[QUOTE_TEXT];

	if (conf_tls_has_listener(conf, tls))
		return true;
	return err_set(
		err, CODE_CONFIG,
		"%s: tls %s: no listen has it (listen \":443\" { service = http  tls = %s })",
		tls->origin, quote_show(tls->title, shown), shown);
}

static bool refuse_without(const char *origin, struct err *err)
{
	return err_set(err, CODE_CONFIG,
		       "%s: tls: this program was built without TLS (configure it without "
		       "--without-tls, or leave tls out)",
		       origin);
}

/* In a program without TLS. */
static bool check_none(const struct conf *conf, struct err *err)
{
	if (conf->tls_count > 0)
		return refuse_without(conf->tls[0].origin, err);
	for (size_t i = 0; i < conf->listener_count; i++)
		if (conf->listeners[i].tls.count > 0)
			return refuse_without(conf_listen_place(&conf->listeners[i], "tls"), err);
	return true;
}

bool conf_tls_check(const struct conf *conf, struct err *err)
{
	if (!has_tls && !check_none(conf, err))
		return false;
	for (size_t i = 0; i < conf->listener_count; i++)
		if (!check_listen(conf, &conf->listeners[i], err))
			return false;
	for (size_t i = 0; i < conf->tls_count; i++)
		if (!check_used(conf, &conf->tls[i], err) || !check_files(&conf->tls[i], err) ||
		    !check_needs(&conf->tls[i], err))
			return false;
	return true;
}
