/* SPDX-License-Identifier: MIT */
/*
 * What TLS has agreed on, and why it has failed, in words. What a certificate holds was written by
 * another: control characters in it become "?". Must not change a stream.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "client/tls_inside.h"
#include "client/tls_stream.h"

enum { MORE = 5 }; /* bytes of " ...", which ends a text that was cut */

static void add_plain(struct strbuf *text, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		strbuf_put(text, bytes[i] >= ' ' && bytes[i] < 0x7f ? bytes + i : "?", 1);
}

static void end_text(struct strbuf *text, char *base, size_t size)
{
	static const char more[] = " ...";

	base[text->used] = '\0';
	if (text->is_cut && text->used + sizeof(more) <= size)
		memcpy(base + text->used, more, sizeof(more));
}

static void add_name(struct strbuf *text, const GENERAL_NAME *name)
{
	const unsigned char *bytes;
	char address[64];
	int length;

	if (name->type != GEN_DNS && name->type != GEN_IPADD)
		return;
	if (text->used > 0)
		strbuf_raw(text, ", ");
	bytes = ASN1_STRING_get0_data(name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress);
	length = ASN1_STRING_length(name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress);
	if (name->type == GEN_DNS) {
		add_plain(text, (const char *)bytes, (size_t)length);
	} else {
		const char *shown = length == 4 || length == 16 ?
					    inet_ntop(length == 4 ? AF_INET : AF_INET6, bytes,
						      address, sizeof(address)) :
					    NULL;

		strbuf_raw(text, shown != NULL ? shown : "?");
	}
}

static void describe_name(const X509_NAME *name, char *text, size_t size)
{
	struct strbuf to = strbuf_on(text, size - MORE);
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes;
	long length;

	if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
		length = BIO_get_mem_data(bio, &bytes);
		add_plain(&to, bytes, (size_t)length);
	}
	end_text(&to, text, size);
	BIO_free(bio);
}

/* The name of the subject counts only where there are no others (RFC 6125, 6.4.4). */
void tls_describe_names(X509 *certificate, char *text, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	struct strbuf to = strbuf_on(text, size - MORE);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		add_name(&to, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	end_text(&to, text, size);
	if (to.used == 0)
		describe_name(X509_get_subject_name(certificate), text, size);
}

static void describe_time(const ASN1_TIME *time, char *text, size_t size)
{
	struct tm parts;

	if (ASN1_TIME_to_tm(time, &parts) != 1 ||
	    strftime(text, size, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
		snprintf(text, size, "an unknown time");
}

static void read_certificate(const struct tls_stream *stream, struct tls_facts *facts)
{
	X509 *certificate = SSL_get0_peer_certificate(stream->ssl);

	if (certificate == NULL)
		return;
	tls_describe_names(certificate, facts->names, sizeof(facts->names));
	describe_name(X509_get_issuer_name(certificate), facts->issuer, sizeof(facts->issuer));
	describe_time(X509_get0_notAfter(certificate), facts->until, sizeof(facts->until));
}

void tls_stream_read_facts(const struct tls_stream *stream, struct tls_facts *facts)
{
	SSL *ssl = stream->ssl;
	const char *group = SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));
	long error = SSL_get_verify_result(ssl);
	const unsigned char *alpn;
	unsigned length;
	struct strbuf to;

	*facts = (struct tls_facts){ .protocol = SSL_get_version(ssl),
				     .cipher = SSL_get_cipher_name(ssl),
				     .group = group != NULL ? group : "",
				     .is_resumed = SSL_session_reused(ssl) };
	if (stream->verify_error != X509_V_OK)
		error = stream->verify_error;
	if (error != X509_V_OK)
		facts->verify_error = X509_verify_cert_error_string(error);
	read_certificate(stream, facts);
	if (!stream->context->is_address)
		snprintf(facts->host, sizeof(facts->host), "%s", stream->context->host);
	SSL_get0_alpn_selected(ssl, &alpn, &length);
	to = strbuf_on(facts->alpn, sizeof(facts->alpn) - MORE);
	add_plain(&to, (const char *)alpn, length);
	end_text(&to, facts->alpn, sizeof(facts->alpn));
	ERR_clear_error();
}

/* True when the certificate is sound, but no trusted one vouches for it. */
static bool needs_issuer(int error)
{
	return error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
	       error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
	       error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	       error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	       error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

static void describe_rejection(const struct tls_stream *stream, char *text, size_t size)
{
	int error = stream->verify_error;
	char names[TLS_TEXT] = "?";

	if (stream->certificate != NULL)
		tls_describe_names(stream->certificate, names, sizeof(names));
	if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)
		snprintf(text, size,
			 "the certificate is for %s, not for %s (--sni NAME asks for another name, "
			 "--insecure goes on without verification)",
			 names, stream->context->host);
	else
		snprintf(text, size, "the certificate for %s is not trusted: %s (%s%s)", names,
			 X509_verify_cert_error_string(error),
			 needs_issuer(error) ? "--ca FILE trusts its issuer, " : "",
			 "--insecure goes on without verification");
}

/* What a server that does not speak TLS sends looks like this. */
static bool is_no_tls(int reason)
{
	return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
	       reason == SSL_R_PACKET_LENGTH_TOO_LONG || reason == SSL_R_RECORD_LENGTH_MISMATCH;
}

static void describe_reason(const struct tls_stream *stream, char *text, size_t size)
{
	const char *reason =
		ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, (unsigned long)stream->reason));
	int alert = stream->reason - SSL_AD_REASON_OFFSET;

	if (stream->reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
		describe_rejection(stream, text, size);
	else if (is_no_tls(stream->reason) && SSL_in_init(stream->ssl))
		snprintf(text, size, "the server does not speak TLS: its answer is no TLS record");
	else if (alert > 0 && alert < 256)
		snprintf(text, size, "the server has sent the alert: %s",
			 SSL_alert_desc_string_long(alert));
	else
		snprintf(text, size, "TLS: %s", reason != NULL ? reason : "unknown error");
}

const char *tls_stream_describe_end(const struct tls_stream *stream, char *text)
{
	const char *where = SSL_in_init(stream->ssl) ? " in the handshake" : "";
	size_t size = TLS_REASON_TEXT;

	if (stream->end == TLS_END_FAILED && stream->error == EPROTO)
		describe_reason(stream, text, size);
	else if (stream->end == TLS_END_FAILED &&
		 (stream->error == ECONNRESET || stream->error == EPIPE))
		snprintf(text, size, "the server has reset the connection%s", where);
	else if (stream->end == TLS_END_FAILED)
		snprintf(text, size, "%s", strerror(stream->error));
	else if (stream->end == TLS_END_CUT)
		snprintf(text, size, "the server has closed the connection%s%s", where,
			 where[0] != '\0' ? "" : " without close_notify");
	else
		snprintf(text, size, "the server has ended TLS");
	return text;
}
