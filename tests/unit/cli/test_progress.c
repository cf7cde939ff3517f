/* test_progress.c -- the line comes after a second, says share, rate and time left, and goes away.
 *
 * Goal:   right figures, not too often, nothing off a terminal.
 * Method: a clock that stands still until it is turned; the terminal is a file, had by setting its width.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "support/manual_clock.h"

#define CLEAR "\r\x1b[K"
#define SECOND INT64_C(1000000)

struct fixture {
    struct manual_clock clock;
    struct progress     progress;
    FILE               *out;
    char                text[1024];
};

static void begin(struct fixture *fixture, uint64_t total, size_t width)
{
    manual_clock_init(&fixture->clock);
    fixture->out = tmpfile();
    assert_non_null(fixture->out);
    progress_begin(&fixture->progress, &(struct progress_work){ "lines", total, fixture->out, &fixture->clock.clock });
    assert_int_equal(fixture->progress.width, 0);
    fixture->progress.width = width;
    fixture->progress.begin_us = clock_mono_us(&fixture->clock.clock);
    fixture->progress.next_us = fixture->progress.begin_us + SECOND;
}

/* What was written since the last time. */
static const char *written(struct fixture *fixture)
{
    rewind(fixture->out);
    size_t size = fread(fixture->text, 1, sizeof fixture->text - 1, fixture->out);
    fixture->text[size] = '\0';
    rewind(fixture->out);
    assert_int_equal(ftruncate(fileno(fixture->out), 0), 0);
    return fixture->text;
}

static void show_after(struct fixture *fixture, int64_t us, uint64_t count, uint64_t done)
{
    manual_clock_advance(&fixture->clock, us);
    progress_show(&fixture->progress, count, done);
}

static void the_first_second_is_quiet(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 1000, 80);
    show_after(&fixture, 0, 1, 1);
    show_after(&fixture, SECOND - 1, 100, 100);
    assert_string_equal(written(&fixture), "");
    show_after(&fixture, 1, 100, 100);
    assert_string_equal(written(&fixture), CLEAR "100 lines  100/s  10 %  0:09 left");
    fclose(fixture.out);
}

static void it_is_rewritten_a_few_times_a_second(void **state)
{
    (void)state;
    struct fixture fixture;
    size_t         lines = 0;
    begin(&fixture, 0, 80);
    for (int i = 0; i < 2000; i++) { /* Two seconds by the millisecond. */
        show_after(&fixture, SECOND / 1000, (uint64_t)i, 0);
        if (strstr(written(&fixture), "lines") != NULL)
            lines++;
    }
    assert_in_range(lines, 5, 6);
    fclose(fixture.out);
}

static void figures_are_those_of_the_work(void **state)
{
    (void)state;
    static const struct {
        int64_t     seconds;
        uint64_t    count;
        uint64_t    total;
        uint64_t    done;
        const char *line;
    } cases[] = {
        { 10, 500000, 0, 7, "500,000 lines  50,000/s" },
        { 10, 500000, 4000, 1000, "500,000 lines  50,000/s  25 %  0:30 left" },
        { 60, 6, 3600, 60, "6 lines  0/s  2 %  59:00 left" },
        { 3600, 3600, 86400, 3600, "3,600 lines  1/s  4 %  23:00:00 left" },
        { 2, 10, 100, 0, "10 lines  5/s" },
        { 2, 10, 100, 150, "10 lines  5/s  100 %  0:00 left" }, /* The file has grown. */
        { 2, UINT64_MAX, UINT64_MAX, UINT64_MAX / 2, "18,446,744,073,709,551,615 lines" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;
        begin(&fixture, cases[i].total, 100);
        show_after(&fixture, cases[i].seconds * SECOND, cases[i].count, cases[i].done);
        const char *text = written(&fixture);
        assert_memory_equal(text, CLEAR, strlen(CLEAR));
        if (cases[i].count == UINT64_MAX)
            assert_memory_equal(text + strlen(CLEAR), cases[i].line, strlen(cases[i].line));
        else
            assert_string_equal(text + strlen(CLEAR), cases[i].line);
        fclose(fixture.out);
    }
}

static void a_narrow_terminal_is_not_wrapped(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 1000, 12);
    show_after(&fixture, 2 * SECOND, 100, 100);
    assert_string_equal(written(&fixture), CLEAR "100 lines  ");
    fclose(fixture.out);
}

static void clearing_takes_the_line_away_once(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 0, 80);
    progress_clear(&fixture.progress);
    assert_string_equal(written(&fixture), "");
    show_after(&fixture, 2 * SECOND, 1, 0);
    written(&fixture);
    progress_clear(&fixture.progress);
    assert_string_equal(written(&fixture), CLEAR);
    progress_clear(&fixture.progress);
    assert_string_equal(written(&fixture), "");
    show_after(&fixture, SECOND, 2, 0);
    assert_string_equal(written(&fixture), CLEAR "2 lines  0/s");
    fclose(fixture.out);
}

static void off_a_terminal_nothing_is_written(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 1000, 0);
    for (int i = 0; i < 10; i++)
        show_after(&fixture, SECOND, 1, 1);
    progress_clear(&fixture.progress);
    assert_string_equal(written(&fixture), "");
    fclose(fixture.out);
}

static void all_zero_shows_nothing(void **state)
{
    (void)state;
    struct progress progress = { .width = 0 };
    progress_show(&progress, 1, 1);
    progress_clear(&progress);
    assert_false(progress.visible);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_second_is_quiet),
        cmocka_unit_test(it_is_rewritten_a_few_times_a_second),
        cmocka_unit_test(figures_are_those_of_the_work),
        cmocka_unit_test(a_narrow_terminal_is_not_wrapped),
        cmocka_unit_test(clearing_takes_the_line_away_once),
        cmocka_unit_test(off_a_terminal_nothing_is_written),
        cmocka_unit_test(all_zero_shows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
