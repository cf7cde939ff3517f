/* place_sqlite.c -- a test's store in a file. */
#include "query/place.h"

void place_make(struct fixture *fixture)
{
    fixture_folder(fixture);
}

void place_remove(struct fixture *fixture)
{
    fixture_close(fixture);
}

void place_execute(const struct fixture *fixture, const char *sql)
{
    fixture_execute(fixture, sql);
}
