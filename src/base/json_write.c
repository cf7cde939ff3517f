/* json_write.c -- members of a JSON object, one after the other. */
#include "base/json_write.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/json.h"

static void begin_member(struct buf *out, const char *name)
{
    char last = out->size > 0 ? out->data[out->size - 1] : '{';
    if (last != '{' && last != '[')
        buf_append_string(out, ",");
    if (name == NULL)
        return;
    json_append_string(out, trail_str(name));
    buf_append_string(out, ":");
}

void json_open(struct buf *out, const char *name, const char *bracket)
{
    begin_member(out, name);
    buf_append_string(out, bracket);
}

void json_close(struct buf *out, const char *bracket)
{
    buf_append_string(out, bracket);
}

void json_put_text(struct buf *out, const char *name, const char *value)
{
    begin_member(out, name);
    json_append_string(out, trail_str(value));
}

void json_put_number(struct buf *out, const char *name, uint64_t value)
{
    begin_member(out, name);
    buf_printf(out, "%" PRIu64, value);
}

void json_put_signed(struct buf *out, const char *name, int64_t value)
{
    begin_member(out, name);
    buf_printf(out, "%" PRId64, value);
}

void json_put_rounded(struct buf *out, const char *name, double value)
{
    begin_member(out, name);
    buf_printf(out, "%.0f", value);
}

void json_put_bool(struct buf *out, const char *name, bool value)
{
    begin_member(out, name);
    buf_append_string(out, value ? "true" : "false");
}

void json_put_null(struct buf *out, const char *name)
{
    begin_member(out, name);
    buf_append_string(out, "null");
}

void json_put_time(struct buf *out, const char *name, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    if (wall_us == 0) {
        json_put_null(out, name);
        return;
    }
    clock_format(wall_us, text);
    json_put_text(out, name, text);
}
