/* SPDX-License-Identifier: MIT */
/* Makes the contexts of all listeners. It does not know what a connection is. */
#include "tls/context.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "config/conf_titled.h"
#include "tls/library.h"
#include "tls/sni.h"

struct tls_sites {
	const struct conf *conf;
	struct tls_site *sites; /* one for each section of conf */
	size_t site_count;
	struct tls_front *fronts; /* one for each listener of conf */
	size_t front_count;
	struct tls_tickets tickets;
};

static struct tls_sites *refuse_memory(struct tls_sites *sites, struct err *err)
{
	err_errno(err, CODE_OSERR, "cannot keep the contexts of TLS");
	tls_sites_free(sites);
	return NULL;
}

/* Empty ones: nothing is read yet. */
static struct tls_sites *make_empty(const struct conf *conf, struct err *err)
{
	struct tls_sites *sites = calloc(1, sizeof(*sites));

	if (sites == NULL)
		return refuse_memory(NULL, err);
	sites->conf = conf;
	sites->sites = calloc(conf->tls_count + 1, sizeof(*sites->sites));
	sites->fronts = calloc(conf->listener_count + 1, sizeof(*sites->fronts));
	if (sites->sites == NULL || sites->fronts == NULL)
		return refuse_memory(sites, err);
	return sites;
}

/* All sections have the same keys for tickets, which live as long as the shortest one wants. */
static bool open_sites(struct tls_sites *sites, struct err *err)
{
	const struct conf *conf = sites->conf;
	int64_t session_s = conf_tls_rotation_ms(conf) / 1000;

	for (size_t i = 0; i < conf->tls_count; i++) {
		sites->site_count++;
		if (!tls_site_open(&sites->sites[i], &conf->tls[i], session_s, &sites->tickets,
				   err))
			return false;
	}
	return true;
}

static bool open_front(struct tls_sites *sites, const struct listen_conf *listen,
		       struct tls_front *front, struct err *err)
{
	struct tls_site *first = NULL;

	if (listen->tls.count == 0)
		return true;
	front->sites = calloc(listen->tls.count, sizeof(*front->sites));
	if (front->sites == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep the sections of a listen");
	for (; front->count < listen->tls.count; front->count++) {
		const struct tls_conf *conf = conf_tls_of(sites->conf, listen, front->count);
		struct tls_site *site = &sites->sites[conf - sites->conf->tls];

		front->sites[front->count] = site;
		first = first ? first : site;
	}
	front->context = tls_site_new_context(first, &sites->tickets, err);
	if (front->context != NULL)
		tls_sni_use(front->context, front);
	return front->context != NULL;
}

static bool open_fronts(struct tls_sites *sites, struct err *err)
{
	const struct conf *conf = sites->conf;

	for (; sites->front_count < conf->listener_count; sites->front_count++)
		if (!open_front(sites, &conf->listeners[sites->front_count],
				&sites->fronts[sites->front_count], err)) {
			sites->front_count++;
			return false;
		}
	return true;
}

struct tls_sites *tls_sites_new(const struct conf *conf, struct err *err)
{
	struct tls_sites *sites = make_empty(conf, err);

