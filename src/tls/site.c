/* SPDX-License-Identifier: MIT */
/* Reads a section and sets contexts. It does not choose between sections. */
#include "tls/site.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "tls/library.h"
#include "tls/pem.h"

/* The list of one protocol after another, each behind its length (RFC 7301, section 3.1). */
static bool write_alpn(struct tls_site *site, const struct text_list *protocols, struct err *err)
{
	size_t size = 0;

	for (size_t i = 0; i < protocols->count; i++)
		size += 1 + strlen(protocols->texts[i]);
	if (size == 0)
		return true;
	site->alpn = malloc(size);
	if (site->alpn == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep the protocols of alpn");
	for (size_t i = 0; i < protocols->count; i++) {
		size_t length = strlen(protocols->texts[i]);

		site->alpn[site->alpn_size++] = (uint8_t)length;
		memcpy(site->alpn + site->alpn_size, protocols->texts[i], length);
		site->alpn_size += length;
	}
	return true;
}

/* Of what the clients are asked for, and of those who may have signed it. */
static bool name_sessions(struct tls_site *site, struct err *err)
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	bool is_good = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1 &&
		       EVP_DigestUpdate(hash, &site->conf->client_verify,
					sizeof(site->conf->client_verify)) == 1;

	for (int i = 0; is_good && i < sk_X509_num(site->client_cas); i++) {
		uint8_t digest[EVP_MAX_MD_SIZE];
		unsigned size;

		is_good = X509_digest(sk_X509_value(site->client_cas, i), EVP_sha256(), digest,
				      &size) == 1 &&
			  EVP_DigestUpdate(hash, digest, size) == 1;
	}
	is_good = is_good && EVP_DigestFinal_ex(hash, site->session_id, NULL) == 1;
	EVP_MD_CTX_free(hash);
	return is_good || tls_library_blame(err, CODE_OSERR, "no hash of client_verify");
}

static bool read_client_cas(struct tls_site *site, struct err *err)
{
	if (site->conf->client_verify == VERIFY_NO)
		return true;
	site->client_cas = pem_read_chain(site->conf->client_ca, err);
	return site->client_cas != NULL || conf_tls_blame(site->conf, "client_ca", err);
}

void tls_site_close(struct tls_site *site)
{
	SSL_CTX_free(site->context);
	for (size_t i = 0; i < site->certificate_count; i++)
		tls_certificate_free(&site->certificates[i]);
	pem_free_chain(site->client_cas);
	tls_staple_free(&site->staple);
	free(site->alpn);
	*site = (struct tls_site){ 0 };
}

enum tls_cover tls_site_cover(const struct tls_site *site, const char *name)
{
	enum tls_cover best = COVER_NONE;

	for (size_t i = 0; i < site->certificate_count; i++) {
		enum tls_cover cover = tls_names_cover(&site->certificates[i].names, name);

		best = cover > best ? cover : best;
	}
	return best;
}

/* Blames what OpenSSL says on the option, with its value. */
static bool refuse_value(const struct tls_site *site, const char *option, const char *value,
			 struct err *err)
{
	tls_library_blame(err, CODE_CONFIG, "\"%s\" is refused by OpenSSL", value);
	return conf_tls_blame(site->conf, option, err);
}

static bool set_protocols(const struct tls_site *site, SSL_CTX *context, struct err *err)
{
	int low = conf_tls_speaks(site->conf, "TLSv1.2") ? TLS1_2_VERSION : TLS1_3_VERSION;
	int high = conf_tls_speaks(site->conf, "TLSv1.3") ? TLS1_3_VERSION : TLS1_2_VERSION;

	return (SSL_CTX_set_min_proto_version(context, low) == 1 &&
		SSL_CTX_set_max_proto_version(context, high) == 1) ||
	       refuse_value(site, "protocols", site->conf->protocols.texts[0], err);
}

static bool set_ciphers(const struct tls_site *site, SSL_CTX *context, struct err *err)
{
	const struct tls_conf *conf = site->conf;

	if (SSL_CTX_set_cipher_list(context, conf->ciphers) != 1)
		return refuse_value(site, "ciphers", conf->ciphers, err);
	if (conf->ciphersuites[0] != '\0' &&
	    SSL_CTX_set_ciphersuites(context, conf->ciphersuites) != 1)
		return refuse_value(site, "ciphersuites", conf->ciphersuites, err);
	if (conf->curves[0] != '\0' && SSL_CTX_set1_groups_list(context, conf->curves) != 1)
		return refuse_value(site, "curves", conf->curves, err);
	return true;
}

