/* SPDX-License-Identifier: MIT */
/* Chooses what is rehearsed. It changes nothing in a context. */
#include "tls/warm_up.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "config/conf_tls.h"
#include "tls/library.h"
#include "tls/rehearsal.h"

enum {
	SIGNATURES = 40,    /* the blinding of an RSA key is made anew after 32 */
	CLIENT_BITS = 1024, /* of a client's RSA key: enough to try, and soon made */
	DAY_S = 24 * 60 * 60
};

static const struct {
	int version;
	const char *name;
} versions[] = { { TLS1_2_VERSION, "TLSv1.2" }, { TLS1_3_VERSION, "TLSv1.3" } };
enum { VERSIONS = sizeof(versions) / sizeof(versions[0]) };

/* One of a kind that this OpenSSL does not have is left out. */
static const char *const groups[] = { "X25519",    "P-256",          "P-384",
				      "P-521",     "X448",           "ffdhe2048",
				      "ffdhe3072", "X25519MLKEM768", "SecP256r1MLKEM768" };

/* What a client can verify that is to be sent a certificate with such a key. */
static const struct {
	int key;
	const char *signatures;
} kinds[] = {
	{ EVP_PKEY_RSA, "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:RSA+SHA256:"
			"RSA+SHA384:RSA+SHA512" },
	{ EVP_PKEY_RSA_PSS, "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512" },
	{ EVP_PKEY_EC, "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512" },
	{ EVP_PKEY_ED25519, "ed25519" },
	{ EVP_PKEY_ED448, "ed448" },
};

static const char *signatures_for(const struct tls_certificate *certificate)
{
	int key = EVP_PKEY_get_base_id(certificate->key);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].key == key)
			return kinds[i].signatures;
	return NULL;
}

/* Clients have certificates of any kind. */
struct identities {
	struct tls_identity list[3];
	size_t count;
};

static bool make_certificate(struct tls_identity *identity)
{
	X509 *one = identity->certificate = X509_new();
	bool needs_hash = EVP_PKEY_get_base_id(identity->key) != EVP_PKEY_ED25519;
	X509_NAME *name;

	if (one == NULL || ASN1_INTEGER_set(X509_get_serialNumber(one), 1) != 1 ||
	    X509_gmtime_adj(X509_getm_notBefore(one), 0) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(one), DAY_S) == NULL ||
	    X509_set_pubkey(one, identity->key) != 1)
		return false;
	name = X509_get_subject_name(one);
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"client", -1,
					  -1, 0) == 1 &&
	       X509_set_issuer_name(one, name) == 1 &&
	       X509_sign(one, identity->key, needs_hash ? EVP_sha256() : NULL) > 0;
}

static void free_identities(struct identities *identities)
{
	for (size_t i = 0; i < identities->count; i++) {
		X509_free(identities->list[i].certificate);
		EVP_PKEY_free(identities->list[i].key);
	}
}

/* Made for the first section that asks for one: a key takes its time. */
static bool make_identities(struct identities *identities)
{
	EVP_PKEY *const keys[] = { EVP_EC_gen("P-256"), EVP_RSA_gen(CLIENT_BITS),
				   EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") };
	bool is_good = true;

	for (; identities->count < sizeof(keys) / sizeof(keys[0]); identities->count++) {
		struct tls_identity *identity = &identities->list[identities->count];

		*identity = (struct tls_identity){ .key = keys[identities->count] };
		is_good = is_good && identity->key && make_certificate(identity);
	}
	return is_good;
}

static bool refuse(const struct tls_site *site, size_t index, const char *version, struct err *err)
{
	tls_library_blame(err, CODE_CONFIG, "no client can connect by %s with \"%s\"", version,
			  site->conf->certificate.texts[index]);
	return conf_tls_blame(site->conf, "certificate", err);
}

/* A full handshake, and one that resumes its session. */
static bool rehearse_twice(const struct tls_rehearsal *wish)
{
	struct tls_rehearsal again = *wish;
	bool is_good = tls_rehearse(wish, &again.session);

	if (is_good && again.session)
		is_good = tls_rehearse(&again, NULL);
	SSL_SESSION_free(again.session);
	return is_good;
}

static bool try_certificate(SSL_CTX *context, const struct tls_site *site, size_t index,
			    const struct identities *identities, struct err *err)
{
	for (size_t v = 0; v < VERSIONS; v++) {
		struct tls_rehearsal wish = {
			.context = context,
			.site = site,
			.version = versions[v].version,
			.signatures = signatures_for(&site->certificates[index]),
		};
		bool is_good;

		if (!conf_tls_speaks(site->conf, versions[v].name))
			continue;
		is_good = identities ? rehearse_twice(&wish) : tls_rehearse(&wish, NULL);
		for (size_t k = 0; is_good && identities && k < identities->count; k++) {
			/* the client must be able to verify its own signature */
			wish.signatures = NULL;
			wish.identity = &identities->list[k];
			is_good = rehearse_twice(&wish);
		}
		if (!is_good)
			return refuse(site, index, versions[v].name, err);
	}
	return true;
}

/*
 * The certificates of the context, in each protocol, and with each kind of a client's own. Without
 * identities only whether they can be used.
 */
static bool try_certificates(SSL_CTX *context, const struct tls_site *site,
			     const struct identities *identities, struct err *err)
{
	for (size_t i = 0; i < site->certificate_count; i++)
		if (!try_certificate(context, site, i, identities, err))
			return false;
	return true;
}

/* What fails here is what the section does not allow. */
static void try_ciphers(SSL_CTX *context, const struct tls_site *site)
{
	STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(context);

	for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
		const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
		const struct tls_rehearsal wish = {
			.context = context,
			.site = site,
			.version = strcmp(SSL_CIPHER_get_version(cipher), "TLSv1.3") == 0 ?
					   TLS1_3_VERSION :
					   TLS1_2_VERSION,
			.cipher = SSL_CIPHER_get_name(cipher),
		};

		tls_rehearse(&wish, NULL);
	}
}

