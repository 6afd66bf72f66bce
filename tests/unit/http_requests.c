/* SPDX-License-Identifier: MIT */
/* The rules of RFC 9112 and RFC 9110 as requests, one a row. Rows only. */
#include "unit/http_requests.h"

#define LINE(method, target) method " " target " HTTP/1.1\r\n"
#define HOST                 "Host: x\r\n"
#define GET(headers)         "GET / HTTP/1.1\r\n" HOST headers "\r\n"
#define GET10(headers)       "GET / HTTP/1.0\r\n" headers "\r\n"
#define ASK(method, target)  LINE(method, target) HOST "\r\n"

#define PATH(method, target, path, query)                                           \
	{                                                                           \
		ASK(#method, target), HTTP_##method, path, query, 1, true, false, 0 \
	}
#define FACTS(text, minor, keep, expect, length)                       \
	{                                                              \
		text, HTTP_GET, "/", NULL, minor, keep, expect, length \
	}

const struct http_taken http_taken[] = {
	/* 3.1: the method is a token, case-sensitive */
	PATH(GET, "/", "/", NULL),
	PATH(HEAD, "/", "/", NULL),
	{ ASK("get", "/"), HTTP_UNKNOWN, "/", NULL, 1, true, false, 0 },
	{ ASK("GETS", "/"), HTTP_UNKNOWN, "/", NULL, 1, true, false, 0 },
	{ ASK("POST", "/"), HTTP_OTHER, "/", NULL, 1, true, false, 0 },
	{ ASK("!#$%&'*+-.^_`|~09aZ", "/"), HTTP_UNKNOWN, "/", NULL, 1, true, false, 0 },

	/* 3.2.1: origin-form */
	PATH(GET, "/a/b.c", "/a/b.c", NULL),
	PATH(GET, "/?", "/", ""),
	PATH(GET, "/a?b=c&d", "/a", "b=c&d"),
	PATH(GET, "/a?b?c/d", "/a", "b?c/d"),
	PATH(GET, "//a/../%2e%zz%00", "//a/../%2e%zz%00", NULL),
	PATH(GET, "/a|b[1]{\"<>\\^`}", "/a|b[1]{\"<>\\^`}", NULL),
	PATH(GET, "/http://y/z", "/http://y/z", NULL),

	/* 3.2.2: absolute-form */
	PATH(GET, "http://y/z?q", "/z", "q"),
	PATH(GET, "HTTPS://y:443/", "/", NULL),
	PATH(GET, "http://y", "/", NULL),
	PATH(GET, "http://y?q", "/", "q"),
	PATH(GET, "http://[::1]:80/a", "/a", NULL),

	/* 3.2.3 and 3.2.4: authority-form and asterisk-form */
	{ ASK("CONNECT", "y:443"), HTTP_CONNECT, "", NULL, 1, false, false, 0 },
	{ ASK("CONNECT", "[::1]:443"), HTTP_CONNECT, "", NULL, 1, false, false, 0 },
	PATH(OPTIONS, "*", "*", NULL),
	PATH(OPTIONS, "/a", "/a", NULL),

	/* 2.2 */
	FACTS("\r\n" GET(""), 1, true, false, 0),
	FACTS("\r\n\r\n" GET10(""), 0, false, false, 0),

	/* 3.2 and 9110 7.2: Host */
	FACTS(LINE("GET", "/") "Host:\r\n\r\n", 1, true, false, 0),
	FACTS(LINE("GET", "/") "hOST: \t y:80 \t\r\n\r\n", 1, true, false, 0),
	FACTS(LINE("GET", "/") "Host: [fe80::1%25eth0]:80\r\n\r\n", 1, true, false, 0),
	FACTS(LINE("GET", "/") "Host: y:\r\n\r\n", 1, true, false, 0),
	FACTS(LINE("GET", "/") "Host: y:65535\r\n\r\n", 1, true, false, 0),
	FACTS(LINE("GET", "/") "Host: 127.0.0.1:00080\r\n\r\n", 1, true, false, 0),
	FACTS(LINE("GET", "/") "Host: [::ffff:192.0.2.1]\r\n\r\n", 1, true, false, 0),
	FACTS(LINE("GET", "/") "Host: [v1f.a:b;c]:80\r\n\r\n", 1, true, false, 0),
	FACTS(LINE("GET", "/") "Host: caf%C3%a9_1.example\r\n\r\n", 1, true, false, 0),
	FACTS(GET10(HOST), 0, false, false, 0),

	/* 9110 2.5: a later minor version */
	FACTS("GET / HTTP/1.2\r\n" HOST "\r\n", 1, true, false, 0),
	FACTS("GET / HTTP/1.9\r\n" HOST "Connection: close\r\n\r\n", 1, false, false, 0),

	/* 5: the values of other headers are not checked */
	FACTS(GET("A:\r\nB: \t\r\nC:c:c\r\n"), 1, true, false, 0),
	FACTS(GET("A: caf\xc3\xa9 \xff\t\"(,;\r\n"), 1, true, false, 0),
	FACTS(GET("!#$%&'*+-.^_`|~09aZ: y\r\n"), 1, true, false, 0),
	FACTS(GET("Hosts: y\r\nHos: y\r\n"), 1, true, false, 0),
	FACTS(GET("Range: bytes=0-1\r\nIF-RANGE:\"a\"\r\nrange: x\r\nAccept:\r\n"), 1, true, false,
	      0),

	/* 6.2: Content-Length */
	FACTS(GET("Content-Length: 0\r\n"), 1, true, false, 0),
	FACTS(GET("content-length:00042\r\n"), 1, true, false, 42),
	FACTS(GET("Content-Length: 65536\r\n"), 1, true, false, 65536),
	FACTS(GET10("Content-Length: 5\r\n"), 0, false, false, 5),

	/* 7.1: chunks, which end after the head */
	FACTS(GET("Transfer-Encoding: chunked\r\n"), 1, true, false, 0),
	FACTS(GET("transfer-encoding:\t, CHUNKED ,\r\n"), 1, true, false, 0),

	/* 9.3: Connection */
	FACTS(GET("Connection: close\r\n"), 1, false, false, 0),
	FACTS(GET("Connection: a, ,CLOSE,b\r\n"), 1, false, false, 0),
	FACTS(GET("Connection: closed\r\n"), 1, true, false, 0),
	FACTS(GET("Connection: keep-alive\r\nConnection: close\r\n"), 1, false, false, 0),
	FACTS(GET10("Connection: Keep-Alive\r\n"), 0, true, false, 0),
	FACTS(GET10("Connection: keep-alive, close\r\n"), 0, false, false, 0),

	/* 9110 10.1.1: Expect */
	FACTS(GET("Expect: 100-Continue\r\nContent-Length: 1\r\n"), 1, true, true, 1),
	FACTS(GET("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n"), 1, true, true, 0),
	FACTS(GET("Expect: 100-continue\r\n"), 1, true, false, 0),
	FACTS(GET("Expect: 200-ok\r\nContent-Length: 1\r\n"), 1, true, false, 1),
	FACTS(GET10("Expect: 100-continue\r\nContent-Length: 1\r\n"), 0, false, false, 1),
};
const size_t http_taken_count = sizeof(http_taken) / sizeof(http_taken[0]);

#define REFUSED(status, text)                  \
	{                                      \
		text, sizeof(text) - 1, status \
	}

const struct http_refused http_refused[] = {
	/* 2.2: only CRLF ends a line, and a line has no control characters */
	REFUSED(400, "GET / HTTP/1.1\nHost: x\n\n"),
	REFUSED(400, LINE("GET", "/") "Host: x\n\r\n"),
	REFUSED(400, LINE("GET", "/") HOST "\n"),
	REFUSED(400, LINE("GET", "/") HOST "\rX"),
	REFUSED(400, "GET / HTTP/1.1\rHost: x\r\n\r\n"),
	REFUSED(400, GET("A: b\rc\r\n")),
	REFUSED(400, GET("A: b\r\r\n")),
	REFUSED(400, GET("A: b\0c\r\n")),
	REFUSED(400, GET("A\0: b\r\n")),
	REFUSED(400, "GET /\0 HTTP/1.1\r\n" HOST "\r\n"),
	REFUSED(400, GET("A: \x1b[2J\r\n")),
	REFUSED(400, GET("A: \x7f\r\n")),
	REFUSED(400, " " GET("")),
	REFUSED(400, "\n" GET("")),

	/* 3: method SP target SP version, with one blank each */
	REFUSED(400, "\x16\x03\x01\x02"),
	REFUSED(400, "GET\r\n"),
	REFUSED(400, "GET /\r\n"),
	REFUSED(400, "GET / \r\n"),
	REFUSED(400, "GET  / HTTP/1.1\r\n" HOST "\r\n"),
	REFUSED(400, "GET /  HTTP/1.1\r\n" HOST "\r\n"),
	REFUSED(400, "GET / HTTP/1.1 \r\n" HOST "\r\n"),
	REFUSED(400, "GET\t/ HTTP/1.1\r\n" HOST "\r\n"),
	REFUSED(400, "GET / a HTTP/1.1\r\n" HOST "\r\n"),
	REFUSED(400, ASK("G(T", "/")),
	REFUSED(400, ASK("", "/")),

	/* 3.2: the target */
	REFUSED(400, ASK("GET", "a")),
	REFUSED(400, ASK("GET", "*")),
	REFUSED(400, ASK("OPTIONS", "**")),
	REFUSED(400, ASK("GET", "/a#b")),
	REFUSED(400, ASK("GET", "/caf\xc3\xa9")),
	REFUSED(400, ASK("GET", "y:443")),
	REFUSED(400, ASK("CONNECT", "/")),
	REFUSED(400, ASK("CONNECT", "http://y/")),
	REFUSED(400, ASK("GET", "http://")),
	REFUSED(400, ASK("GET", "http:///a")),
	REFUSED(400, ASK("GET", "http://:80/")),
	REFUSED(400, ASK("GET", "http://u@y/")),
	REFUSED(400, ASK("GET", "http://[::1/a")),
	REFUSED(400, ASK("GET", "http://y:8o/")),
	REFUSED(400, ASK("GET", "http://y:65536/")),
	REFUSED(400, ASK("GET", "http://[zzz]/")),
	REFUSED(400, ASK("CONNECT", "y:65536")),
	REFUSED(400, ASK("CONNECT", "y")),
	REFUSED(400, ASK("CONNECT", "y:")),
	REFUSED(400, ASK("CONNECT", "[::1]")),
	REFUSED(400, ASK("GET", "ftp://y/")),

	/* 2.3: the version */
	REFUSED(400, "GET / http/1.1\r\n" HOST "\r\n"),
	REFUSED(400, "GET / HTTP/1.10\r\n" HOST "\r\n"),
	REFUSED(400, "GET / HTTP/1\r\n" HOST "\r\n"),
	REFUSED(400, "GET / HTTP/x.1\r\n" HOST "\r\n"),
	REFUSED(400, "GET / HTTQ/1.1\r\n" HOST "\r\n"),
	REFUSED(400, "GET / HTTP/1.2\r\n\r\n"),
	REFUSED(505, "GET / HTTP/0.9\r\n" HOST "\r\n"),
	REFUSED(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),

	/* 5.1 and 5.2: headers */
	REFUSED(400, GET("A : b\r\n")),
	REFUSED(400, GET("A\t: b\r\n")),
	REFUSED(400, GET(": b\r\n")),
	REFUSED(400, GET("A\r\n")),
	REFUSED(400, GET("A b: c\r\n")),
	REFUSED(400, GET("A: b\r\n c\r\n")),
	REFUSED(400, GET("A: b\r\n\tc: d\r\n")),
	REFUSED(400, LINE("GET", "/") " " HOST "\r\n"),
	REFUSED(400, GET("A\xc3\xa9: b\r\n")),
	REFUSED(400, GET("\"A\": b\r\n")),

	/* 3.2: Host */
	REFUSED(400, LINE("GET", "/") "\r\n"),
	REFUSED(400, GET("Host: x\r\n")),
	REFUSED(400, GET10("Host: x\r\nHost: x\r\n")),
	REFUSED(400, LINE("GET", "/") "Host: x, y\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: x/y\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: u@x\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: x:y\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: :80\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: [::1\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: [::1@:80\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: ::1\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: [zzz]\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: []\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: [127.0.0.1]\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: [1:2:3:4:5:6:7:8:9]\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: [fe80::1%eth0]\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: [fe80::1%25]\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: [v.x]\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: [v1.]\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: [v1.%41]\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: [::1]x\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: a:65536\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: a:99999\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: a:4294967376\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: a%zz\r\n\r\n"),
	REFUSED(400, LINE("GET", "/") "Host: a%4\r\n\r\n"),
	REFUSED(400, LINE("GET", "http://y/") "\r\n"),

	/* 6.1 to 6.3: the end of the body */
	REFUSED(400, GET("Content-Length:\r\n")),
	REFUSED(400, GET("Content-Length: +5\r\n")),
	REFUSED(400, GET("Content-Length: -5\r\n")),
	REFUSED(400, GET("Content-Length: 0x5\r\n")),
	REFUSED(400, GET("Content-Length: 5 5\r\n")),
	REFUSED(400, GET("Content-Length: 5, 5\r\n")),
	REFUSED(400, GET("Content-Length: 5\r\nContent-Length: 5\r\n")),
	REFUSED(400, GET("Content-Length: 5\r\nContent-Length: 6\r\n")),
	REFUSED(400, GET("Content-Length: 0\r\nContent-Length: 6\r\n")),
	REFUSED(400, GET("Content-Length: 18446744073709551616\r\n")),
	REFUSED(413, GET("Content-Length: 18446744073709551615\r\n")),
	REFUSED(413, GET("Content-Length: 65537\r\n")),
	REFUSED(400, GET("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")),
	REFUSED(400, GET("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")),
	REFUSED(400, GET("Transfer-Encoding: gzip\r\nContent-Length: 0\r\n")),
	REFUSED(400, GET10("Transfer-Encoding: chunked\r\n")),
	REFUSED(400, GET("Transfer-Encoding:\r\n")),
	REFUSED(400, GET("Transfer-Encoding: ,\r\n")),
	REFUSED(400, GET("Transfer-Encoding: chunked, chunked\r\n")),
	REFUSED(400, GET("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n")),
	REFUSED(501, GET("Transfer-Encoding: gzip, chunked\r\n")),
	REFUSED(501, GET("Transfer-Encoding: identity\r\n")),
	REFUSED(501, GET("Transfer-Encoding: xchunked\r\n")),
	REFUSED(501, GET("Transfer-Encoding: \"chunked\"\r\n")),
};
const size_t http_refused_count = sizeof(http_refused) / sizeof(http_refused[0]);
