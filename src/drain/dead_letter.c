/* dead_letter.c -- what is kept of an event that the store refuses, down to a mark that there was one. */
#include "drain/dead_letter.h"

#include "base/json.h"
#include "base/text.h"
#include "event/event_json.h"

static void write_short(struct trail_text whole, struct buf *out)
{
    char     beginning[DEAD_LETTER_SHORT_BYTES];
    uint32_t flags = 0;
    size_t   size = text_clean(whole, sizeof beginning, beginning, &flags);

    buf_printf(out, "{\"_truncated\":true,\"_bytes\":%zu,\"_text\":", whole.size);
    json_append_string(out, text_of(beginning, size));
    buf_append_string(out, "}");
}

void dead_letter_write(const struct event_record *record, const struct uuid *writer, enum dead_letter_form form,
                       struct buf *out)
{
    struct buf whole;

    switch (form) {
    case DEAD_LETTER_WHOLE: event_to_json(record, writer, out); return;
    case DEAD_LETTER_SHORT:
        buf_init(&whole, NULL, 0);
        event_to_json(record, writer, &whole);
        if (buf_failed(&whole))
            out->failed = true;
        else
            write_short(buf_text(&whole), out);
        buf_done(&whole);
        return;
    case DEAD_LETTER_MARK:
    case DEAD_LETTER_FORM_COUNT: buf_append_string(out, "{\"_refused\":true}"); return;
    }
}
