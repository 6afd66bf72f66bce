/* SPDX-License-Identifier: MIT */
/* Reads and checks a certificate. It makes no context, and does not verify who has signed it. */
#include "tls/certificate.h"

#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/sys.h"
#include "config/conf_tls.h"
#include "tls/library.h"
#include "tls/pem.h"

enum { DAY_S = 24 * 60 * 60, WARNING_DAYS = 14, LOOKS = 2, NEXT_LOOK_MS = 50 };

void tls_certificate_free(struct tls_certificate *certificate)
{
	X509_free(certificate->leaf);
	EVP_PKEY_free(certificate->key);
	pem_free_chain(certificate->chain);
	tls_names_free(&certificate->names);
	*certificate = (struct tls_certificate){ 0 };
}

static bool add_name(struct tls_certificate *certificate, const ASN1_STRING *text)
{
	return tls_names_add(&certificate->names, ASN1_STRING_get0_data(text),
			     (size_t)ASN1_STRING_length(text));
}

static bool add_alternatives(struct tls_certificate *certificate, GENERAL_NAMES *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_IPADD)
			certificate->has_addresses = true;
		if (name->type == GEN_DNS && !add_name(certificate, name->d.dNSName))
			return false;
	}
	return true;
}

/* Clients that still look at the common name do so only without alternative names. */
static bool add_common_name(struct tls_certificate *certificate)
{
	const X509_NAME *subject = X509_get_subject_name(certificate->leaf);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	return at < 0 ||
	       add_name(certificate, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

static bool read_names(struct tls_certificate *certificate)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(certificate->leaf, NID_subject_alt_name, NULL, NULL);
	bool is_good;

	if (names == NULL)
		return add_common_name(certificate);
	is_good = add_alternatives(certificate, names);
	GENERAL_NAMES_free(names);
	return is_good;
}

static int64_t read_time(const ASN1_TIME *time)
{
	struct tm parts;

	return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

/* The first certificate of its file is the server's, and the others are its chain. */
static bool read_chain(const struct tls_conf *tls, size_t index,
		       struct tls_certificate *certificate, struct err *err)
{
	STACK_OF(X509) *own = pem_read_chain(tls->certificate.texts[index], err);

	if (own == NULL)
		return conf_tls_blame(tls, "certificate", err);
	certificate->leaf = sk_X509_shift(own);
	certificate->chain = own;
	if (tls->chain.count == 0)
		return true;
	pem_free_chain(own);
	certificate->chain = pem_read_chain(tls->chain.texts[index], err);
	return certificate->chain != NULL || conf_tls_blame(tls, "chain", err);
}

static bool read_files(const struct tls_conf *tls, size_t index,
		       struct tls_certificate *certificate, struct err *err)
{
	if (!read_chain(tls, index, certificate, err))
		return false;
	certificate->key = pem_read_key(tls->key.texts[index], err);
	return certificate->key != NULL || conf_tls_blame(tls, "key", err);
}

static bool is_pair(const struct tls_certificate *certificate, X509 *one)
{
	bool fits = X509_check_private_key(one, certificate->key) == 1;

	ERR_clear_error();
	return fits;
}

static bool check_pair(const struct tls_conf *tls, size_t index,
		       const struct tls_certificate *certificate, struct err *err)
{
	const char *file = tls->certificate.texts[index];

	if (is_pair(certificate, certificate->leaf))
		return true;
	for (int i = 0; i < sk_X509_num(certificate->chain); i++)
		if (is_pair(certificate, sk_X509_value(certificate->chain, i))) {
			err_set(err, CODE_CONFIG,
				"\"%s\" begins with another certificate than the server's, to "
				"which the key belongs (put that one first)",
				file);
			return conf_tls_blame(tls, "certificate", err);
		}
	err_set(err, CODE_CONFIG,
		"\"%s\" does not belong to the certificate in \"%s\" (was only one of them "
		"replaced?)",
		tls->key.texts[index], file);
	return conf_tls_blame(tls, "key", err);
}

static bool read_facts(struct tls_certificate *certificate, struct err *err)
{
	certificate->not_before = read_time(X509_get0_notBefore(certificate->leaf));
	certificate->not_after = read_time(X509_get0_notAfter(certificate->leaf));
	return read_names(certificate) ||
	       err_set(err, CODE_OSERR, "no memory for the names of a certificate");
}

bool tls_certificate_read(const struct tls_conf *tls, size_t index,
			  struct tls_certificate *certificate, struct err *err)
{
	for (unsigned look = 1;; look++) {
		*certificate = (struct tls_certificate){ 0 };
		if (read_files(tls, index, certificate, err) &&
		    check_pair(tls, index, certificate, err) && read_facts(certificate, err))
			return true;
		tls_certificate_free(certificate);
		if (look == LOOKS)
			return false;
		sys_poll(NULL, 0, NEXT_LOOK_MS);
	}
}

static const char *show_date(int64_t time_s, char *text, size_t size)
{
	const time_t time = (time_t)time_s;
	struct tm parts;

	if (gmtime_r(&time, &parts) == NULL || strftime(text, size, "%F %T UTC", &parts) == 0)
		snprintf(text, size, "an odd date");
	return text;
}

bool tls_certificate_check_time(const struct tls_conf *tls, size_t index,
				const struct tls_certificate *certificate, int64_t now_s,
				struct err *err)
{
	const char *file = tls->certificate.texts[index];
	char date[64];

	if (certificate->not_before > now_s)
		err_set(err, CODE_CONFIG,
			"the certificate in \"%s\" is not valid before %s (is the clock right?)",
			file, show_date(certificate->not_before, date, sizeof(date)));
	else if (certificate->not_after <= now_s)
		err_set(err, CODE_CONFIG, "the certificate in \"%s\" expired on %s (renew it)",
			file, show_date(certificate->not_after, date, sizeof(date)));
	else
		return true;
	return conf_tls_blame(tls, "certificate", err);
}

static void warn(const struct tls_warner *warner, const struct tls_conf *tls, const char *option,
		 const char *text)
{
	struct err whole;

	err_set(&whole, CODE_CONFIG, "%s", text);
	conf_tls_blame(tls, option, &whole);
	warner->tell(warner->context, whole.text);
}

static void warn_of_time(const struct tls_conf *tls, size_t index,
			 const struct tls_certificate *certificate, int64_t now_s,
			 const struct tls_warner *warner)
{
	int64_t left_s = certificate->not_after - now_s;
	const char *file = tls->certificate.texts[index];
	char text[TLS_WARNING];

	if (certificate->not_before > now_s)
		snprintf(text, sizeof(text),
			 "the certificate in \"%s\" is not valid yet: clients refuse it (is the "
			 "clock right?)",
			 file);
	else if (left_s <= 0)
		snprintf(text, sizeof(text),
			 "the certificate in \"%s\" expired %" PRId64
			 " days ago: clients refuse it (renew it)",
			 file, -left_s / DAY_S);
	else if (left_s <= WARNING_DAYS * DAY_S)
		snprintf(text, sizeof(text),
			 "the certificate in \"%s\" expires in %" PRId64 " days (renew it)", file,
			 left_s / DAY_S);
	else
		return;
	warn(warner, tls, "certificate", text);
}

/* Clients of TLS 1.2 may insist on the order (RFC 5246, section 7.4.2). */
static void warn_of_order(const struct tls_conf *tls, size_t index,
			  const struct tls_certificate *certificate,
			  const struct tls_warner *warner)
{
	bool has_chain = tls->chain.count > 0;
	X509 *signed_one = certificate->leaf;
	char text[TLS_WARNING], subject[128];

	for (int i = 0; i < sk_X509_num(certificate->chain); i++) {
		X509 *signer = sk_X509_value(certificate->chain, i);
		bool is_signer = X509_check_issued(signer, signed_one) == X509_V_OK;

		signed_one = signer;
		if (is_signer)
			continue;
		X509_NAME_oneline(X509_get_subject_name(signer), subject, sizeof(subject));
		snprintf(text, sizeof(text),
			 "the chain in \"%s\" is not in order: \"%s\" has not signed the "
			 "certificate before it",
			 has_chain ? tls->chain.texts[index] : tls->certificate.texts[index],
			 subject);
		warn(warner, tls, has_chain ? "chain" : "certificate", text);
		break;
	}
	ERR_clear_error();
}

static void warn_of_mode(const struct tls_conf *tls, size_t index, const struct tls_warner *warner)
{
	const char *file = tls->key.texts[index];
	const mode_t others = S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
	char text[TLS_WARNING];
	struct stat st;

	if (sys_stat(file, &st) < 0 || (st.st_mode & others) == 0)
		return;
	snprintf(text, sizeof(text), "%s may %s \"%s\" (chmod 600 it)",
		 st.st_mode & (S_IROTH | S_IWOTH) ? "every user" : "a group",
		 st.st_mode & (S_IWGRP | S_IWOTH) ? "change" : "read", file);
	warn(warner, tls, "key", text);
}

void tls_certificate_warn(const struct tls_conf *tls, size_t index,
			  const struct tls_certificate *certificate, int64_t now_s,
			  const struct tls_warner *warner)
{
	warn_of_time(tls, index, certificate, now_s, warner);
	warn_of_order(tls, index, certificate, warner);
	warn_of_mode(tls, index, warner);
}
