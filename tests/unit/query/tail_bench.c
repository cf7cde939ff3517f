/* tail_bench.c -- spools in a folder and a store in its place, a tail that follows them, and what it shows as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "event/control.h"
#include "event/event_wire.h"
#include "query/tail_bench.h"
#include "spool/destination.h"

#define SEGMENT_BYTES (1024u * 1024)

void tail_bench_init(struct tail_bench *bench)
{
    *bench = (struct tail_bench){ .filter = { TRAIL_FILTER_INIT } };
    place_make(&bench->store);
    snprintf(bench->spool_dir, sizeof bench->spool_dir, "%s/spool", bench->store.folder);
    assert_int_equal(mkdir(bench->spool_dir, 0700), 0);
}

void tail_bench_done(struct tail_bench *bench)
{
    tail_close(bench->tail);
    place_remove(&bench->store);
}

struct uuid tail_bench_writer(char letter)
{
    struct uuid uuid;
    memset(uuid.bytes, letter, sizeof uuid.bytes);
    return uuid;
}

/* ---- Spools ---- */

static void spool_path(const struct tail_bench *bench, char letter, char out[160])
{
    char        name[UUID_TEXT_SIZE];
    struct uuid uuid = tail_bench_writer(letter);
    uuid_format(&uuid, name);
    snprintf(out, 160, "%s/%s", bench->spool_dir, name);
}

