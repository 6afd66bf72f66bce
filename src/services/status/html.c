/* SPDX-License-Identifier: MIT */
/*
 * Writes values, cells and tables as elements. It knows nothing of what they mean. For the files of
 * the status page.
 */
#include "services/status/html.h"

#include <string.h>

#include "base/date.h"

#define LAST_S INT64_C(253402300799) /* the end of the year 9999 */

/* One digit behind the point. */
static void put_tenths(struct text *text, uint64_t tenths)
{
	text_u64(text, tenths / 10);
	text_raw(text, ".");
	text_u64(text, tenths % 10);
}

static void put_padded(struct text *text, unsigned value, unsigned digits)
{
	for (unsigned least = digits == 3 ? 100 : 10; least > 1 && value < least; least /= 10)
		text_raw(text, "0");
	text_u64(text, value);
}

void html_count(struct text *text, uint64_t value)
{
	uint64_t least = 1;

	while (value / least >= 1000)
		least *= 1000;
	text_u64(text, value / least);
	while (least > 1) {
		value %= least;
		least /= 1000;
		text_raw(text, ",");
		put_padded(text, (unsigned)(value / least), 3);
	}
}

void html_bytes(struct text *text, uint64_t value)
{
	static const char *const units[] = { " KiB", " MiB", " GiB", " TiB" };
	uint64_t least = 1024;
	unsigned unit = 0;

	if (value < 1024) {
		text_u64(text, value);
		text_raw(text, " B");
		return;
	}
	while (unit < 3 && value / least >= 1024) {
		least *= 1024;
		unit++;
	}
	put_tenths(text, value / (least / 1024) * 10 / 1024);
	text_raw(text, units[unit]);
}

void html_seconds(struct text *text, int64_t value)
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
	text_i64(text, value / units[i].seconds);
	text_raw(text, units[i].name);
	if (i == 3)
		return;
	text_raw(text, " ");
	text_i64(text, value % units[i].seconds / units[i + 1].seconds);
	text_raw(text, units[i + 1].name);
}

void html_latency(struct text *text, int64_t us)
{
	if (us < 0) {
		text_raw(text, "-");
	} else if (us < 1000) {
		text_i64(text, us);
		text_raw(text, " \xc2\xb5s");
	} else if (us < 1000000) {
		put_tenths(text, (uint64_t)us / 100);
		text_raw(text, " ms");
	} else {
		put_tenths(text, (uint64_t)us / 100000);
		text_raw(text, " s");
	}
}

void html_ratio(struct text *text, uint64_t value)
{
	text_u64(text, value / 1000000);
	text_raw(text, ".");
	put_padded(text, (unsigned)(value / 10000 % 100), 2);
}

void html_id(struct text *text, uint64_t value)
{
	text_u64(text, value);
}

void html_word(struct text *text, const char *word)
{
	if (word[0] == '\0')
		text_raw(text, "-");
	else
		text_escaped(text, TEXT_HTML, word, strlen(word));
}

static void put_date(struct text *text, int64_t at_s)
{
	struct date date = date_of(at_s);

	text_i64(text, date.year);
	text_raw(text, "-");
	put_padded(text, (unsigned)date.month, 2);
	text_raw(text, "-");
	put_padded(text, (unsigned)date.day, 2);
	text_raw(text, "T");
	put_padded(text, (unsigned)date.hour, 2);
	text_raw(text, ":");
	put_padded(text, (unsigned)date.minute, 2);
	text_raw(text, ":");
	put_padded(text, (unsigned)date.second, 2);
	text_raw(text, "Z");
}

void html_ago(struct text *text, struct html_moment moment)
{
	if (moment.at_s <= 0 || moment.at_s > LAST_S) {
		text_raw(text, "-");
		return;
	}
	text_raw(text, "<time datetime=\"");
	put_date(text, moment.at_s);
	text_raw(text, "\">");
	html_seconds(text, moment.now_s - moment.at_s);
	text_raw(text, " ago</time>");
}

void html_meter(struct text *text, struct html_share share)
{
	uint64_t most = share.most > 0 ? share.most : 1;

	text_raw(text, "<meter max=\"");
	text_u64(text, most);
	text_raw(text, "\" high=\"");
	text_u64(text, most - most / 4);
	text_raw(text, "\" optimum=\"0\" value=\"");
	text_u64(text, share.value);
	text_raw(text, "\" aria-hidden=\"true\"></meter>");
	html_share(text, share);
}

void html_share(struct text *text, struct html_share share)
{
	html_count(text, share.value);
	text_raw(text, " of ");
	html_count(text, share.most);
}

/* The class is the word itself, so it comes from this program's own lists. */
void html_state(struct text *text, const char *word)
{
	text_raw(text, "<span class=\"badge ");
	text_raw(text, word);
	text_raw(text, "\">");
	for (const char *at = word; *at != '\0'; at++)
		text_put(text, *at == '_' ? " " : at, 1);
	text_raw(text, "</span>");
}

static void put_attribute(struct text *text, const char *name, const char *value)
{
	text_raw(text, " ");
	text_raw(text, name);
	text_raw(text, "=\"");
	text_raw(text, value);
	text_raw(text, "\"");
}

void html_table_open(struct text *text, const char *name, const char *caption,
		     const struct html_column *columns, unsigned count)
{
	text_raw(text, "<div class=\"scroll\" role=\"group\" tabindex=\"0\"");
	put_attribute(text, "aria-label", caption);
	text_raw(text, ">\n<table><caption class=\"unseen\">");
	text_raw(text, caption);
	text_raw(text, "</caption>\n<thead><tr>\n");
	for (unsigned i = 0; i < count; i++) {
		text_raw(text, "<th scope=\"col\"");
		put_attribute(text, "class", columns[i].shape);
		put_attribute(text, "data-of", columns[i].of);
		text_raw(text, ">");
		text_raw(text, columns[i].title);
		text_raw(text, "</th>\n");
	}
	text_raw(text, "</tr></thead>\n<tbody");
	put_attribute(text, "data-rows", name);
	text_raw(text, ">\n");
}

void html_table_none(struct text *text, unsigned columns)
{
	text_raw(text, "<tr class=\"none\"><td colspan=\"");
	text_u64(text, columns);
	text_raw(text, "\">None</td></tr>\n");
}

void html_table_close(struct text *text)
{
	text_raw(text, "</tbody></table>\n</div>\n");
}

void html_cell_open(struct text *text, bool is_first, const char *shape)
{
	text_raw(text, is_first ? "<th scope=\"row\"" : "<td");
	put_attribute(text, "class", shape);
	text_raw(text, ">");
}

void html_cell_close(struct text *text, bool is_first)
{
	text_raw(text, is_first ? "</th>" : "</td>");
}

void html_fact_open(struct text *text, const struct html_column *fact)
{
	text_raw(text, "<div><dt>");
	text_raw(text, fact->title);
	text_raw(text, "</dt><dd");
	put_attribute(text, "class", fact->shape);
	put_attribute(text, "data-of", fact->of);
	text_raw(text, ">");
}

void html_fact_close(struct text *text)
{
	text_raw(text, "</dd></div>\n");
}
