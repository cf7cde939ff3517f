/* postgresql_fixture.h -- a database of the test's own on the server of the tests, and a second look at it.
 *
 * AUDITTRAIL_TEST_POSTGRESQL names the file that holds the server's URL (ctest sets it); without one the test fails.
 *
 * Thread: one owner.
 * Memory: database_drop() removes the database, whoever is still connected to it.
 * Errors: everything that fails here fails the test.
 */
#ifndef TRAIL_TESTS_POSTGRESQL_FIXTURE_H
#define TRAIL_TESTS_POSTGRESQL_FIXTURE_H

#include <libpq-fe.h>

#include "store/backend.h"

struct database {
    char    name[64];
    char    url[256]; /* As the superuser. */
    PGconn *server;   /* To another database of the server. */
    PGconn *look;     /* To this one, with our schema in its search path. */
};

/* An empty database. */
void database_create(struct database *database);
void database_drop(struct database *database);

/* Append "user" to the URL in place of the superuser's name; the role must exist. */
void database_url_as(const struct database *database, const char *role, char out[256]);

/* Open the store as the drain does; it creates the schema. */
struct store *database_open_store(const struct database *database);

/* Through the second connection: run statements; the first column of the first row, as a number (0: no row) or text. */
void    database_execute(const struct database *database, const char *sql);
int64_t database_number(const struct database *database, const char *sql);
void    database_text(const struct database *database, const char *sql, char out[1024]);

/* Another connection to the same database; PQfinish() it. */
PGconn *database_connect(const struct database *database);

#endif
