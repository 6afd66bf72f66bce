/* SPDX-License-Identifier: MIT */
/* Reads an OCSP response and sends it. It asks no responder and does not verify the signature. */
#include "tls/staple.h"

#include <inttypes.h>
#include <openssl/ocsp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "config/conf_tls.h"
#include "tls/library.h"

enum { STAPLE_MOST = 64 * 1024, HOUR_S = 60 * 60, WARNING_S = 24 * HOUR_S };

static int64_t read_time(const ASN1_GENERALIZEDTIME *time)
{
	struct tm parts;

	return time && ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : INT64_MAX;
}

static bool is_for(const OCSP_SINGLERESP *single, const X509 *leaf)
{
	ASN1_INTEGER *serial = NULL;

	/* it changes nothing */
	OCSP_id_get0_info(NULL, NULL, NULL, &serial,
			  (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single));
	return serial && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0;
}

static bool find_leaf(OCSP_BASICRESP *basic, const struct tls_certificate *certificates,
		      size_t count, struct tls_staple *staple)
{
	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
		ASN1_GENERALIZEDTIME *next = NULL;

		for (size_t k = 0; k < count; k++) {
			if (!is_for(single, certificates[k].leaf))
				continue;
			OCSP_single_get0_status(single, NULL, NULL, NULL, &next);
			staple->leaf = certificates[k].leaf;
			staple->next_update_s = read_time(next);
			return true;
		}
	}
	return false;
}

static bool check_response(struct tls_staple *staple, const struct tls_certificate *certificates,
			   size_t count, const char *path, struct err *err)
{
	const uint8_t *at = staple->bytes;
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)staple->size);
	OCSP_BASICRESP *basic = response ? OCSP_response_get1_basic(response) : NULL;
	bool is_good = false;

	if (basic == NULL)
		tls_library_blame(err, CODE_CONFIG,
				  "\"%s\" is not a response of an OCSP responder (DER, as openssl "
				  "ocsp -respout writes it)",
				  path);
	else if (!find_leaf(basic, certificates, count, staple))
		err_set(err, CODE_CONFIG, "\"%s\" is for another certificate", path);
	else
		is_good = true;
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	return is_good;
}

bool tls_staple_read(const struct tls_conf *tls, const struct tls_certificate *certificates,
		     size_t count, struct tls_staple *staple, struct err *err)
{
	const char *path = tls->ocsp_staple;
	ssize_t size;

	*staple = (struct tls_staple){ 0 };
	if (path[0] == '\0')
		return true;
	staple->bytes = malloc(STAPLE_MOST);
	if (staple->bytes == NULL)
		return err_errno(err, CODE_OSERR, "cannot keep an OCSP response");
	size = file_read_regular(path, staple->bytes, STAPLE_MOST, err);
	staple->size = size > 0 ? (size_t)size : 0;
	if (size >= 0 && check_response(staple, certificates, count, path, err))
		return true;
	tls_staple_free(staple);
	return conf_tls_blame(tls, "ocsp_staple", err);
}

void tls_staple_free(struct tls_staple *staple)
{
	free(staple->bytes);
	*staple = (struct tls_staple){ 0 };
}

void tls_staple_warn(const struct tls_conf *tls, const struct tls_staple *staple, int64_t now_s,
		     const struct tls_warner *warner)
{
	struct err text;

	if (staple->bytes == NULL || staple->next_update_s - now_s > WARNING_S)
		return;
	if (staple->next_update_s <= now_s)
		err_set(&text, CODE_CONFIG, "the response in \"%s\" has expired and is not sent",
			tls->ocsp_staple);
	else
		err_set(&text, CODE_CONFIG, "the response in \"%s\" expires in %" PRId64 " hours",
			tls->ocsp_staple, (staple->next_update_s - now_s) / HOUR_S);
	conf_tls_blame(tls, "ocsp_staple", &text);
	warner->tell(warner->context, text.text);
}

static int send_staple(SSL *ssl, void *argument)
{
	const struct tls_staple *staple = argument;
	void *copy;

	if (SSL_get_certificate(ssl) != staple->leaf || staple->next_update_s <= time(NULL))
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(staple->bytes, staple->size);
	if (copy == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	/* the session frees the copy */
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)staple->size);
	return SSL_TLSEXT_ERR_OK;
}

void tls_staple_use(SSL_CTX *context, struct tls_staple *staple)
{
	if (staple->bytes == NULL)
		return;
	SSL_CTX_set_tlsext_status_cb(context, send_staple);
	SSL_CTX_set_tlsext_status_arg(context, staple);
}