static void try_groups(SSL_CTX *context, const struct tls_site *site)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		for (size_t v = 0; v < VERSIONS; v++) {
			const struct tls_rehearsal wish = {
				.context = context,
				.site = site,
				.version = versions[v].version,
				.group = groups[i],
			};

			tls_rehearse(&wish, NULL);
		}
}

/* True when an earlier section has the same ciphers and groups. */
static bool was_tried(const struct tls_sites *sites, size_t number, const struct tls_site *site)
{
	const struct tls_site *other;

	for (size_t i = 0; i < number && tls_sites_get(sites, i, &other); i++)
		if (strcmp(other->conf->ciphers, site->conf->ciphers) == 0 &&
		    strcmp(other->conf->ciphersuites, site->conf->ciphersuites) == 0 &&
		    strcmp(other->conf->curves, site->conf->curves) == 0)
			return true;
	return false;
}

/* A name leads from the context of each listener to that of each of its sections. */
static void try_names(SSL_CTX *context, const struct tls_sites *sites)
{
	const struct tls_site *site;

	for (size_t i = 0; tls_sites_get(sites, i, &site); i++)
		for (size_t v = 0; v < VERSIONS && site->certificates[0].names.count > 0; v++) {
			const struct tls_rehearsal wish = {
				.context = context,
				.site = site,
				.version = versions[v].version,
				.name = site->certificates[0].names.list[0],
			};

			tls_rehearse(&wish, NULL);
		}
}

/* What keys make at their first use, or anew later, is theirs. */
static void use_keys(const struct tls_site *site)
{
	for (size_t i = 0; i < site->certificate_count; i++) {
		EVP_PKEY *key = site->certificates[i].key;
		uint8_t text[32] = { 0 }, signature[1024];

		for (unsigned n = 0; EVP_PKEY_is_a(key, "RSA") && n < SIGNATURES; n++) {
			EVP_MD_CTX *hash = EVP_MD_CTX_new();
			size_t size = sizeof(signature);

			if (hash && EVP_DigestSignInit(hash, NULL, EVP_sha256(), NULL, key) == 1)
				EVP_DigestSign(hash, signature, &size, text, sizeof(text));
			EVP_MD_CTX_free(hash);
		}
	}
	for (int i = 0; i < sk_X509_num(site->client_cas); i++) {
		X509 *ca = sk_X509_value(site->client_cas, i);

		X509_check_purpose(ca, -1, 0);
		X509_verify(ca, X509_get0_pubkey(ca));
	}
}

/*
 * The places for errors belong to the thread, and each keeps the memory of the text that it had
 * first. A session's memory must not be among it.
 */
static void fill_errors(void)
{
	for (unsigned i = 0; i < ERR_NUM_ERRORS; i++)
		ERR_raise_data(ERR_LIB_USER, ERR_R_INTERNAL_ERROR, "%s", "a text");
	ERR_clear_error();
}

static bool warm_one(const struct tls_sites *sites, size_t number, SSL_CTX *context,
		     const struct tls_site *site, struct identities *identities, struct err *err)
{
	if (site->client_cas && identities->count == 0 && !make_identities(identities))
		return tls_library_blame(err, CODE_OSERR,
					 "no certificate to try client_verify with");
	if (!try_certificates(context, site, identities, err))
		return false;
	use_keys(site);
	if (!was_tried(sites, number, site)) {
		try_ciphers(context, site);
		try_groups(context, site);
	}
	if (context != site->context)
		try_names(context, sites);
	fill_errors();
	return true;
}

bool tls_warm_up_check(const struct tls_sites *sites, struct err *err)
{
	const struct tls_site *site;
	SSL_CTX *context;

	for (size_t i = 0; (context = tls_sites_get(sites, i, &site)) != NULL; i++)
		if (context == site->context && !try_certificates(context, site, NULL, err))
			return false;
	return true;
}

bool tls_warm_up(const struct tls_sites *sites, struct err *err)
{
	struct identities identities = { .count = 0 };
	const struct tls_site *site;
	SSL_CTX *context;
	bool is_good = true;

	for (size_t i = 0; is_good && (context = tls_sites_get(sites, i, &site)) != NULL; i++)
		is_good = warm_one(sites, i, context, site, &identities, err);
	free_identities(&identities);
	return is_good;
}
