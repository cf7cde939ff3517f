/* ndjson.c -- prints the generator's events as NDJSON, for `audittrail record`.
 *
 *     ndjson EVENTS > events.ndjson
 *
 * What a service would send: the fields that are set, and nothing that the trail derives. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "bench/bench.h"
#include "bench/generator.h"
#include "event/operation.h"

static void append_event(struct buf *line, const struct trail_event *event)
{
    buf_printf(line, "{\"timestamp\":%" PRId64 ",\"operation\":\"%s\",\"success\":%s", event->timestamp_us,
               operation_name(event->operation), event->outcome == TRAIL_OUTCOME_SUCCESS ? "true" : "false");
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct trail_text text = event_text(event, (enum event_field)i);
        if (text.size == 0)
            continue;
        buf_printf(line, ",\"%s\":", event_fields[i].name);
        if (event_fields[i].kind == EVENT_FIELD_JSON)
            buf_append_text(line, text);
        else
            json_append_string(line, text);
    }
    buf_append_string(line, "}\n");
}

int main(int argc, char **argv)
{
    static struct generated_event generated;
    struct buf                    line;
    unsigned long long            count = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;

    buf_init(&line, NULL, 0);
    for (uint64_t i = 0; i < count; i++) {
        generator_event(i, &generated);
        buf_clear(&line);
        append_event(&line, &generated.record.event);
        if (buf_failed(&line) || fwrite(line.data, 1, line.size, stdout) != line.size)
            bench_fail("cannot write the events");
    }
    buf_done(&line);
    return fflush(stdout) == 0 ? 0 : 1;
}
