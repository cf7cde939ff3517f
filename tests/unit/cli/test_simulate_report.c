/* test_simulate_report.c -- the page of a simulation shows its numbers as people read them.
 *
 * Goal:   ranges, changes and gaps are written as meant; what is empty is not shown; what was written by those who are
 *         audited cannot move the cursor.
 * Method: a simulation whose fields are set by hand, printed into memory; lines are compared without their padding.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/simulate_report.h"
#include "unit/query/draft_fixture.h"

#define DAY_US INT64_C(86400000000)

static struct simulation made(const struct draft *now, const struct draft *draft)
{
    struct simulation simulation;
    assert_int_equal(simulation_init(&simulation, now, draft, NULL), TRAIL_OK);
    simulation.of_store = true;
    simulation.unseen_asked = true;
    simulation.since_us = INT64_C(1767225600000000);
    simulation.until_us = simulation.since_us + 2 * DAY_US;
    simulation.events = 12345;
    return simulation;
}

/* The page with every run of blanks as one. */
static char *page_of(const struct simulation *simulation, uint64_t lines_in_error)
{
    char  *page = NULL;
    size_t size = 0;
    FILE  *out = open_memstream(&page, &size);
    assert_non_null(out);
    assert_true(simulate_report(simulation, lines_in_error, out));
    assert_int_equal(fclose(out), 0);
    char *to = page;
    for (const char *from = page; *from != '\0'; from++) {
        if (from[0] != ' ' || (from[1] != ' ' && from[1] != '\n'))
            *to++ = *from;
    }
    *to = '\0';
    return page;
}

static void assert_line(const char *page, const char *line)
{
    const char *found = strstr(page, line);
    size_t      size = strlen(line);
    if (found == NULL || (found != page && found[-1] != '\n') || found[size] != '\n')
        fail_msg("no line \"%s\" in\n%s", line, page);
}

static void numbers_are_written_as_people_read_them(void **state)
{
    static const struct {
        double      now, then, high;
        const char *rows, *per_day;
    } lines[] = {
        { 10000, 1000, 1000, "rows 10,000 1,000 -90 %", "rows per day 5,000 500 -90 %" },
        { 10000, 9950, 9950, "rows 10,000 9,950 -0.5 %", "rows per day 5,000 4,975 -0.5 %" },
        { 10000, 10000, 10000, "rows 10,000 10,000 the same", "rows per day 5,000 5,000 the same" },
        { 1000, 1500, 1500, "rows 1,000 1,500 +50 %", "rows per day 500 750 +50 %" },
        { 1000, 24000, 24000, "rows 1,000 24,000 24 times", "rows per day 500 12,000 24 times" },
        { 1000, 500, 2000, "rows 1,000 500 to 2,000 -50 % to +100 %", "rows per day 500 250 to 1,000 -50 % to +100 %" },
        { 0, 10, 10, "rows 0 10", "rows per day 0 5" },
    };
    (void)state;
    struct draft draft = draft_with(TRAIL_LEVEL_ALL, "", "");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct simulation          simulation = made(&draft, &draft);
        struct simulate_operation *reads = &simulation.operations[TRAIL_OPERATION_READ];
        reads->events = reads->now = lines[i].now;
        reads->then = lines[i].then;
        reads->unseen.high = lines[i].high - lines[i].then;
        char *page = page_of(&simulation, 0);
        assert_line(page, lines[i].rows);
        assert_line(page, lines[i].per_day);
        assert_line(page, "events 12,345 stored, from 2026-01-01T00:00:00Z to 2026-01-03T00:00:00Z (2 days)");
        assert_null(strstr(page, "bytes"));
        assert_null(strstr(page, "for example"));
        assert_null(strstr(page, "excluded"));
        free(page);
        simulation_done(&simulation);
    }
    draft_done(&draft);
}

static void operations_and_patterns_have_a_line_each(void **state)
{
    (void)state;
    struct draft      now = draft_with(TRAIL_LEVEL_ALL, "", "");
    struct draft      draft = draft_with(TRAIL_LEVEL_WRITES_ONLY, "ping,none", "metric");
    struct simulation simulation = made(&now, &draft);
    simulation.operations[TRAIL_OPERATION_READ] =
        (struct simulate_operation){ .events = 2000, .now = 2000, .lost = 2000, .refused = { 0, 0, 1990, 10, 0, 0 } };
    simulation.operations[TRAIL_OPERATION_CREATE] =
        (struct simulate_operation){ .events = 5, .now = 5, .then = 5, .unseen = { 0, 7 } };
    simulation.operations[0] = (struct simulate_operation){ .events = 2, .now = 2, .then = 2 };
    simulation.action_events[0] = 10;
    simulation.bytes = (struct simulate_bytes){ SIMULATE_BYTES_OF_STORE, 2e6, 1e6, 1.5e6, 2000000, 2000 };
    char *page = page_of(&simulation, 3);
    assert_line(page, "draft level writes_only; not recorded: read, access; excluded actions: ping, none; excluded "
                      "resources: metric");
    assert_line(page, "read 2,000 - 2,000 - - 1,990 10 - -");
    assert_line(page, "create 5 5 to 12 - 0 to 7 - - - - -");
    assert_line(page, "control 2 2 - - - - - - -");
    assert_null(strstr(page, "delete"));
    assert_line(page, "action ping 10");
    assert_line(page, "action none - matched nothing that the level takes");
    assert_line(page, "resource metric - matched nothing that the level takes");
    assert_line(page, "bytes per day 977 KiB 488 KiB to 732 KiB -50 % to -25 %");
    assert_non_null(strstr(page, ", 3 lines in error left out"));
    free(page);
    simulation_done(&simulation);
    draft_done(&now);
    draft_done(&draft);
}

static void examples_say_why_and_are_printable(void **state)
{
    const struct simulate_example example = { .timestamp_us = INT64_C(1767225600000000),
                                              .operation = TRAIL_OPERATION_READ,
                                              .outcome = TRAIL_OUTCOME_DENIED,
                                              .action = "get_x",
                                              .resource_type = "tool",
                                              .resource_id = "7",
                                              .user_id = "\x1b[2J" };
    (void)state;
    struct draft      draft = draft_with(TRAIL_LEVEL_ALL, "", "");
    struct simulation simulation = made(&draft, &draft);
    simulation.rules[DRAFT_RESOURCE].examples = (struct simulate_examples){ { example }, 1 };
    simulation.gained = (struct simulate_examples){ { example }, 1 };
    simulation.gained.list[0].timestamp_us = 0;
    simulation.gained.list[0].resource_id[0] = '\0';
    char *page = page_of(&simulation, 0);
    assert_line(page, "excluded resource 2026-01-01T00:00:00.000000Z \\x1b[2J read get_x tool/7 denied");
    assert_non_null(strstr(page, "\\x1b[2J read get_x tool denied\n"));
    assert_null(strchr(page, '\x1b'));
    free(page);
    simulation_done(&simulation);
    draft_done(&draft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_as_people_read_them),
        cmocka_unit_test(operations_and_patterns_have_a_line_each),
        cmocka_unit_test(examples_say_why_and_are_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
