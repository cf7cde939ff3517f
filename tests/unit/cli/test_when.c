/* test_when.c -- moments as people type them.
 *
 * Goal:   ages count back from now, RFC 3339 text is taken, everything else is refused and changes nothing.
 * Method: a table of texts against a fixed now.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/when.h"

#define NOW_US INT64_C(1795000000123456)
#define SECOND INT64_C(1000000)

static void moments_and_ages_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t     us;
    } cases[] = {
        { "now", NOW_US },
        { "NOW", NOW_US },
        { "0s", NOW_US },
        { "90s", NOW_US - 90 * SECOND },
        { "30m", NOW_US - 1800 * SECOND },
        { "1h", NOW_US - 3600 * SECOND },
        { "2d", NOW_US - 2 * 86400 * SECOND },
        { "1w", NOW_US - 7 * 86400 * SECOND },
        { "1d12h30m", NOW_US - (86400 + 12 * 3600 + 1800) * SECOND },
        { " 1h ", NOW_US - 3600 * SECOND },
        { "1970-01-01", 0 },
        { "1970-01-02T00:00:01Z", 86401 * SECOND },
        { "1970-01-01T02:00:00+02:00", 0 },
        { "1970-01-01 00:00:00.000001", 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us = -1;
        assert_true(when_parse(trail_str(cases[i].text), NOW_US, &us));
        assert_true(us == cases[i].us);
    }
}

static void anything_else_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "yesterday",
        "1",
        "h",
        "1x",
        "-1h",
        "1h30",
        "1.5h",
        "99999w",
        "1000000000s1",
        "2101-01-01",
        "1969-12-31T23:59:59Z",
        "2026-02-30",
        "2026-13-01",
        "9999999999999999999h",
        "1h now",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t us = -1;
        assert_false(when_parse(trail_str(texts[i]), NOW_US, &us));
        assert_true(us == -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_and_ages_are_taken),
        cmocka_unit_test(anything_else_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
