/* bench.c -- what the benchmark programs share. */
#include "bench/bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/generator.h"

void bench_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

/* ---- Results ---- */

void bench_print(const char *name, const char *figure, double value)
{
    printf("%s.%s\t%.9g\n", name, figure, value);
}

void bench_print_latency(const char *name, const struct histogram *histogram)
{
    bench_print(name, "p50", (double)histogram_at(histogram, 0.50));
    bench_print(name, "p99", (double)histogram_at(histogram, 0.99));
    bench_print(name, "p999", (double)histogram_at(histogram, 0.999));
    bench_print(name, "max", (double)histogram->largest);
}

/* ---- Arguments ---- */

const char *bench_argument(int argc, char **argv, const char *name, const char *otherwise)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    }
    return otherwise;
}

uint64_t bench_number(int argc, char **argv, const char *name, uint64_t otherwise)
{
    const char *text = bench_argument(argc, argv, name, NULL);
    char       *end = NULL;
    if (text == NULL)
        return otherwise;
    uint64_t number = strtoull(text, &end, 10);
    if (end == text || *end != '\0')
        bench_fail("%s wants a number, not %s", name, text);
    return number;
}

/* ---- Events made beforehand ---- */

static bool is_wanted(const struct trail_event *event, enum workload_kind kind)
{
    bool has_values = event->old_values.size > 0;
    return kind == WORKLOAD_MIXED || has_values == (kind == WORKLOAD_WRITES);
}

/* Move the event's texts to the end of the workload's, as offsets: the room may still move. */
static void take_event(struct workload *workload, const struct generated_event *from, size_t *capacity)
{
    struct event_record *record = &workload->records[workload->count++];
    *record = from->record;
    while (workload->text_bytes + sizeof from->storage > *capacity) {
        *capacity = *capacity == 0 ? 1 << 20 : *capacity * 2;
        workload->texts = realloc(workload->texts, *capacity);
        if (workload->texts == NULL)
            bench_fail("no memory for the events");
    }
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct trail_text *text = event_text_at(&record->event, (enum event_field)i);
        if (text->size == 0)
            continue;
        memcpy(workload->texts + workload->text_bytes, text->data, text->size);
        text->data = NULL;
        workload->text_bytes += text->size;
    }
}

static void point_at_texts(struct workload *workload)
{
    char *at = workload->texts;
    for (size_t i = 0; i < workload->count; i++) {
        for (size_t j = 0; j < EVENT_FIELD_COUNT; j++) {
            struct trail_text *text = event_text_at(&workload->records[i].event, (enum event_field)j);
            text->data = text->size > 0 ? at : NULL;
            at += text->size;
        }
    }
}

void workload_make(struct workload *workload, size_t count, enum workload_kind kind, bool live)
{
    static struct generated_event generated;
    size_t                        capacity = 0;

    *workload = (struct workload){ .records = calloc(count, sizeof *workload->records) };
    if (workload->records == NULL)
        bench_fail("no memory for %zu events", count);
    for (uint64_t i = 0; workload->count < count; i++) {
        generator_event(i, &generated);
        if (!is_wanted(&generated.record.event, kind))
            continue;
        if (live)
            generated.record.event.timestamp_us = 0;
        generated.record.seq = workload->count + 1;
        take_event(workload, &generated, &capacity);
    }
    point_at_texts(workload);
}

void workload_free(struct workload *workload)
{
    free(workload->records);
    free(workload->texts);
    *workload = (struct workload){ 0 };
}
