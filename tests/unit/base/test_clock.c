/* test_clock.c -- time is written and read as RFC 3339, exactly, and nothing else is taken for a time.
 *
 * Goal:   what is written reads back to the microsecond; wrong calendars are refused.
 * Method: tables with values from GNU date; a walk over the years 0000-9999.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define S(seconds) (INT64_C(1000000) * (seconds))

static void times_are_written_with_six_digits_in_utc(void **state)
{
    (void)state;
    static const struct {
        int64_t     us;
        const char *text;
    } cases[] = {
        { 0, "1970-01-01T00:00:00.000000Z" },
        { 1, "1970-01-01T00:00:00.000001Z" },
        { -1, "1969-12-31T23:59:59.999999Z" },
        { S(951782400), "2000-02-29T00:00:00.000000Z" },
        { S(1795493106) + 123456, "2026-11-24T04:05:06.123456Z" },
        { CLOCK_WALL_US_MAX, "2100-12-31T23:59:59.999999Z" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char    text[CLOCK_TEXT_SIZE];
        int64_t back = 0;
        clock_format(cases[i].us, text);
        assert_string_equal(text, cases[i].text);
        assert_true(clock_parse(trail_str(text), &back));
        assert_true(back == cases[i].us);
    }
}

static void rfc_3339_and_its_usual_relaxations_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t     us;
    } cases[] = {
        { "2026-11-24", S(1795478400) },
        { "2026-11-24T04:05:06Z", S(1795493106) },
        { "2026-11-24t04:05:06z", S(1795493106) },
        { "2026-11-24 04:05:06", S(1795493106) },
        { "2026-11-24T04:05", S(1795493100) },
        { "2026-11-24T04:05:06.5Z", S(1795493106) + 500000 },
        { "2026-11-24T04:05:06,25Z", S(1795493106) + 250000 },
        { "2026-11-24T04:05:06.123456789Z", S(1795493106) + 123456 },
        { "2026-11-24T04:05:06+02:00", S(1795493106 - 7200) },
        { "2026-11-24T04:05:06.123-00:30", S(1795493106 + 1800) + 123000 },
        { "2016-12-31T23:59:60Z", S(1483228800) }, /* A leap second. */
        { "2016-12-31T23:59:60.5Z", S(1483228800) + 500000 },
        { "2024-02-29T00:00:00Z", S(1709164800) },
        { "0000-01-01T00:00:00Z", S(-62167219200) },
        { "9999-12-31T23:59:59.999999Z", S(253402300799) + 999999 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = -12345;
        if (!clock_parse(trail_str(cases[i].text), &us) || us != cases[i].us)
            fail_msg("%s gives %lld", cases[i].text, (long long)us);
    }
}

static void what_is_not_a_time_is_refused_and_nothing_is_set(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "2026",
        "2026-11",
        "2026-1-1",
        "26-11-24",
        "2026-00-01",
        "2026-13-01",
        "2026-02-29",
        "2026-02-30",
        "2026-04-31",
        "2026-01-32",
        "2026-01-99",
        "2026-01-00",
        "2100-02-29",
        "2026-11-24T",
        "2026-11-24T04",
        "2026-11-24T24:00:00Z",
        "2026-11-24T04:60:00Z",
        "2026-11-24T04:05:61Z",
        "2026-11-24T04:05:6Z",
        "2026-11-24T04:05:06.Z",
        "2026-11-24T04:05.5Z",
        "2026-11-24T04:05:06+2:00",
        "2026-11-24T04:05:06+0200",
        "2026-11-24T04:05:06+24:00",
        "2026-11-24T04:05:06+02:60",
        "2026-11-24T04:05:06Zx",
        "2026-11-24T04:05:06 Z",
        " 2026-11-24",
        "-026-11-24",
        "2026/11/24",
        "now",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = -12345;
        if (clock_parse(trail_str(cases[i]), &us))
            fail_msg("%s is taken for a time", cases[i]);
        assert_true(us == -12345);
    }
}

/* A step that is no multiple of a day or a year meets every month, hour and minute in time. */
static void every_year_reads_back(void **state)
{
    (void)state;
    size_t count = 0;
    for (int64_t us = S(-62167219200); us < S(253402300800); us += S(7654321) + 98765) {
        char    text[CLOCK_TEXT_SIZE];
        int64_t back = 0;
        clock_format(us, text);
        if (!clock_parse(trail_str(text), &back) || back != us)
            fail_msg("%s reads back as %lld", text, (long long)back);
        count++;
    }
    assert_true(count > 40000);
}

static void no_time_overflows_the_text(void **state)
{
    (void)state;
    static const int64_t extremes[] = { INT64_MIN, INT64_MIN + 1, INT64_MAX, S(-99999999999), S(999999999999) };
    for (size_t i = 0; i < COUNT_OF(extremes); i++) {
        char text[CLOCK_TEXT_SIZE];
        clock_format(extremes[i], text);
        assert_int_equal(trail_str(text).size, CLOCK_TEXT_SIZE - 1);
    }
}

static int64_t fixed_wall_us(void *context)
{
    return *(const int64_t *)context;
}

static int64_t fixed_mono_us(void *context)
{
    return *(const int64_t *)context + 1;
}

static void a_replaced_clock_is_asked_with_its_context(void **state)
{
    (void)state;
    int64_t            now = 42;
    const struct clock clock = { fixed_wall_us, fixed_mono_us, &now, NULL };
    assert_int_equal(clock_wall_us(&clock), 42);
    assert_int_equal(clock_mono_us(&clock), 43);
}

static void the_system_clock_is_in_this_century_and_does_not_go_back(void **state)
{
    (void)state;
    assert_true(clock_wall_us(&clock_system) > S(1700000000));
    assert_true(clock_wall_us(&clock_system) < CLOCK_WALL_US_MAX);
    int64_t before = clock_mono_us(&clock_system);
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_us(&clock_system);
        assert_true(now >= before);
        before = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_with_six_digits_in_utc),
        cmocka_unit_test(rfc_3339_and_its_usual_relaxations_are_read),
        cmocka_unit_test(what_is_not_a_time_is_refused_and_nothing_is_set),
        cmocka_unit_test(every_year_reads_back),
        cmocka_unit_test(no_time_overflows_the_text),
        cmocka_unit_test(a_replaced_clock_is_asked_with_its_context),
        cmocka_unit_test(the_system_clock_is_in_this_century_and_does_not_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
