/* SPDX-License-Identifier: MIT */
/* Reads files of certificates and keys. It asks nobody for a passphrase, and checks no contents. */
#include "tls/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tls/library.h"

enum { FILE_MOST = 1024 * 1024 };

/* Returns the whole file, which close_file wipes and frees. */
static BIO *open_file(const char *path, char **bytes, struct err *err)
{
	ssize_t length;
	BIO *bio = NULL;

	*bytes = malloc(FILE_MOST);
	if (*bytes == NULL) {
		err_errno(err, CODE_OSERR, "\"%s\" cannot be read", path);
		return NULL;
	}
	length = file_read_regular(path, *bytes, FILE_MOST, err);
	if (length >= 0 && (bio = BIO_new_mem_buf(*bytes, (int)length)) == NULL)
		tls_library_blame(err, CODE_OSERR, "\"%s\" cannot be read", path);
	if (bio != NULL)
		return bio;
	free(*bytes);
	return NULL;
}

static void close_file(BIO *bio, char *bytes)
{
	BIO_free(bio);
	explicit_bzero(bytes, FILE_MOST);
	free(bytes);
}

void pem_free_chain(STACK_OF(X509) * chain)
{
	sk_X509_pop_free(chain, X509_free);
}

/* True when the last one was read: what follows has no more lines that begin a part. */
static bool has_ended(void)
{
	unsigned long last = ERR_peek_last_error();

	return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

static bool read_all(BIO *bio, STACK_OF(X509) * chain, const char *path, struct err *err)
{
	X509 *one;

	while ((one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(chain, one) == 0) {
			X509_free(one);
			return tls_library_blame(err, CODE_OSERR, "\"%s\" cannot be kept", path);
		}
	if (!has_ended())
		return tls_library_blame(err, CODE_CONFIG, "\"%s\": certificate %d is damaged",
					 path, sk_X509_num(chain) + 1);
	ERR_clear_error();
	return sk_X509_num(chain) > 0 ||
	       err_set(err, CODE_CONFIG,
		       "\"%s\" has no certificate (PEM: lines from -----BEGIN CERTIFICATE----- on)",
		       path);
}

STACK_OF(X509) * pem_read_chain(const char *path, struct err *err)
{
	STACK_OF(X509) * chain;
	char *bytes;
	BIO *bio = open_file(path, &bytes, err);

	if (bio == NULL)
		return NULL;
	chain = sk_X509_new_null();
	if (chain == NULL)
		tls_library_blame(err, CODE_OSERR, "\"%s\" cannot be kept", path);
	else if (!read_all(bio, chain, path, err)) {
		pem_free_chain(chain);
		chain = NULL;
	}
	close_file(bio, bytes);
	return chain;
}

/* In the place of a question on the terminal, which might be a service manager's. */
static int note_question(char *text, int size, int is_for_writing, void *was_asked)
{
	(void)text;
	(void)size;
	(void)is_for_writing;
	*(bool *)was_asked = true;
	return -1;
}

/* OpenSSL takes a file without a key for one of a format that it does not know. */
static bool has_key(BIO *bio)
{
	static const char mark[] = "PRIVATE KEY-----";
	char *bytes;
	long length = BIO_get_mem_data(bio, &bytes);

	return length > 0 && memmem(bytes, (size_t)length, mark, strlen(mark)) != NULL;
}

EVP_PKEY *pem_read_key(const char *path, struct err *err)
{
	EVP_PKEY *key = NULL;
	bool was_asked = false, is_there;
	char *bytes;
	BIO *bio = open_file(path, &bytes, err);

	if (bio == NULL)
		return NULL;
	is_there = has_key(bio);
	if (is_there)
		key = PEM_read_bio_PrivateKey(bio, NULL, note_question, &was_asked);
	if (was_asked)
		err_set(err, CODE_CONFIG,
			"\"%s\" has a passphrase, which a server that starts by itself cannot be "
			"told (openssl pkey -in KEY -out NEW removes it)",
			path);
	else if (!is_there)
		err_set(err, CODE_CONFIG,
			"\"%s\" has no private key (PEM: lines from -----BEGIN PRIVATE KEY----- "
			"on)",
			path);
	else if (key == NULL)
		tls_library_blame(err, CODE_CONFIG, "\"%s\": the private key is damaged", path);
	ERR_clear_error();
	close_file(bio, bytes);
	return key;
}