static bool set_certificates(const struct tls_site *site, SSL_CTX *context, struct err *err)
{
	for (size_t i = 0; i < site->certificate_count; i++) {
		const struct tls_certificate *one = &site->certificates[i];
		const char *file = site->conf->certificate.texts[i];

		if (SSL_CTX_use_cert_and_key(context, one->leaf, one->key, one->chain, 0) == 1)
			continue;
		if (ERR_GET_REASON(ERR_peek_last_error()) != SSL_R_NOT_REPLACING_CERTIFICATE)
			return refuse_value(site, "certificate", file, err);
		ERR_clear_error();
		err_set(err, CODE_CONFIG,
			"\"%s\" has the same kind of key as another one (a section for each site: "
			"tls = {\"one\", \"two\"} in the listen)",
			file);
		return conf_tls_blame(site->conf, "certificate", err);
	}
	return true;
}

static bool set_client_cas(const struct tls_site *site, SSL_CTX *context, struct err *err)
{
	int required = site->conf->client_verify == VERIFY_YES ?
			       SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT :
			       SSL_VERIFY_PEER;

	if (site->client_cas == NULL)
		return true;
	for (int i = 0; i < sk_X509_num(site->client_cas); i++) {
		X509 *ca = sk_X509_value(site->client_cas, i);

		if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca) != 1 ||
		    SSL_CTX_add_client_CA(context, ca) != 1)
			return refuse_value(site, "client_ca", site->conf->client_ca, err);
	}
	SSL_CTX_set_verify(context, required, NULL);
	return true;
}

/*
 * Without a cache, a session is resumed only by a ticket. How long it lives is a matter of the
 * context that the connection began with, and so is the same for all sections.
 */
static bool set_sessions(const struct tls_site *site, SSL_CTX *context, struct tls_tickets *tickets,
			 struct err *err)
{
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	if (site->session_s > 0)
		SSL_CTX_set_timeout(context, (long)site->session_s);
	if (!site->conf->tickets && SSL_CTX_set_num_tickets(context, 0) != 1)
		return tls_library_blame(err, CODE_OSERR, "tickets cannot be turned off");
	return (SSL_CTX_set_session_id_context(context, site->session_id,
					       sizeof(site->session_id)) == 1 &&
		tls_tickets_use(context, tickets)) ||
	       tls_library_blame(err, CODE_OSERR, "sessions cannot be set up");
}

/* The client's order of protocols does not count. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *length,
			   const unsigned char *offered, unsigned offered_size, void *argument)
{
	const struct tls_site *site = argument;
	unsigned char *found; /* in either list, and nothing writes there */

	(void)ssl;
	if (SSL_select_next_proto(&found, length, site->alpn, (unsigned)site->alpn_size, offered,
				  offered_size) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*chosen = found;
	return SSL_TLSEXT_ERR_OK;
}

static bool set_all(struct tls_site *site, SSL_CTX *context, struct tls_tickets *tickets,
		    struct err *err)
{
	uint64_t options = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION;

	if (site->conf->prefer_server_ciphers)
		options |= SSL_OP_CIPHER_SERVER_PREFERENCE;
	if (!site->conf->tickets)
		options |= SSL_OP_NO_TICKET;
	SSL_CTX_set_options(context, options);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(context, 1);
	if (site->alpn != NULL)
		SSL_CTX_set_alpn_select_cb(context, choose_protocol, site);
	tls_staple_use(context, &site->staple);
	return set_protocols(site, context, err) && set_ciphers(site, context, err) &&
	       set_certificates(site, context, err) && set_client_cas(site, context, err) &&
	       set_sessions(site, context, tickets, err);
}

SSL_CTX *tls_site_new_context(struct tls_site *site, struct tls_tickets *tickets, struct err *err)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (context == NULL) {
		tls_library_blame(err, CODE_OSERR, "OpenSSL makes no context");
		return NULL;
	}
	if (set_all(site, context, tickets, err))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

bool tls_site_open(struct tls_site *site, const struct tls_conf *conf, int64_t session_s,
		   struct tls_tickets *tickets, struct err *err)
{
	*site = (struct tls_site){ .conf = conf, .session_s = session_s };
	for (; site->certificate_count < conf->certificate.count; site->certificate_count++)
		if (!tls_certificate_read(conf, site->certificate_count,
					  &site->certificates[site->certificate_count], err))
			return false;
	if (!(read_client_cas(site, err) && name_sessions(site, err) &&
	      write_alpn(site, &conf->alpn, err) &&
	      tls_staple_read(conf, site->certificates, site->certificate_count, &site->staple,
			      err)))
		return false;
	site->context = tls_site_new_context(site, tickets, err);
	return site->context != NULL;
}
