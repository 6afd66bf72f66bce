/* SPDX-License-Identifier: MIT */
/* Looks up one environment variable. It must not know the variable's place in the file. */
#include "config/conf_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/quote.h"

enum { NAME_MOST = 255 };

/* ${NAME:-TEXT}, split. */
struct parts {
	char name[NAME_MOST + 1];
	const char *text; /* NULL: no default text */
	size_t text_length;
};

static bool is_name(const char *name)
{
	static const char letters[] = "0123456789"
				      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

	return strspn(name, letters + 10) > 0 && name[strspn(name, letters)] == '\0';
}

static bool refuse_form(const char *text, size_t length, struct err *err)
{
	char whole[QUOTE_TEXT], shown[QUOTE_TEXT];

	snprintf(whole, sizeof(whole), "%.*s", (int)length, text);
	return err_set(err, CODE_CONFIG, "%s is not a variable (${NAME} or ${NAME:-TEXT})",
		       quote_show(whole, shown));
}

static bool take_apart(const char *text, size_t length, struct parts *parts, struct err *err)
{
	const char *name = text + 2, *end = text + length - 1;
	const char *mark = memmem(name, (size_t)(end - name), ":-", 2);
	size_t name_length = (size_t)((mark ? mark : end) - name);

	if (name_length > NAME_MOST)
		return refuse_form(text, length, err);
	memcpy(parts->name, name, name_length);
	parts->name[name_length] = '\0';
	parts->text = mark ? mark + 2 : NULL;
	parts->text_length = mark ? (size_t)(end - parts->text) : 0;
	if (!is_name(parts->name))
		return refuse_form(text, length, err);
	if (mark == NULL || memmem(parts->text, parts->text_length, "${", 2) == NULL)
		return true;
	return err_set(err, CODE_CONFIG, "${%s:-...}: its text cannot hold a variable",
		       parts->name);
}

bool conf_text_variable(const char *text, size_t length, FILE *out, struct err *err)
{
	struct parts parts;
	const char *value;

	if (!take_apart(text, length, &parts, err))
		return false;
	value = getenv(parts.name);
	if (parts.text != NULL && (value == NULL || value[0] == '\0'))
		quote_write_part(parts.text, parts.text_length, out);
	else if (value != NULL)
		quote_write_part(value, strlen(value), out);
	else
		return err_set(err, CODE_CONFIG,
			       "${%s}: the variable is not set (set it, or write ${%s:-TEXT})",
			       parts.name, parts.name);
	return true;
}
