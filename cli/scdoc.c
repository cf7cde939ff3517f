/* scdoc.c -- writes text as scdoc reads it, the small language that becomes manual pages. */
#include "cli/scdoc.h"

#include <string.h>

#include "base/text.h"

/* What begins or ends markup anywhere, and what does so at the beginning of a line. */
#define SPECIAL "\\*_`"
#define SPECIAL_FIRST "#-.|[]:;<=>"

static void append_escaped(struct buf *out, char c, bool first)
{
    if (c != '\0' && (strchr(SPECIAL, c) != NULL || (first && strchr(SPECIAL_FIRST, c) != NULL)))
        buf_append_string(out, "\\");
    buf_append(out, &c, 1);
}

static bool is_line_begin(const struct buf *out)
{
    return out->size == 0 || out->data[out->size - 1] == '\n' || out->data[out->size - 1] == '\t';
}

void scdoc_section(struct buf *out, const char *name)
{
    buf_printf(out, "\n# %s\n\n", name);
}

void scdoc_words(struct buf *out, struct trail_text text)
{
    for (size_t i = 0; i < text.size; i++)
        append_escaped(out, text.data[i], is_line_begin(out));
}

void scdoc_bold(struct buf *out, const char *text)
{
    buf_append_string(out, "*");
    scdoc_words(out, trail_str(text));
    buf_append_string(out, "*");
}

/* The next line of *rest, without its end. False: there is none. */
static bool next_line(struct trail_text *rest, struct trail_text *ret_line)
{
    if (rest->size == 0)
        return false;
    const char *end = memchr(rest->data, '\n', rest->size);
    size_t      size = end != NULL ? (size_t)(end - rest->data) : rest->size;
    size_t      step = end != NULL ? size + 1 : size;
    *ret_line = text_of(rest->data, size);
    *rest = text_of(rest->data + step, rest->size - step);
    return true;
}

void scdoc_literal(struct buf *out, struct trail_text lines, size_t indent)
{
    struct trail_text line;
    buf_append_string(out, "```\n");
    while (next_line(&lines, &line)) {
        size_t blanks = 0;
        while (blanks < indent && blanks < line.size && line.data[blanks] == ' ')
            blanks++;
        buf_append(out, line.data + blanks, line.size - blanks);
        buf_append_string(out, "\n");
    }
    buf_append_string(out, "```\n");
}

static bool has_columns(struct trail_text line)
{
    for (size_t i = 0; i + 1 < line.size; i++) {
        if (line.data[i] == ' ' && (i == 0 || line.data[i + 1] == ' '))
            return true;
    }
    return false;
}

void scdoc_prose(struct buf *out, struct trail_text text)
{
    struct trail_text line;
    while (next_line(&text, &line)) {
        if (!has_columns(line)) {
            scdoc_words(out, line);
            buf_append_string(out, "\n");
            continue;
        }
        /* Up to the last line that has columns as well. */
        struct trail_text block = line;
        struct trail_text rest = text;
        while (next_line(&rest, &line) && has_columns(line)) {
            block.size = (size_t)(line.data + line.size - block.data);
            text = rest;
        }
        buf_append_string(out, "\n");
        scdoc_literal(out, block, 0);
        buf_append_string(out, "\n");
    }
}

/* ---- Markdown ---- */

static void append_inline(struct buf *out, struct trail_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '`')
            buf_append_string(out, "*");
        else
            append_escaped(out, text.data[i], is_line_begin(out));
    }
}

/* One row of a table: "| a | b |". The first of a table opens it. */
static void append_row(struct buf *out, struct trail_text row, bool first)
{
    bool              first_cell = true;
    struct trail_text rest = text_of(row.data + 1, row.size - 1);
    while (rest.size > 0) {
        const char *bar = memchr(rest.data, '|', rest.size);
        size_t      size = bar != NULL ? (size_t)(bar - rest.data) : rest.size;
        buf_append_string(out, first_cell ? (first ? "[[ " : "|[ ") : ":[ ");
        append_inline(out, text_trim(text_of(rest.data, size)));
        buf_append_string(out, "\n");
        first_cell = false;
        size_t step = bar != NULL ? size + 1 : size;
        rest = text_of(rest.data + step, rest.size - step);
    }
}

/* A line that is no row of a table. */
static void append_line(struct buf *out, struct trail_text line)
{
    if (text_starts_with(line, TRAIL_TEXT("- "))) {
        buf_append_string(out, "- ");
        line = text_of(line.data + 2, line.size - 2);
    }
    append_inline(out, line);
    buf_append_string(out, "\n");
}

void scdoc_markdown(struct buf *out, const char *text)
{
    struct trail_text rest = trail_str(text);
    struct trail_text line;
    bool              in_table = false;
    bool              in_fence = false;
    while (next_line(&rest, &line)) {
        bool is_fence = text_starts_with(line, TRAIL_TEXT("```"));
        bool is_row = !in_fence && line.size > 0 && line.data[0] == '|';
        if (is_fence) {
            buf_append_string(out, "```\n"); /* scdoc knows no name of a language behind it. */
            in_fence = !in_fence;
        } else if (in_fence) {
            buf_append_text(out, line);
            buf_append_string(out, "\n");
        } else if (!is_row) {
            append_line(out, line);
        } else if (!text_starts_with(line, TRAIL_TEXT("|---"))) {
            append_row(out, line, !in_table);
        }
        in_table = is_row;
    }
}
