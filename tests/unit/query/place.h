/* place.h -- where a test's store is: in a file, or on the PostgreSQL server of the tests.
 *
 * A test of what both databases must do alike is built twice, with place_sqlite.c and with place_postgresql.c.
 *
 * Thread: one owner.
 * Memory: place_remove() removes the store, whoever is still connected to it.
 * Errors: everything that fails here fails the test.
 */
#ifndef TRAIL_TESTS_PLACE_H
#define TRAIL_TESTS_PLACE_H

#include "store/fixture.h"

/* fixture_folder(), with the URL of this database; for fixture_connect(), fixture_write(), fixture_disconnect(). */
void place_make(struct fixture *fixture);

/* The folder and the store. */
void place_remove(struct fixture *fixture);

/* Throw the store away and leave its place: whoever opens it anew finds another store. */
void place_empty(const struct fixture *fixture);

/* A moment as a literal of this database. */
const char *place_time(int64_t time_us, char out[64]);

/* A statement that both databases take, through a connection of its own. */
void place_execute(const struct fixture *fixture, const char *sql);

#endif