	if (sites == NULL || conf->tls_count == 0)
		return sites;
	if (tls_library_start(err) && tls_tickets_new(&sites->tickets, err) &&
	    open_sites(sites, err) && open_fronts(sites, err))
		return sites;
	tls_sites_free(sites);
	return NULL;
}

void tls_sites_free(struct tls_sites *sites)
{
	if (sites == NULL)
		return;
	for (size_t i = 0; i < sites->front_count; i++) {
		SSL_CTX_free(sites->fronts[i].context);
		free(sites->fronts[i].sites);
	}
	for (size_t i = 0; i < sites->site_count; i++)
		tls_site_close(&sites->sites[i]);
	tls_tickets_free(&sites->tickets);
	free(sites->fronts);
	free(sites->sites);
	free(sites);
}

struct ssl_ctx_st *tls_sites_context(const struct tls_sites *sites, size_t listen_index)
{
	return listen_index < sites->front_count ? sites->fronts[listen_index].context : NULL;
}

void tls_sites_use_keys(struct tls_sites *sites, const struct tls_ticket_keys *keys)
{
	sites->tickets.keys = keys;
}

struct ssl_ctx_st *tls_sites_get(const struct tls_sites *sites, size_t number,
				 const struct tls_site **site)
{
	if (number < sites->site_count) {
		*site = &sites->sites[number];
		return (*site)->context;
	}
	number -= sites->site_count;
	for (size_t i = 0; i < sites->front_count; i++) {
		if (sites->fronts[i].context == NULL || number-- > 0)
			continue;
		*site = sites->fronts[i].sites[0];
		return sites->fronts[i].context;
	}
	return NULL;
}

int64_t tls_sites_expiry(const struct tls_sites *sites, size_t tls_index)
{
	const struct tls_site *site = &sites->sites[tls_index];
	int64_t first = site->certificates[0].not_after;

	for (size_t i = 1; i < site->certificate_count; i++)
		if (site->certificates[i].not_after < first)
			first = site->certificates[i].not_after;
	return first;
}

static bool has_leaf(const struct tls_sites *sites, const char *title, const X509 *leaf)
{
	for (size_t i = 0; sites && i < sites->site_count; i++) {
		const struct tls_site *site = &sites->sites[i];

		if (strcmp(site->conf->title, title) != 0)
			continue;
		for (size_t k = 0; k < site->certificate_count; k++)
			if (X509_cmp(site->certificates[k].leaf, leaf) == 0)
				return true;
	}
	return false;
}

bool tls_sites_check_times(const struct tls_sites *sites, const struct tls_sites *served,
			   int64_t now_s, struct err *err)
{
	for (size_t i = 0; i < sites->site_count; i++) {
		const struct tls_site *site = &sites->sites[i];

		for (size_t k = 0; k < site->certificate_count; k++)
			if (!tls_certificate_check_time(site->conf, k, &site->certificates[k],
							now_s, err) &&
			    !has_leaf(served, site->conf->title, site->certificates[k].leaf))
				return false;
	}
	return true;
}

static void tell(const struct tls_warner *warner, const struct err *text)
{
	warner->tell(warner->context, text->text);
}

/* True when the section is the default of a listener: clients without a name get it. */
static bool is_default(const struct tls_sites *sites, const struct tls_site *site)
{
	for (size_t i = 0; i < sites->front_count; i++)
		if (sites->fronts[i].count > 0 && sites->fronts[i].sites[0] == site)
			return true;
	return false;
}

static void warn_of_names(const struct tls_sites *sites, const struct tls_site *site,
			  const struct tls_certificate *one, const char *file,
			  const struct tls_warner *warner)
{
	bool is_first = is_default(sites, site);
	struct err text;

	if (one->names.count > 0 || (is_first && one->has_addresses))
		return;
	err_set(&text, CODE_CONFIG, "the certificate in \"%s\" covers no name of a host: %s", file,
		is_first ? "clients refuse it" : "it is never chosen");
	conf_tls_blame(site->conf, "certificate", &text);
	tell(warner, &text);
}

/* The client's abilities, and not its name, choose among the certificates of one section. */
static void warn_of_difference(const struct tls_site *site, size_t index,
			       const struct tls_warner *warner)
{
	const struct tls_names *first = &site->certificates[0].names;
	const struct tls_names *other = &site->certificates[index].names;
	bool differs = first->count != other->count;
	struct err text;

	for (size_t i = 0; i < other->count && !differs; i++)
		differs = !tls_names_has(first, other->list[i]);
	if (!differs)
		return;
	err_set(&text, CODE_CONFIG,
		"\"%s\" and \"%s\" cover different names (a section for each site)",
		site->conf->certificate.texts[0], site->conf->certificate.texts[index]);
	conf_tls_blame(site->conf, "certificate", &text);
	tell(warner, &text);
}

static const char *find_common(const struct tls_site *a, const struct tls_site *b)
{
	for (size_t i = 0; i < a->certificate_count; i++)
		for (size_t n = 0; n < a->certificates[i].names.count; n++)
			for (size_t k = 0; k < b->certificate_count; k++)
				if (tls_names_has(&b->certificates[k].names,
						  a->certificates[i].names.list[n]))
					return a->certificates[i].names.list[n];
	return NULL;
}

static void warn_of_conflicts(const struct listen_conf *listen, const struct tls_front *front,
			      const struct tls_warner *warner)
{
	for (size_t i = 0; i < front->count; i++)
		for (size_t k = i + 1; k < front->count; k++) {
			const char *name = find_common(front->sites[i], front->sites[k]);
			struct err text;

			if (name == NULL)
				continue;
			err_set(&text, CODE_CONFIG,
				"%s: listen.tls: \"%s\" and \"%s\" both cover %s: the first one "
				"serves it",
				conf_listen_place(listen, "tls"), front->sites[i]->conf->title,
				front->sites[k]->conf->title, name);
			tell(warner, &text);
		}
}

void tls_sites_warn(const struct tls_sites *sites, int64_t now_s, const struct tls_warner *warner)
{
	for (size_t i = 0; i < sites->site_count; i++) {
		const struct tls_site *site = &sites->sites[i];

		for (size_t k = 0; k < site->certificate_count; k++) {
			tls_certificate_warn(site->conf, k, &site->certificates[k], now_s, warner);
			warn_of_names(sites, site, &site->certificates[k],
				      site->conf->certificate.texts[k], warner);
			warn_of_difference(site, k, warner);
		}
		tls_staple_warn(site->conf, &site->staple, now_s, warner);
	}
	for (size_t i = 0; i < sites->front_count; i++)
		warn_of_conflicts(&sites->conf->listeners[i], &sites->fronts[i], warner);
}
