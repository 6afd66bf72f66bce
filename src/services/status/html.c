/* SPDX-License-Identifier: MIT */
/*
 * Writes values, cells and tables as HTML elements. It does not know their meaning. For the files
 * of the status page.
 */
#include "services/status/html.h"

#include <string.h>

#include "base/clock.h"

#define LAST_S INT64_C(253402300799) /* the end of the year 9999 */

/* Writes the number with one decimal. */
static void put_tenths(struct strbuf *text, uint64_t tenths)
{
	strbuf_u64(text, tenths / 10);
	strbuf_raw(text, ".");
	strbuf_u64(text, tenths % 10);
}

/* Writes at least two digits. */
static void put_padded(struct strbuf *text, unsigned value)
{
	if (value < 10)
		strbuf_raw(text, "0");
	strbuf_u64(text, value);
}

void html_count(struct strbuf *text, uint64_t value)
{
	strbuf_grouped(text, value);
}

void html_bytes(struct strbuf *text, uint64_t value)
{
	static const char *const units[] = { " KiB", " MiB", " GiB", " TiB" };
	uint64_t least = 1024;
	unsigned unit = 0;

	if (value < 1024) {
		strbuf_u64(text, value);
		strbuf_raw(text, " B");
		return;
	}
	while (unit < 3 && value / least >= 1024) {
		least *= 1024;
		unit++;
	}
	put_tenths(text, value / (least / 1024) * 10 / 1024);
	strbuf_raw(text, units[unit]);
}

void html_seconds(struct strbuf *text, int64_t value)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "m" }, { 1, "s" } };
	unsigned i = 0;

	if (value < 0)
		value = 0;
	while (i < 3 && value < units[i].seconds)
		i++;
	strbuf_i64(text, value / units[i].seconds);
	strbuf_raw(text, units[i].name);
	if (i == 3)
		return;
	strbuf_raw(text, " ");
	strbuf_i64(text, value % units[i].seconds / units[i + 1].seconds);
	strbuf_raw(text, units[i + 1].name);
}

void html_latency(struct strbuf *text, int64_t us)
{
	if (us < 0) {
		strbuf_raw(text, "-");
	} else if (us < 1000) {
		strbuf_i64(text, us);
		strbuf_raw(text, " \xc2\xb5s");
	} else if (us < 1000000) {
		put_tenths(text, (uint64_t)us / 100);
		strbuf_raw(text, " ms");
	} else {
		put_tenths(text, (uint64_t)us / 100000);
		strbuf_raw(text, " s");
	}
}

void html_ratio(struct strbuf *text, uint64_t value)
{
	strbuf_u64(text, value / 1000000);
	strbuf_raw(text, ".");
	put_padded(text, (unsigned)(value / 10000 % 100));
}

void html_id(struct strbuf *text, uint64_t value)
{
	strbuf_u64(text, value);
}

void html_word(struct strbuf *text, const char *word)
{
	if (word[0] == '\0')
		strbuf_raw(text, "-");
	else
		strbuf_escaped(text, STRBUF_HTML, word, strlen(word));
}

static void put_date(struct strbuf *text, int64_t at_s)
{
	struct date date = clock_date(at_s);

	strbuf_i64(text, date.year);
	strbuf_raw(text, "-");
	put_padded(text, (unsigned)date.month);
	strbuf_raw(text, "-");
	put_padded(text, (unsigned)date.day);
	strbuf_raw(text, "T");
	put_padded(text, (unsigned)date.hour);
	strbuf_raw(text, ":");
	put_padded(text, (unsigned)date.minute);
	strbuf_raw(text, ":");
	put_padded(text, (unsigned)date.second);
	strbuf_raw(text, "Z");
}

