/* place_postgresql.c -- a test's store on the PostgreSQL server of the tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/place.h"
#include "store/postgresql_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PLACES_MAX 4 /* More than any test has at a time. */

static struct database places[PLACES_MAX]; /* mutable: those in use have a URL */

static struct database *place_at(const char *url)
{
    for (size_t i = 0; i < PLACES_MAX; i++) {
        if (strcmp(places[i].url, url) == 0)
            return &places[i];
    }
    fail_msg("no place has the URL \"%s\"", url);
    return NULL;
}

void place_make(struct fixture *fixture)
{
    struct database *place = place_at("");
    fixture_folder(fixture);
    database_create(place);
    assert_true(strlen(place->url) < sizeof fixture->url);
    snprintf(fixture->url, sizeof fixture->url, "%s", place->url);
}

void place_remove(struct fixture *fixture)
{
    struct database *place = place_at(fixture->url);
    fixture_close(fixture);
    database_drop(place);
    place->url[0] = '\0';
}

void place_execute(const struct fixture *fixture, const char *sql)
{
    database_execute(place_at(fixture->url), sql);
}

/* Who still looks is cut off, as with a server that is put in another's place. */
void place_empty(const struct fixture *fixture)
{
    struct database *place = place_at(fixture->url);
    database_execute(place, "DROP SCHEMA audittrail CASCADE");
    database_execute(place, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                            " WHERE datname = current_database() AND pid <> pg_backend_pid()");
}

const char *place_time(int64_t time_us, char out[64])
{
    snprintf(out, 64, "to_timestamp(%" PRId64 ".%06d)", time_us / 1000000, (int)(time_us % 1000000));
    return out;
}
