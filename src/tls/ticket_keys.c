/* SPDX-License-Identifier: MIT */
/*
 * Makes and rotates keys, and is OpenSSL's callback for tickets: AES-256-CBC and HMAC-SHA256, as
 * RFC 5077 (section 4) recommends. It keeps nothing of a connection.
 */
#include "tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <string.h>

#include "base/sys.h"
#include "tls/library.h"

enum { COPIES_MOST = 1000 };

/* What OpenSSL expects of the callback. */
enum { TICKET_FAILED = -1, TICKET_NONE = 0, TICKET_GOOD = 1, TICKET_RENEW = 2 };

static bool make_key(struct tls_ticket_key *key, int64_t now_s, struct err *err)
{
	uint8_t bytes[sizeof(key->name) + sizeof(key->cipher) + sizeof(key->mac)];

	if (sys_getrandom(bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
		return err_errno(err, CODE_OSERR, "no random bytes for the key of session tickets");
	memcpy(key->name, bytes, sizeof(key->name));
	memcpy(key->cipher, bytes + sizeof(key->name), sizeof(key->cipher));
	memcpy(key->mac, bytes + sizeof(key->name) + sizeof(key->cipher), sizeof(key->mac));
	key->made_s = now_s;
	explicit_bzero(bytes, sizeof(bytes));
	return true;
}

/* Readers see the old keys, the new ones, or an odd version. */
static void write_keys(struct tls_ticket_keys *keys, const struct tls_ticket_key *current,
		       const struct tls_ticket_key *previous)
{
	uint32_t version = keys->version | 1;

	__atomic_store_n(&keys->version, version, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	keys->previous = *previous;
	keys->current = *current;
	__atomic_store_n(&keys->version, version + 1, __ATOMIC_RELEASE);
}

bool tls_ticket_keys_start(struct tls_ticket_keys *keys, int64_t now_s, struct err *err)
{
	const struct tls_ticket_key none = { .made_s = 0 };
	struct tls_ticket_key fresh;

	if (!make_key(&fresh, now_s, err))
		return false;
	write_keys(keys, &fresh, &none);
	explicit_bzero(&fresh, sizeof(fresh));
	return true;
}

bool tls_ticket_keys_rotate(struct tls_ticket_keys *keys, int64_t now_s, int64_t rotation_s,
			    bool *rotated, struct err *err)
{
	struct tls_ticket_key fresh, last = keys->current;

	*rotated = now_s - last.made_s >= rotation_s;
	if (!*rotated)
		return true;
	*rotated = make_key(&fresh, now_s, err);
	if (*rotated)
		write_keys(keys, &fresh, &last);
	explicit_bzero(&fresh, sizeof(fresh));
	explicit_bzero(&last, sizeof(last));
	return *rotated;
}

void tls_ticket_keys_wipe(struct tls_ticket_keys *keys)
{
	explicit_bzero(keys, sizeof(*keys));
}

bool tls_ticket_keys_copy(const struct tls_ticket_keys *keys, struct tls_ticket_keys *copy)
{
	for (unsigned i = 0; i < COPIES_MOST; i++) {
		uint32_t before = __atomic_load_n(&keys->version, __ATOMIC_ACQUIRE);

		if (before % 2 != 0)
			continue;
		*copy = *keys;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&keys->version, __ATOMIC_RELAXED) == before)
			return copy->current.made_s != 0;
	}
	return false;
}

static bool use_key(const struct tls_ticket_key *key, const struct tls_tickets *tickets,
		    const uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool encrypts)
{
	char digest[] = "SHA256";
	uint8_t mac_key[sizeof(key->mac)];
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key, sizeof(mac_key)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	bool is_set;

	memcpy(mac_key, key->mac, sizeof(mac_key));
	is_set = EVP_MAC_CTX_set_params(mac, parameters) == 1 &&
		 EVP_CipherInit_ex2(cipher, tickets->cipher, key->cipher, iv, encrypts, NULL) == 1;
	explicit_bzero(mac_key, sizeof(mac_key));
	return is_set;
}

static int seal_ticket(const struct tls_ticket_keys *keys, const struct tls_tickets *tickets,
		       uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(tickets->cipher)) != 1 ||
	    !use_key(&keys->current, tickets, iv, cipher, mac, true))
		return TICKET_FAILED;
	memcpy(name, keys->current.name, sizeof(keys->current.name));
	return TICKET_GOOD;
}

static bool has_name(const struct tls_ticket_key *key, const uint8_t *name)
{
	return key->made_s != 0 && memcmp(key->name, name, sizeof(key->name)) == 0;
}

static int open_ticket(const struct tls_ticket_keys *keys, const struct tls_tickets *tickets,
		       const uint8_t *name, const uint8_t *iv, EVP_CIPHER_CTX *cipher,
		       EVP_MAC_CTX *mac)
{
	bool is_current = has_name(&keys->current, name);
	const struct tls_ticket_key *key = is_current ? &keys->current : &keys->previous;

	if (!has_name(key, name))
		return TICKET_NONE;
	if (!use_key(key, tickets, iv, cipher, mac, false))
		return TICKET_FAILED;
	return is_current ? TICKET_GOOD : TICKET_RENEW;
}

static int find_index(void)
{
	static int at = -1; /* the master's first call sets it */

	if (at < 0)
		at = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return at;
}

static int handle_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
			 EVP_MAC_CTX *mac, int encrypts)
{
	const struct tls_tickets *tickets = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), find_index());
	struct tls_ticket_keys keys;
	int answer = TICKET_NONE;

	if (tickets->keys != NULL && tls_ticket_keys_copy(tickets->keys, &keys))
		answer = encrypts ? seal_ticket(&keys, tickets, name, iv, cipher, mac) :
				    open_ticket(&keys, tickets, name, iv, cipher, mac);
	explicit_bzero(&keys, sizeof(keys));
	/* a client of TLS 1.3 uses a ticket once (RFC 8446 C.4) */
	if (!encrypts && answer == TICKET_GOOD && SSL_version(ssl) == TLS1_3_VERSION)
		return TICKET_RENEW;
	return answer;
}

bool tls_tickets_new(struct tls_tickets *tickets, struct err *err)
{
	tickets->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	return (tickets->cipher != NULL && find_index() >= 0) ||
	       tls_library_blame(err, CODE_OSERR, "OpenSSL has no cipher for session tickets");
}

void tls_tickets_free(struct tls_tickets *tickets)
{
	EVP_CIPHER_free(tickets->cipher);
	tickets->cipher = NULL;
}

bool tls_tickets_use(SSL_CTX *context, struct tls_tickets *tickets)
{
	return SSL_CTX_set_ex_data(context, find_index(), tickets) == 1 &&
	       SSL_CTX_set_tlsext_ticket_key_evp_cb(context, handle_ticket) == 1;
}
