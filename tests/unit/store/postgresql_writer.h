/* postgresql_writer.h -- one connection that stores events of one writer in a test's database.
 *
 * Thread: one owner.
 * Memory: pg_writer_close() closes the connection; the database stays.
 * Errors: everything that fails here fails the test; what a write returned is checked by the caller.
 */
#ifndef TRAIL_TESTS_POSTGRESQL_WRITER_H
#define TRAIL_TESTS_POSTGRESQL_WRITER_H

#include "store/fixture.h"
#include "store/postgresql_fixture.h"

struct pg_writer {
    struct store       *store;
    struct store_writer writer;
    uint64_t            last_seq; /* What the last write said. */
    struct trail_error  error;    /* Of the last write. */
};

/* Connect with a writer of its own; `like` not NULL: with that one's. */
void pg_writer_open(struct pg_writer *writer, const struct database *database, const struct pg_writer *like);
void pg_writer_close(struct pg_writer *writer);

/* fixture_event() of now. */
struct event_record pg_writer_event(uint64_t seq);

/* Store `count` events as first_seq..last_seq. */
enum trail_err pg_writer_write(struct pg_writer *writer, const struct event_record *events, size_t count);

#endif
