/* SPDX-License-Identifier: MIT */
/*
 * The choice among the sections of a listener. It is made when the client's first message has
 * arrived, before the version and a session to resume are chosen: so the section's own protocols
 * hold, and a session counts only where it may be resumed. Nothing of it is kept.
 */
#include "tls/sni.h"

#include <string.h>

#include "tls/names.h"

static const struct tls_site *find_site(const struct tls_front *front, const char *name)
{
	const struct tls_site *found = front->sites[0];
	enum tls_cover best = COVER_NONE;

	for (size_t i = 0; i < front->count && best != COVER_EXACT; i++) {
		enum tls_cover cover = tls_site_cover(front->sites[i], name);

		if (cover <= best)
			continue;
		best = cover;
		found = front->sites[i];
	}
	return best == COVER_NONE ? NULL : found;
}

/* Finds the name in the extension server_name (RFC 6066, section 3). */
static bool find_name(SSL *ssl, char *name)
{
	enum {
		LIST_LENGTH = 2,
		TYPE = 1,
		NAME_LENGTH = 2,
		HEAD = LIST_LENGTH + TYPE + NAME_LENGTH
	};
	const unsigned char *bytes;
	size_t size, length;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) != 1 ||
	    size < HEAD || bytes[LIST_LENGTH] != TLSEXT_NAMETYPE_host_name)
		return false;
	length = (size_t)bytes[HEAD - 2] << 8 | bytes[HEAD - 1];
	return length <= size - HEAD && tls_names_read(bytes + HEAD, length, name);
}

/* SSL_set_SSL_CTX leaves in the session what it has copied from the context before. */
static bool switch_context(SSL *ssl, SSL_CTX *context)
{
	uint64_t wanted = SSL_CTX_get_options(context);

	if (SSL_set_SSL_CTX(ssl, context) == NULL)
		return false;
	SSL_set_verify(ssl, SSL_CTX_get_verify_mode(context), NULL);
	SSL_clear_options(ssl, SSL_get_options(ssl) & ~wanted);
	SSL_set_options(ssl, wanted);
	return SSL_set_num_tickets(ssl, SSL_CTX_get_num_tickets(context)) == 1 &&
	       SSL_set_min_proto_version(ssl, (int)SSL_CTX_get_min_proto_version(context)) == 1 &&
	       SSL_set_max_proto_version(ssl, (int)SSL_CTX_get_max_proto_version(context)) == 1;
}

static int choose_context(SSL *ssl, int *alert, void *argument)
{
	const struct tls_front *front = argument;
	const struct tls_site *site;
	char name[TLS_NAME_SIZE];

	site = find_name(ssl, name) ? find_site(front, name) : NULL;
	if (site == NULL || site == front->sites[0])
		return SSL_CLIENT_HELLO_SUCCESS;
	if (switch_context(ssl, site->context))
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_INTERNAL_ERROR;
	return SSL_CLIENT_HELLO_ERROR;
}

/* Tells the client that its name was known (RFC 6066, section 3). */
static int confirm_name(SSL *ssl, int *alert, void *argument)
{
	const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	char name[TLS_NAME_SIZE];

	(void)alert;
	return asked && tls_names_read(asked, strlen(asked), name) && find_site(argument, name) ?
		       SSL_TLSEXT_ERR_OK :
		       SSL_TLSEXT_ERR_NOACK;
}

void tls_sni_use(SSL_CTX *context, struct tls_front *front)
{
	SSL_CTX_set_client_hello_cb(context, choose_context, front);
	SSL_CTX_set_tlsext_servername_callback(context, confirm_name);
	SSL_CTX_set_tlsext_servername_arg(context, front);
}
