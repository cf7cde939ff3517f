/* tail_marker.c -- what `audittrail tail` says between the events. */
#include "cli/tail_marker.h"

#include <assert.h>
#include <inttypes.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/printable.h"

bool tail_marker_is_record(const struct tail_item *item)
{
    return item->kind == TAIL_GAP || item->kind == TAIL_DEAD_LETTER;
}

/* "3 events of gateway/1234 (seq 17-19)" */
static void append_numbers(const struct tail_item *item, struct buf *out)
{
    uint64_t count = item->last - item->first + 1;
    buf_printf(out, "%" PRIu64 " event%s of ", count, count == 1 ? "" : "s");
    printable_append(out, trail_str(item->service));
    buf_printf(out, "/%" PRId64 " (seq %" PRIu64, item->pid, item->first);
    if (count > 1)
        buf_printf(out, "-%" PRIu64, item->last);
    buf_append_string(out, ")");
}

void tail_marker_text(const struct tail_item *item, struct buf *out)
{
    switch (item->kind) {
    case TAIL_GAP:
        buf_append_string(out, "-- gap: ");
        append_numbers(item, out);
        buf_append_string(out, ": not in spool or store --");
        break;
    case TAIL_DEAD_LETTER:
        buf_append_string(out, "-- dead letter: ");
        append_numbers(item, out);
        buf_append_string(out, ": ");
        printable_append(out, trail_str(item->text));
        buf_append_string(out, " --");
        break;
    case TAIL_HELD:
        append_numbers(item, out);
        buf_append_string(out, " cannot be read in the spool; what follows them is shown when they are accounted for");
        break;
    case TAIL_STORE_AWAY:
        buf_append_string(out, "showing the spools of this machine alone: ");
        printable_append(out, trail_str(item->text));
        break;
    case TAIL_STORE_BACK: buf_append_string(out, "the store is there again"); break;
    case TAIL_EVENT: assert(false); break;
    }
}

void tail_marker_json(const struct tail_item *item, struct buf *out)
{
    char writer[UUID_TEXT_SIZE];
    assert(tail_marker_is_record(item));

    uuid_format(item->writer, writer);
    buf_printf(out, "{\"%s\":{\"writer\":\"%s\",\"service\":", item->kind == TAIL_GAP ? "gap" : "dead_letter", writer);
    json_append_string(out, trail_str(item->service));
    buf_printf(out, ",\"pid\":%" PRId64 ",\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64 ",\"count\":%" PRIu64,
               item->pid, item->first, item->last, item->last - item->first + 1);
    if (item->kind == TAIL_DEAD_LETTER) {
        buf_append_string(out, ",\"error\":");
        json_append_string(out, trail_str(item->text));
    }
    buf_append_string(out, "}}");
}