static struct segment *make_segment(const struct tail_bench *bench, const struct spool_identity *identity,
                                    uint32_t number, uint64_t base_seq)
{
    char                path[160];
    struct segment     *segment = NULL;
    struct trail_error  error = { 0 };
    const unsigned char letter = identity->writer.bytes[0];
    spool_path(bench, (char)letter, path);
    (void)mkdir(path, 0700);
    if (segment_create(&segment, path, number, SEGMENT_BYTES, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    if (base_seq != 0)
        segment_activate(segment, identity, base_seq, FIXTURE_TIME_US);
    return segment;
}

static struct spool_identity identity_of(const struct tail_bench *bench, char letter)
{
    struct spool_identity identity = { .writer = tail_bench_writer(letter),
                                       .destination_kind = SPOOL_DESTINATION_URL,
                                       .pid = 4711,
                                       .started_us = FIXTURE_TIME_US,
                                       .service = "bench" };
    assert_int_equal(destination_of_url(bench->store.url, &identity.destination), TRAIL_OK);
    return identity;
}

struct segment *tail_bench_segment(const struct tail_bench *bench, char letter, uint32_t number, uint64_t base_seq)
{
    struct spool_identity identity = identity_of(bench, letter);
    return make_segment(bench, &identity, number, base_seq);
}

struct segment *tail_bench_foreign(const struct tail_bench *bench, char letter)
{
    struct spool_identity identity = identity_of(bench, letter);
    identity.destination = tail_bench_writer('?');
    return make_segment(bench, &identity, 1, 1);
}

static void put_payload(struct segment *segment, uint64_t seq, struct trail_text payload)
{
    const struct frame frame = { .seq = seq, .wall_us = FIXTURE_TIME_US, .type = FRAME_EVENT, .payload = payload };
    frame_write(&segment->area, segment->tail, &frame, crc32c(0, payload.data, payload.size));
    segment->tail += frame_size(payload.size);
}

void tail_bench_put_late(struct segment *segment, uint64_t seq, uint64_t as_of)
{
    struct event_record record = fixture_event(as_of);
    struct buf          payload;
    uint32_t            flags = 0;
    buf_init(&payload, NULL, 0);
    assert_int_equal(event_encode(&record.event, record.weight, &payload, &flags), TRAIL_OK);
    put_payload(segment, seq, buf_text(&payload));
    buf_done(&payload);
}

void tail_bench_put(struct segment *segment, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++)
        tail_bench_put_late(segment, seq, seq);
}

void tail_bench_put_broken(struct segment *segment, uint64_t seq)
{
    put_payload(segment, seq, TRAIL_TEXT("no event"));
}

void tail_bench_remove_spool(const struct tail_bench *bench, char letter)
{
    char path[160];
    char file[200];
    spool_path(bench, letter, path);
    for (unsigned number = 1; number < 10; number++) {
        snprintf(file, sizeof file, "%s/%08u.seg", path, number);
        (void)unlink(file);
    }
    assert_int_equal(rmdir(path), 0);
}

/* ---- The store ---- */

static void use_writer(struct tail_bench *bench, char letter)
{
    bench->store.writer.uuid = tail_bench_writer(letter);
    bench->store.writer.service = TRAIL_TEXT("bench");
    bench->store.writer.pid = 4711;
    if (bench->store.store == NULL)
        fixture_connect(&bench->store);
    else
        assert_int_equal(store_writer_add(bench->store.store, &bench->store.writer, &bench->store.last_seq, NULL),
                         TRAIL_OK);
}

void tail_bench_store(struct tail_bench *bench, char letter, uint64_t first, uint64_t last)
{
    size_t               count = (size_t)(last - first + 1);
    struct event_record *records = calloc(count, sizeof *records);
    assert_non_null(records);
    for (size_t i = 0; i < count; i++)
        records[i] = fixture_event(first + i);
    use_writer(bench, letter);
    assert_int_equal(fixture_write(&bench->store, records, count), TRAIL_OK);
    free(records);
}

static void write_batch(struct tail_bench *bench, const struct store_batch *batch)
{
    assert_int_equal(store_write(bench->store.store, batch, &bench->store.last_seq, NULL), TRAIL_OK);
}

void tail_bench_store_lost(struct tail_bench *bench, char letter, uint64_t first, uint64_t last, const char *context)
{
    struct event_record record = { .seq = first, .flags = TRAIL_FLAG_CONTROL, .weight = 1 };
    use_writer(bench, letter);
    if (context != NULL)
        control_event(&record.event, CONTROL_EVENTS_LOST, trail_str(context), FIXTURE_TIME_US);
    const struct store_batch batch = { .writer = &bench->store.writer.uuid,
                                       .first_seq = first,
                                       .last_seq = last,
                                       .events = &record,
                                       .event_count = context != NULL,
                                       .recorded_at_us = FIXTURE_TIME_US };
    write_batch(bench, &batch);
}

void tail_bench_store_dead(struct tail_bench *bench, char letter, uint64_t seq)
{
    const struct store_dead_letter letter_of = {
        .seq = seq, .operation = TRAIL_OPERATION_CREATE, .event_json = TRAIL_TEXT("{}"), .error = TRAIL_TEXT("no")
    };
    use_writer(bench, letter);
    const struct store_batch batch = { .writer = &bench->store.writer.uuid,
                                       .first_seq = seq,
                                       .last_seq = seq,
                                       .dead_letters = &letter_of,
                                       .dead_letter_count = 1,
                                       .recorded_at_us = FIXTURE_TIME_US };
    write_batch(bench, &batch);
}

/* ---- The tail ---- */

void tail_bench_open(struct tail_bench *bench)
{
    const struct tail_options options = {
        .database_url = bench->look_away ? "sqlite:/nowhere/at/all.db" : bench->store.url,
        .spool_dir = bench->spool_dir,
        .filter = &bench->filter,
    };
    struct trail_error error = { 0 };
    if (tail_open(&bench->tail, &options, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
}

/* Append an item to text[size]; the new size. */
static size_t append_item(const struct tail_item *item, char *text, size_t size)
{
    char   letter = item->writer != NULL ? (char)item->writer->bytes[0] : '-';
    char  *at = text + size;
    size_t room = TAIL_BENCH_TEXT_SIZE - size;
    int    more = 0;
    if (size > 0)
        more = snprintf(at, room, " ");
    at += more;
    room -= (size_t)more;
    switch (item->kind) {
    case TAIL_EVENT: more += snprintf(at, room, "%c%" PRIu64, letter, item->event->seq); break;
    case TAIL_GAP: more += snprintf(at, room, "%c[%" PRIu64 "-%" PRIu64 "]", letter, item->first, item->last); break;
    case TAIL_DEAD_LETTER: more += snprintf(at, room, "%c%" PRIu64 "!", letter, item->first); break;
    case TAIL_HELD: more += snprintf(at, room, "%c{%" PRIu64 "-%" PRIu64 "}", letter, item->first, item->last); break;
    case TAIL_STORE_AWAY: more += snprintf(at, room, "away"); break;
    case TAIL_STORE_BACK: more += snprintf(at, room, "back"); break;
    }
    assert_true((size_t)more < TAIL_BENCH_TEXT_SIZE - size);
    return size + (size_t)more;
}

static size_t append_items(const struct tail_bench *bench, char *text, size_t size)
{
    size_t                  count;
    const struct tail_item *items = tail_items(bench->tail, &count);
    for (size_t i = 0; i < count; i++)
        size = append_item(&items[i], text, size);
    return size;
}

const char *tail_bench_text(const struct tail_bench *bench)
{
    static char text[TAIL_BENCH_TEXT_SIZE];
    text[append_items(bench, text, 0)] = '\0';
    return text;
}

const char *tail_bench_start(struct tail_bench *bench, size_t count, bool follow)
{
    struct trail_error error = { 0 };
    if (tail_start(bench->tail, count, follow, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    return tail_bench_text(bench);
}

const char *tail_bench_look(struct tail_bench *bench)
{
    static char        text[TAIL_BENCH_TEXT_SIZE];
    struct trail_error error = { 0 };
    size_t             size = 0;
    bool               more = true;
    while (more) {
        if (tail_look(bench->tail, &more, &error) != TRAIL_OK)
            fail_msg("%s", error.message);
        size = append_items(bench, text, size);
    }
    text[size] = '\0';
    return text;
}
