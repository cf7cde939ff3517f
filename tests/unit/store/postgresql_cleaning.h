/* postgresql_cleaning.h -- a database with a writer, events of whatever day, and clean-ups of it.
 *
 * Thread: one owner.
 * Memory: cleaning_close() drops the database.
 * Errors: everything that fails here fails the test.
 */
#ifndef TRAIL_TESTS_POSTGRESQL_CLEANING_H
#define TRAIL_TESTS_POSTGRESQL_CLEANING_H

#include "store/cleanup.h"
#include "store/postgresql_writer.h"

struct cleaning {
    struct database  database;
    struct pg_writer writer;
};

void cleaning_open(struct cleaning *cleaning);
void cleaning_close(struct cleaning *cleaning);

/* Store `count` events (100 at most) of noon, so many days ago, by this user, on a resource and with an action of the
 * same name. */
void cleaning_write(struct cleaning *cleaning, int days_ago, size_t count, const char *user);

/* A request that would be granted: what is older than so many days goes. Nobody lives. */
struct store_cleanup_request cleaning_request(int days);

/* Begin it, which must be claimed. */
struct store_cleanup *cleaning_claim(struct store *store, const struct store_cleanup_request *request);

/* One step. */
struct cleanup_step cleaning_step(struct store *store, struct store_cleanup *cleanup);

/* Step to the end, end it, free it. */
struct cleanup_work cleaning_run_out(struct store *store, struct store_cleanup *cleanup);

/* All of it. */
struct cleanup_work cleaning_all(struct store *store, int days);

/* Facts and strays of which a reference or the writer is missing. */
int64_t cleaning_orphans(const struct cleaning *cleaning);

#endif
