/* SPDX-License-Identifier: MIT */
/* Files are told apart by their sizes: what an answer says of a file names one. */
#include "fuzz/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/http/parse/http_chunked.h"
#include "unit/folder.h"

enum { FILE_MOST = 320000, LISTED = 40, LISTED_LONG = 1100 };

/* What no request can have in it, and so no answer by reflection. */
#define SECRET "\1secret\2"

/* Below the folder; those in root may be sent. */
static const struct {
	const char *name;
	size_t size;
} files[] = {
	{ "root/empty", 0 },
	{ "root/s.txt", 300 },
	{ "root/s.txt.gz", 77 },
	{ "root/page.html", 9001 },
	{ "root/page.html.br", 8100 },
	{ "root/page.html.gz", 8200 },
	{ "root/memory.bin", 100003 },
	{ "root/large.bin", FILE_MOST },
	{ "root/docs/index.html", 1234 },
	{ "root/docs/a.css", 4321 },
	{ "root/404.html", 404 },
	{ "root/50x.html", 503 },
};
enum { FILES = sizeof(files) / sizeof(*files) };

static char *folder;
static char content[FILES][FILE_MOST];

void demand(bool claim, const char *what)
{
	if (claim)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* --- The folder --- */

static const char *at(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *bytes, size_t size)
{
	FILE *file = fopen(at(name), "we");

	demand(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0, name);
}

static void put_folder(const char *name)
{
	demand(mkdir(at(name), 0755) == 0, name);
}

static void put_link(const char *target, const char *name)
{
	demand(symlink(target, at(name)) == 0, name);
}

static void put_listed(const char *in, unsigned count)
{
	char name[64];

	put_folder(in);
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s/%s%u", in, i % 7 ? "n" : "<&\" \xc3\xa4\xff%", i);
		put(name, "", 0);
	}
}

static void put_files(void)
{
	for (size_t i = 0; i < FILES; i++) {
		for (size_t k = 0; k < files[i].size; k++)
			content[i][k] = (char)((i * 131 + k) * 2654435761U >> 24);
		put(files[i].name, content[i], files[i].size);
	}
}

static void remove_all(void)
{
	(void)folder_remove_tree(folder);
}

const char *site_make(char *conf, size_t size)
{
	static const char *const folders[] = { "root", "root/docs", "root/bare", "out" };
	void *made;

	demand(folder_make(&made) == 0, "no folder");
	folder = made;
	(void)atexit(remove_all);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		put_folder(folders[i]);
	put_files();
	put_listed("root/list", LISTED);
	put_listed("root/long", LISTED_LONG);
	put("out/secret", SECRET, sizeof(SECRET) - 1);
	put("root/.hidden", SECRET, sizeof(SECRET) - 1);
	put_link("s.txt", "root/link");
	put_link("../out", "root/up");
	put_link("../out/secret", "root/docs/up");
	put_link(at("out/secret"), "root/absolute");
	put_link("loop", "root/loop");
	demand(mkfifo(at("root/fifo"), 0644) == 0, "no fifo");
	snprintf(conf, size,
		 "listen 1 {\nservice = http\nroot = \"%s/root\"\nprecompressed = yes\n"
		 "autoindex = yes\nerror_page = {\"404 /404.html\", \"403 500 503 /50x.html\"}\n"
		 "redirect = {\"/old/ /docs/ 308\", \"/gone https://x/y 302\"}\n"
		 "location /try { try = {$uri, \"/docs$uri\", /s.txt} }\n"
		 "location /docs { autoindex = no  follow_symlinks = same_owner\n"
		 "cache_control = \"no-cache\" }\n"
		 "location /bare { root = \"%s/out/none\" }\n}\n",
		 folder, folder);
	return conf;
}

/* --- The answers --- */

/* An answer, or a part of one. */
struct answer {
	const char *head, *body;
	size_t length; /* of the body */
	unsigned status;
};

/* The value behind the name, which the line begins with; NULL: there is no such line. */
static const char *find_value(const struct answer *a, const char *name)
{
	size_t length = strlen(name), head = (size_t)(a->body - a->head);
	const char *line = memmem(a->head, head, name, length);

	while (line && line > a->head && line[-1] != '\n')
		line = memmem(line + 1, head - (size_t)(line + 1 - a->head), name, length);
	return line ? line + length : NULL;
}

static size_t file_of_size(size_t size)
{
	size_t i = 0;

	while (i < FILES && files[i].size != size)
		i++;
	demand(i < FILES, "a file of no such size");
	return i;
}

static void check_range(const struct answer *a)
{
	const char *value = find_value(a, "Content-Range: bytes ");
	unsigned long first = 0, last = 0, size = 0;

	demand(value && sscanf(value, "%lu-%lu/%lu\r", &first, &last, &size) == 3, "no range");
	demand(first <= last && last < size && last - first + 1 == a->length, "a wrong range");
	demand(memcmp(content[file_of_size(size)] + first, a->body, a->length) == 0,
	       "a range of other bytes");
}

