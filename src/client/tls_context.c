/* SPDX-License-Identifier: MIT */
/*
 * The context of a run: trusted certificates, the name to be verified, protocols. Must not touch a
 * connection.
 */
#include "client/tls_context.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "base/sys.h"
#include "client/tls_inside.h"

/* Without the dot at its end, which certificates do not have. */
static void copy_host(struct tls_context *context, const char *host, size_t length)
{
	if (length > 1 && host[length - 1] == '.')
		length--;
	snprintf(context->host, sizeof(context->host), "%.*s", (int)length, host);
}

/* The host without port, brackets, and the zone of an IPv6 address. */
static void copy_target(struct tls_context *context, const char *target)
{
	const char *end = strrchr(target, ':');
	size_t length = end != NULL ? (size_t)(end - target) : strlen(target);
	const char *zone;

	if (target[0] == '[' && length >= 2) {
		target++;
		length -= 2;
		zone = memchr(target, '%', length);
		length = zone != NULL ? (size_t)(zone - target) : length;
	}
	copy_host(context, target, length);
}

static bool choose_host(struct tls_context *context, const struct tls_flags *flags,
			const char *target, struct err *err)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	char shown[QUOTE_TEXT];

	if (flags->sni != NULL && strlen(flags->sni) >= sizeof(context->host))
		return err_set(err, CODE_USAGE, "--sni %s: is too long for a name",
			       quote_show(flags->sni, shown));
	if (flags->sni != NULL)
		copy_host(context, flags->sni, strlen(flags->sni));
	else if (strncmp(target, "unix:", 5) != 0)
		copy_target(context, target);
	else if (!flags->is_insecure)
		return err_set(err, CODE_USAGE,
			       "--tls on %s: no name is known that the certificate must be for: "
			       "--sni NAME gives one, --insecure goes on without verification",
			       target);
	context->is_address = inet_pton(AF_INET, context->host, bytes) == 1 ||
			      inet_pton(AF_INET6, context->host, bytes) == 1;
	return true;
}

static bool set_host(struct tls_context *context)
{
	X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(context->ctx);

	if (context->host[0] == '\0')
		return true;
	X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (context->is_address)
		return X509_VERIFY_PARAM_set1_ip_asc(parameters, context->host) == 1;
	return X509_VERIFY_PARAM_set1_host(parameters, context->host, 0) == 1;
}

/* OpenSSL would report each kind of failure as its own; the kernel knows why a file is not read. */
static bool load_trusted(struct tls_context *context, const char *path, struct err *err)
{
	char shown[QUOTE_TEXT];
	FILE *file;

	if (path == NULL)
		return SSL_CTX_set_default_verify_paths(context->ctx) == 1 ||
		       err_set(err, CODE_OSERR, "cannot use the system's trusted certificates");
	file = fopen(path, "re");
	if (file == NULL)
		return err_errno(err, err_code(errno, CODE_USAGE), "--ca %s",
				 quote_show(path, shown));
	fclose(file);
	if (SSL_CTX_load_verify_file(context->ctx, path) == 1)
		return true;
	return err_set(err, CODE_USAGE, "--ca %s: holds no certificate in the format PEM",
		       quote_show(path, shown));
}

static bool set_alpn(struct tls_context *context, const char *alpn)
{
	unsigned char wire[TLS_ALPN_MOST];

	return alpn == NULL ||
	       SSL_CTX_set_alpn_protos(context->ctx, wire,
				       (unsigned)tls_flags_write_alpn(alpn, wire)) == 0;
}

static bool make_ctx(struct tls_context *context, const struct tls_flags *flags, struct err *err)
{
	context->method = tls_stream_method();
	context->ctx = SSL_CTX_new(TLS_client_method());
	if (context->method == NULL || context->ctx == NULL)
		return err_set(err, CODE_OSERR, "cannot start OpenSSL");
	SSL_CTX_set_mode(context->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					       SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(context->ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_min_proto_version(context->ctx, TLS1_2_VERSION);
	SSL_CTX_set_read_ahead(context->ctx, 1);
	SSL_CTX_set_verify(context->ctx, SSL_VERIFY_PEER, tls_stream_on_verify);
	SSL_CTX_set_session_cache_mode(context->ctx,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context->ctx, tls_stream_on_session);
	if (!load_trusted(context, flags->ca, err))
		return false;
	return (set_host(context) && set_alpn(context, flags->alpn)) ||
	       err_set(err, CODE_USAGE, "--tls: OpenSSL refuses the name %s", context->host);
}

struct tls_context *tls_context_new(const struct tls_flags *flags, const char *target,
				    struct err *err)
{
	struct tls_context *context = calloc(1, sizeof(*context));
	bool is_good;

	if (context == NULL) {
		err_errno(err, CODE_OSERR, "cannot speak TLS");
		return NULL;
	}
	context->is_insecure = flags->is_insecure;
	context->resumes = flags->resumes;
	is_good = choose_host(context, flags, target, err) && make_ctx(context, flags, err);
	ERR_clear_error();
	if (is_good)
		return context;
	tls_context_free(context);
	return NULL;
}

void tls_context_free(struct tls_context *context)
{
	if (context == NULL)
		return;
	SSL_CTX_free(context->ctx);
	BIO_meth_free(context->method);
	free(context);
}
