/* SPDX-License-Identifier: MIT */
/*
 * Builds the error sentence that a person reads. Only for a defect (err_bug) does it print or end
 * the process.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/writer.h"

/*
 * Keeps one line of whole characters: a newline from a file's name must not forge a second line of
 * log.
 */
static void tidy_text(char *text, bool cut)
{
	size_t length = strlen(text);

	while (cut && length > 0 && ((unsigned char)text[length - 1] & 0xc0) == 0x80)
		length--;
	if (cut && length > 0 && ((unsigned char)text[length - 1] & 0x80) != 0)
		length--;
	text[length] = '\0';
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	}
}

/*
 * The arguments may point into err->text, so the sentence is built in a buffer of its own and then
 * copied.
 */
__attribute__((format(printf, 3, 0))) static void compose(struct err *err, enum exit_code code,
							  const char *format, va_list arguments,
							  const char *after)
{
	char text[sizeof(err->text)];
	int length = vsnprintf(text, sizeof(text), format, arguments);
	size_t used = length < 0 ? 0 : (size_t)length;

	if (length < 0)
		text[0] = '\0';
	if (after && used < sizeof(text))
		used += (size_t)snprintf(text + used, sizeof(text) - used, ": %s", after);
	tidy_text(text, used >= sizeof(text));
	memcpy(err->text, text, sizeof(text));
	err->code = code;
}

bool err_set(struct err *err, enum exit_code code, const char *format, ...)
{
	int kept = errno;
	va_list arguments;

	va_start(arguments, format);
	compose(err, code, format, arguments, NULL);
	va_end(arguments);
	errno = kept;
	return false;
}

bool err_errno(struct err *err, enum exit_code code, const char *format, ...)
{
	int kept = errno;
	va_list arguments;

	va_start(arguments, format);
	compose(err, code, format, arguments, strerror(kept));
	va_end(arguments);
	errno = kept;
	return false;
}

bool err_prefix(struct err *err, const char *format, ...)
{
	int kept = errno;
	struct err prefix;
	va_list arguments;

	va_start(arguments, format);
	compose(&prefix, err->code, format, arguments, NULL);
	va_end(arguments);
	err_set(err, err->code, "%s%s", prefix.text, err->text);
	errno = kept;
	return false;
}

const char *err_name(int error)
{
	const char *name = strerrorname_np(error);

	return name != NULL ? name : "?";
}

enum exit_code err_code(int error, enum exit_code otherwise)
{
	return error == EACCES || error == EPERM ? CODE_NOPERM : otherwise;
}

enum exit_code err_code_of_path(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
	case ENAMETOOLONG:
	case EROFS:
	case ETXTBSY:
		return CODE_CONFIG;
	default:
		return err_code(error, CODE_OSERR);
	}
}

_Noreturn void err_bug(const char *file, int line, const char *claim)
{
	char text[512];
	int length = snprintf(text, sizeof(text),
			      "defect at %s:%d: %s (please report it with what led here)\n", file,
			      line, claim);

	if (length >= (int)sizeof(text))
		length = sizeof(text) - 1;
	/* bounded: a stderr that is not read must not keep the process from ending */
	if (length > 0)
		(void)writer_write(&(struct writer)WRITER_STDERR, text, (size_t)length);
	abort();
}
