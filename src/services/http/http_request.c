/* SPDX-License-Identifier: MIT */
/* The table of bytes. Any other byte, including CR and NUL, belongs to no class. */
#include "services/http/http_request.h"

enum {
	U = HTTP_TARGET,
	TU = HTTP_TOKEN | HTTP_TARGET,
	UH = HTTP_TARGET | HTTP_HOST,
	TUH = HTTP_TOKEN | HTTP_TARGET | HTTP_HOST
};

const uint8_t http_classes[256] = {
	['!'] = TUH,         ['"'] = U,    ['#'] = HTTP_TOKEN, ['$'] = TUH,         ['%'] = TUH,
	['&'] = TUH,         ['\''] = TUH, ['('] = UH,         [')'] = UH,          ['*'] = TUH,
	['+'] = TUH,         [','] = UH,   ['-'] = TUH,        ['.'] = TUH,         ['/'] = U,
	['0' ... '9'] = TUH, [':'] = U,    [';'] = UH,         ['<'] = U,           ['='] = UH,
	['>'] = U,           ['?'] = U,    ['@'] = U,          ['A' ... 'Z'] = TUH, ['['] = U,
	['\\'] = U,          [']'] = U,    ['^'] = TU,         ['_'] = TUH,         ['`'] = TU,
	['a' ... 'z'] = TUH, ['{'] = U,    ['|'] = TU,         ['}'] = U,           ['~'] = TUH,
};
