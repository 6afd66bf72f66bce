/* SPDX-License-Identifier: MIT */
/* Reads the entry word by word; a word may stand once. */
#include "config/conf_server.h"

#include <stdio.h>
#include <string.h>

#include "base/quote.h"
#include "base/units.h"
#include "config/foreign.h"

enum { ENTRY_SIZE = 512, WORD_SIZE = 64 };

/* A word of an entry: NAME=NUMBER, or NAME alone. */
struct word {
	const char *name;
	unsigned most, *number; /* most 0: a name alone */
	bool *is_set;
};

static bool read_number(const struct word *word, const char *value, struct err *err)
{
	char shown[QUOTE_TEXT];
	int64_t number;
	bool is_number = units_read_count(value, &number);

	if (!is_number || number < 1 || number > (int64_t)word->most)
		return err_set(err, CODE_CONFIG, "%s: %s is %s (1 to %u)", word->name,
			       quote_show(value, shown),
			       is_number ? "out of range" : "not a number", word->most);
	*word->number = (unsigned)number;
	return true;
}

static bool refuse_word(const char *text, struct err *err)
{
	char shown[QUOTE_TEXT], name[WORD_SIZE];
	const char *hint;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, "="), text);
	hint = foreign_find(FOREIGN_word, name);
	return err_set(err, CODE_CONFIG, "%s is unknown (%s)", quote_show(text, shown),
		       hint ? hint : "ADDRESS, then weight=N, max_connections=N, backup or down");
}

static bool read_word(const char *text, const struct word *words, size_t count, struct err *err)
{
	size_t length = strcspn(text, "=");

	for (const struct word *word = words; word < words + count; word++) {
		if (strlen(word->name) != length || strncmp(word->name, text, length) != 0 ||
		    (text[length] == '=') != (word->most > 0))
			continue;
		if (*word->is_set)
			return err_set(err, CODE_CONFIG, "%s: is given twice", word->name);
		*word->is_set = true;
		return word->most == 0 || read_number(word, text + length + 1, err);
	}
	return refuse_word(text, err);
}

static bool read_words(char *rest, struct upstream_server *server, struct err *err)
{
	bool has_weight = false, has_most = false;
	const struct word words[] = {
		{ "weight", CONF_WEIGHT_MOST, &server->weight, &has_weight },
		{ "max_connections", CONF_SERVER_CONNECTIONS_MOST, &server->max_connections,
		  &has_most },
		{ "backup", 0, NULL, &server->is_backup },
		{ "down", 0, NULL, &server->is_down },
	};

	for (const char *text; (text = strtok_r(NULL, " \t", &rest)) != NULL;)
		if (!read_word(text, words, sizeof(words) / sizeof(*words), err))
			return err_prefix(err, "%s: ", server->address);
	return true;
}

bool conf_server_read(const char *text, struct upstream_server *server, struct err *err)
{
	char copy[ENTRY_SIZE], *rest, *address;

	*server = (struct upstream_server){ .weight = 1 };
	snprintf(copy, sizeof(copy), "%s", text);
	address = strtok_r(copy, " \t", &rest);
	if (address == NULL)
		return err_set(err, CODE_CONFIG, "an address is needed (such as 127.0.0.1:5432)");
	if (strlen(address) >= sizeof(server->address))
		return err_set(err, CODE_CONFIG, "the address is too long (%d bytes)",
			       ADDR_TEXT - 1);
	if (!addr_check_server(address, err))
		return false;
	memcpy(server->address, address, strlen(address) + 1);
	return read_words(rest, server, err);
}
