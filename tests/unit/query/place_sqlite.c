/* place_sqlite.c -- a test's store in a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/place.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

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

void place_empty(const struct fixture *fixture)
{
    assert_int_equal(unlink(fixture->path), 0);
}

const char *place_time(int64_t time_us, char out[64])
{
    snprintf(out, 64, "%" PRId64, time_us);
    return out;
}
