/* postgresql_writer.c -- one connection that stores events of one writer in a test's database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/postgresql_writer.h"

#include "base/clock.h"

void pg_writer_open(struct pg_writer *writer, const struct database *database, const struct pg_writer *like)
{
    *writer = (struct pg_writer){ .store = database_open_store(database) };
    writer->writer = (struct store_writer){
        .service = TRAIL_TEXT("test"), .host = TRAIL_TEXT("host"), .pid = 1, .started_us = FIXTURE_TIME_US
    };
    if (like != NULL)
        writer->writer = like->writer;
    else
        assert_int_equal(uuid_random(&writer->writer.uuid), TRAIL_OK);
    if (store_writer_add(writer->store, &writer->writer, &writer->last_seq, &writer->error) != TRAIL_OK)
        fail_msg("%s", writer->error.message);
}

void pg_writer_close(struct pg_writer *writer)
{
    store_close(writer->store);
    writer->store = NULL;
}

struct event_record pg_writer_event(uint64_t seq)
{
    struct event_record record = fixture_event(seq);
    record.event.timestamp_us = clock_wall_us(&clock_system);
    return record;
}

enum trail_err pg_writer_write(struct pg_writer *writer, const struct event_record *events, size_t count)
{
    const struct store_batch batch = { .writer = &writer->writer.uuid,
                                       .first_seq = events[0].seq,
                                       .last_seq = events[count - 1].seq,
                                       .events = events,
                                       .event_count = count,
                                       .recorded_at_us = FIXTURE_TIME_US };
    return store_write(writer->store, &batch, &writer->last_seq, &writer->error);
}
