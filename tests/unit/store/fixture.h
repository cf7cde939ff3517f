/* fixture.h -- a store in a folder of its own, simple events, and a second look at the same file.
 *
 * Thread: one owner.
 * Memory: fixture_close() removes the folder and all that is in it.
 * Errors: everything that fails here fails the test.
 */
#ifndef TRAIL_TESTS_FIXTURE_H
#define TRAIL_TESTS_FIXTURE_H

#include "store/backend.h"

struct fixture {
    char                folder[64];
    char                path[96];
    char                url[128]; /* "sqlite:" and the path. */
    struct store       *store;    /* NULL until fixture_connect(). */
    struct store_writer writer;
    uint64_t            last_seq; /* What the last write said. */
    struct trail_error  error;    /* Of the last write. */
};

/* A folder without a database. */
void fixture_folder(struct fixture *fixture);

/* Open the store (wait_ms 50) and add the writer. */
void fixture_connect(struct fixture *fixture);

/* Both. */
void fixture_open(struct fixture *fixture);
void fixture_disconnect(struct fixture *fixture);
void fixture_close(struct fixture *fixture);

/* An event with only the required fields, at 2026-01-01 plus seq seconds. */
struct event_record fixture_event(uint64_t seq);

/* Store `count` events as first_seq..last_seq; what it returned is checked by the caller. */
enum trail_err fixture_write(struct fixture *fixture, const struct event_record *events, size_t count);

/* Through a connection of its own: run statements; the first column of the first row. */
void    fixture_execute(const struct fixture *fixture, const char *sql);
int64_t fixture_number(const struct fixture *fixture, const char *sql);
void    fixture_text(const struct fixture *fixture, const char *sql, char out[512]);

#define FIXTURE_TIME_US INT64_C(1767225600000000) /* 2026-01-01 00:00 UTC. */

#endif