void html_ago(struct strbuf *text, struct html_moment moment)
{
	if (moment.at_s <= 0 || moment.at_s > LAST_S) {
		strbuf_raw(text, "-");
		return;
	}
	strbuf_raw(text, "<time datetime=\"");
	put_date(text, moment.at_s);
	strbuf_raw(text, "\">");
	html_seconds(text, moment.now_s - moment.at_s);
	strbuf_raw(text, " ago</time>");
}

void html_meter(struct strbuf *text, struct html_share share)
{
	uint64_t most = share.most > 0 ? share.most : 1;

	strbuf_raw(text, "<meter max=\"");
	strbuf_u64(text, most);
	strbuf_raw(text, "\" high=\"");
	strbuf_u64(text, most - most / 4);
	strbuf_raw(text, "\" optimum=\"0\" value=\"");
	strbuf_u64(text, share.value);
	strbuf_raw(text, "\" aria-hidden=\"true\"></meter>");
	html_share(text, share);
}

void html_share(struct strbuf *text, struct html_share share)
{
	html_count(text, share.value);
	strbuf_raw(text, " of ");
	html_count(text, share.most);
}

/* The word is used as the class, so it must come from this program's own lists. */
void html_state(struct strbuf *text, const char *word)
{
	strbuf_raw(text, "<span class=\"badge ");
	strbuf_raw(text, word);
	strbuf_raw(text, "\">");
	for (const char *at = word; *at != '\0'; at++)
		strbuf_put(text, *at == '_' ? " " : at, 1);
	strbuf_raw(text, "</span>");
}

static void put_attribute(struct strbuf *text, const char *name, const char *value)
{
	strbuf_raw(text, " ");
	strbuf_raw(text, name);
	strbuf_raw(text, "=\"");
	strbuf_raw(text, value);
	strbuf_raw(text, "\"");
}

void html_table_open(struct strbuf *text, const char *name, const char *caption,
		     const struct html_column *columns, unsigned count)
{
	strbuf_raw(text, "<div class=\"scroll\" role=\"group\" tabindex=\"0\"");
	put_attribute(text, "aria-label", caption);
	strbuf_raw(text, ">\n<table><caption class=\"unseen\">");
	strbuf_raw(text, caption);
	strbuf_raw(text, "</caption>\n<thead><tr>\n");
	for (unsigned i = 0; i < count; i++) {
		strbuf_raw(text, "<th scope=\"col\"");
		put_attribute(text, "class", columns[i].shape);
		put_attribute(text, "data-of", columns[i].of);
		strbuf_raw(text, ">");
		strbuf_raw(text, columns[i].title);
		strbuf_raw(text, "</th>\n");
	}
	strbuf_raw(text, "</tr></thead>\n<tbody");
	put_attribute(text, "data-rows", name);
	strbuf_raw(text, ">\n");
}

void html_table_none(struct strbuf *text, unsigned columns)
{
	strbuf_raw(text, "<tr class=\"none\"><td colspan=\"");
	strbuf_u64(text, columns);
	strbuf_raw(text, "\">None</td></tr>\n");
}

void html_table_close(struct strbuf *text)
{
	strbuf_raw(text, "</tbody></table>\n</div>\n");
}

void html_cell_open(struct strbuf *text, bool is_first, const char *shape)
{
	strbuf_raw(text, is_first ? "<th scope=\"row\"" : "<td");
	put_attribute(text, "class", shape);
	strbuf_raw(text, ">");
}

void html_cell_close(struct strbuf *text, bool is_first)
{
	strbuf_raw(text, is_first ? "</th>" : "</td>");
}

void html_fact_open(struct strbuf *text, const struct html_column *fact)
{
	strbuf_raw(text, "<div><dt>");
	strbuf_raw(text, fact->title);
	strbuf_raw(text, "</dt><dd");
	put_attribute(text, "class", fact->shape);
	put_attribute(text, "data-of", fact->of);
	strbuf_raw(text, ">");
}

void html_fact_close(struct strbuf *text)
{
	strbuf_raw(text, "</dd></div>\n");
}
