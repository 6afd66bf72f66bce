/* SPDX-License-Identifier: MIT */
/* Reads and checks the flags of TLS. Must not open the files that they name. */
#include "client/tls_flags.h"

#include <string.h>

#include "base/quote.h"

static bool read_text(const char **to, const char *name, const char *value, struct err *err)
{
	*to = value;
	return value[0] != '\0' || err_set(err, CODE_USAGE, "--%s: the value is empty", name);
}

static bool read_alpn(struct tls_flags *flags, const char *value, struct err *err)
{
	unsigned char wire[TLS_ALPN_MOST];
	char shown[QUOTE_TEXT];

	flags->alpn = value;
	if (tls_flags_write_alpn(value, wire) > 0)
		return true;
	return err_set(err, CODE_USAGE,
		       "--alpn %s: is no list of protocols such as h2,http/1.1 (of at most %d "
		       "bytes)",
		       quote_show(value, shown), TLS_ALPN_MOST - 1);
}

bool tls_flags_read(struct tls_flags *flags, enum tls_flag letter, const char *value,
		    struct err *err)
{
	switch (letter) {
	case TLS_FLAG_TLS:
		flags->is_wanted = true;
		return true;
	case TLS_FLAG_CA:
		return read_text(&flags->ca, "ca", value, err);
	case TLS_FLAG_INSECURE:
		flags->is_insecure = true;
		return true;
	case TLS_FLAG_SNI:
		return read_text(&flags->sni, "sni", value, err);
	case TLS_FLAG_ALPN:
		return read_alpn(flags, value, err);
	case TLS_FLAG_RESUME:
		flags->resumes = true;
		return true;
	}
	return true;
}

bool tls_flags_check(const struct tls_flags *flags, struct err *err)
{
	const char *alone = flags->ca != NULL   ? "ca" :
			    flags->is_insecure  ? "insecure" :
			    flags->sni != NULL  ? "sni" :
			    flags->alpn != NULL ? "alpn" :
			    flags->resumes      ? "resume" :
						  NULL;

	if (!flags->is_wanted && alone != NULL)
		return err_set(err, CODE_USAGE, "--%s: goes with --tls", alone);
	if (flags->is_insecure && flags->ca != NULL)
		return err_set(err, CODE_USAGE, "--ca and --insecure do not go together");
	return true;
}

size_t tls_flags_write_alpn(const char *alpn, unsigned char *to)
{
	size_t used = 0;

	for (;;) {
		size_t length = strcspn(alpn, ",");

		if (length == 0 || used + 1 + length > TLS_ALPN_MOST - 1)
			return 0;
		to[used++] = (unsigned char)length;
		memcpy(to + used, alpn, length);
		used += length;
		if (alpn[length] == '\0')
			return used;
		alpn += length + 1;
	}
}
