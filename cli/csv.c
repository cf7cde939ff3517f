/* csv.c -- one cell of RFC 4180, made harmless for spreadsheets. */
#include "cli/csv.h"

#include <string.h>

static bool has_any(struct trail_text text, const char *characters)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '\0' && strchr(characters, text.data[i]) != NULL)
            return true;
    }
    return false;
}

void csv_append_cell(struct buf *out, struct trail_text text, bool first)
{
    struct trail_text head = { text.data, text.size > 0 ? 1 : 0 };
    bool              formula = has_any(head, "=+-@\t\r");
    bool              quoted = has_any(text, ",\"\r\n") || has_any(head, " ");

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
