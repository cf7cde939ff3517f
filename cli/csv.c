/* csv.c -- one cell of RFC 4180, made harmless for spreadsheets. */
#include "cli/csv.h"

#include <string.h>

#include "base/text.h"

static bool has_any(struct trail_text text, const char *characters)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '\0' && strchr(characters, text.data[i]) != NULL)
            return true;
    }
    return false;
}

/* What some programs strip before they look at a cell: blanks (no-break and ideographic too), the byte order mark, zero
 * width characters, quotes. */
static const char *const looked_through[] = {
    " ",
    "\"",
    "\xC2\xA0",
    "\xE3\x80\x80",
    "\xEF\xBB\xBF",
    "\xE2\x80\x8B",
    "\xE2\x80\x8C",
    "\xE2\x80\x8D",
    "\xE2\x81\xA0",
};

/* = + - @ as they are, full width (U+FF1D, U+FF0B, U+FF0D, U+FF20) and small (U+FE66, U+FE62, U+FE63, U+FE6B); and what
 * OWASP names besides. */
static const char *const formula_begins[] = {
    "=",
    "+",
    "-",
    "@",
    "\xEF\xBC\x9D",
    "\xEF\xBC\x8B",
    "\xEF\xBC\x8D",
    "\xEF\xBC\xA0",
    "\t",
    "\r",
    "\n",
    "\xEF\xB9\xA6",
    "\xEF\xB9\xA2",
    "\xEF\xB9\xA3",
    "\xEF\xB9\xAB",
};

/* The size of the one of `list` that `text` begins with; 0: none. */
static size_t begins_with_one(struct trail_text text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text_starts_with(text, trail_str(list[i])))
            return strlen(list[i]);
    }
    return 0;
}

#define BEGINS_WITH_ONE(text, list) begins_with_one((text), (list), sizeof(list) / sizeof((list)[0]))

static bool is_formula(struct trail_text text)
{
    size_t size;
    while ((size = BEGINS_WITH_ONE(text, looked_through)) > 0)
        text = text_of(text.data + size, text.size - size);
    return BEGINS_WITH_ONE(text, formula_begins) > 0;
}

void csv_append_cell(struct buf *out, struct trail_text text, bool first)
{
    bool formula = is_formula(text);
    bool outer_blank = text.size > 0 && (text.data[0] == ' ' || text.data[text.size - 1] == ' ');
    bool quoted = outer_blank || has_any(text, ",;\"\t\r\n");

    if (!first)
        buf_append_string(out, ",");
    if (quoted)
        buf_append_string(out, "\"");
    if (formula)
        buf_append_string(out, "'");
    while (text.size > 0) {
        const char *quote = memchr(text.data, '"', text.size);
        size_t      size = quote != NULL ? (size_t)(quote - text.data) + 1 : text.size;
        buf_append(out, text.data, size);
        if (quote != NULL)
            buf_append_string(out, "\"");
        text.data += size;
        text.size -= size;
    }
    if (quoted)
        buf_append_string(out, "\"");
}

void csv_append_end(struct buf *out)
{
    buf_append_string(out, "\r\n");
}
