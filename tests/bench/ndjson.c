/* ndjson.c -- prints the generator's events as NDJSON, for `audittrail record`.
 *
 *     ndjson EVENTS > events.ndjson */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/generator.h"
#include "event/event_json.h"

int main(int argc, char **argv)
{
    static struct generated_event generated;
    struct buf                    line;
    unsigned long long            count = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;

    buf_init(&line, NULL, 0);
    for (uint64_t i = 0; i < count; i++) {
        generator_event(i, &generated);
        buf_clear(&line);
        event_to_json(&generated.record, NULL, &line);
        buf_append_string(&line, "\n");
        if (buf_failed(&line) || fwrite(line.data, 1, line.size, stdout) != line.size)
            bench_fail("cannot write the events");
    }
    buf_done(&line);
    return fflush(stdout) == 0 ? 0 : 1;
}