static void check_parts(const struct answer *a, const char *boundary)
{
	const char *end = a->body + a->length, *next = a->body;
	char line[128];
	size_t size = (size_t)snprintf(line, sizeof(line), "\r\n--%.16s", boundary);
	unsigned count = 0;

	demand(a->length > size && memcmp(next, line + 2, size - 2) == 0, "no first part");
	next += size - 2;
	for (; memcmp(next, "--\r\n", 4) != 0; count++) {
		struct answer part = { .head = next };
		const char *head_end = memmem(next, (size_t)(end - next), "\r\n\r\n", 4);

		demand(head_end != NULL, "a part without an end of its head");
		part.body = head_end + 4;
		next = memmem(part.body, (size_t)(end - part.body), line, size);
		demand(next != NULL, "no end of the parts");
		part.length = (size_t)(next - part.body);
		check_range(&part);
		next += size;
	}
	demand(next + 4 == end && count > 1, "parts that do not end");
}

static void check_body(const struct answer *a, bool is_listing)
{
	const char *parts = find_value(a, "Content-Type: multipart/byteranges; boundary=");

	if (a->status == 206 && parts)
		check_parts(a, parts);
	else if (a->status == 206)
		check_range(a);
	else if (a->status == 200 && a->length > 0 && !is_listing)
		demand(memcmp(content[file_of_size(a->length)], a->body, a->length) == 0,
		       "a file of other bytes");
}

/* A size of four digits, the bytes, and their CRLF; at last a size of one digit, 0. */
static size_t read_chunks(const char *bytes, size_t n)
{
	size_t used = 0, size;

	do {
		const char *line_end = memmem(bytes + used, n - used, "\r\n", 2);

		demand(line_end != NULL, "a chunk without a size");
		size = strtoul(bytes + used, NULL, 16);
		used = (size_t)(line_end - bytes) + 2 + size;
		demand(used + 2 <= n && memcmp(bytes + used, "\r\n", 2) == 0,
		       "a chunk that does not end");
		used += 2;
	} while (size > 0);
	return used;
}

/* Returns its bytes. */
static size_t check_answer(const struct http_request *r, const char *bytes, size_t n)
{
	const char *head_end = memmem(bytes, n, "\r\n\r\n", 4), *length;
	struct answer a = { .head = bytes };
	bool is_listing = false;

	demand(head_end != NULL, "no answer");
	a.body = head_end + 4;
	n -= (size_t)(a.body - bytes);
	demand(sscanf(bytes, "HTTP/1.1 %3u ", &a.status) == 1, "no status");
	length = find_value(&a, "Content-Length: ");
	if (r->method == HTTP_HEAD || a.status == 304)
		return (size_t)(a.body - bytes);
	if (length) {
		a.length = strtoul(length, NULL, 10);
	} else {
		is_listing = a.status == 200;
		demand(is_listing, "no length");
		a.length = find_value(&a, "Transfer-Encoding: chunked") ? read_chunks(a.body, n) :
									  n;
	}
	demand(a.length <= n, "an answer that is shorter than its head says");
	check_body(&a, is_listing);
	return (size_t)(a.body - bytes) + a.length;
}

/* The length of the request with its body, as far as it has come; 0: it is not answered. */
static size_t read_request(struct http_request *r, const char *bytes, size_t n)
{
	struct http_chunked chunked = { 0 };
	enum http_progress progress;
	size_t used;

	http_parse_begin(r);
	progress = http_parse(r, bytes, n);
	if (progress == HTTP_PART)
		return 0;
	if (progress == HTTP_WRONG || r->expect_continue)
		return n;
	n -= r->head_length;
	if (!r->has_chunks)
		return r->head_length + (n < r->content_length ? n : r->content_length);
	progress = http_chunked_read(&chunked, bytes + r->head_length, n, &used);
	if (progress == HTTP_PART)
		return 0;
	if (progress == HTTP_WRONG)
		http_parse_refuse(r, chunked.status);
	return r->head_length + used;
}

void site_check(const char *requests, size_t asked, const char *answers, size_t answered)
{
	struct http_request r = { .keep_alive = true };
	size_t used = 0, seen = 0, length;

	demand(!memmem(answers, answered, SECRET, sizeof(SECRET) - 1), "a file out of reach");
	while (r.keep_alive && used < asked) {
		length = read_request(&r, requests + used, asked - used);
		if (length == 0)
			break;
		used += length;
		seen += check_answer(&r, answers + seen, answered - seen);
		if (r.status >= 400 || r.expect_continue)
			break;
	}
	demand(seen == answered, "bytes that nobody asked for");
}
