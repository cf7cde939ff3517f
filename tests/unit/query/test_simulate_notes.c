/* test_simulate_notes.c -- every assumption of a forecast is said, and none that was not made.
 *
 * Goal:   each condition brings its note and no other; every text is whole.
 * Method: a simulation whose fields are set by hand, one condition after the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "query/simulate_notes.h"
#include "unit/query/draft_fixture.h"

#define DAY_US INT64_C(86400000000)

/* "code code ", in order. */
static void codes_of(const struct simulation *simulation, char out[512])
{
    struct simulate_note notes[SIMULATE_NOTES_MAX];
    size_t               count = simulation_notes(simulation, notes);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(out);
        snprintf(out + used, 512 - used, "%s%s", used > 0 ? " " : "", notes[i].code);
        assert_true(strlen(notes[i].text) < sizeof notes[i].text - 1);
        assert_true(strlen(notes[i].text) > 20);
    }
}

#define assert_codes(simulation, expected)          \
    do {                                            \
        char found_codes[512];                      \
        codes_of((simulation), found_codes);        \
        assert_string_equal(found_codes, expected); \
    } while (false)

static void a_count_is_called_one(void **state)
{
    (void)state;
    struct draft      now = draft_with(TRAIL_LEVEL_ALL, "", "");
    struct simulation simulation = { .now = &now, .draft = &now, .since_us = 1, .until_us = DAY_US };
    assert_codes(&simulation, "exact");
    simulation.rules[DRAFT_SAMPLED].events = 5;
    assert_codes(&simulation, "sampling");
    simulation.rules[DRAFT_SAMPLED].events = 0;
    simulation.until_us = 1;
    assert_codes(&simulation, "exact no_time");
    simulation.until_us = 5000000;
    assert_codes(&simulation, "exact too_short");
    simulation.until_us = 120000000;
    assert_codes(&simulation, "exact short_time");
    simulation.until_us = DAY_US;
    simulation.bytes.basis = SIMULATE_BYTES_ENCODED;
    assert_codes(&simulation, "exact bytes_encoded");
    draft_done(&now);
}

static void a_forecast_says_what_it_rests_on(void **state)
{
    struct settings off = settings_of(TRAIL_LEVEL_ALL, "", "");
    (void)state;
    struct draft      now = draft_with(TRAIL_LEVEL_ALL, "", "");
    struct draft      excluding = draft_with(TRAIL_LEVEL_ALL, "a", "");
    struct simulation simulation = {
        .now = &now, .draft = &now, .of_store = true, .unseen_asked = true, .since_us = 1, .until_us = DAY_US
    };
    struct simulate_operation *reads = &simulation.operations[TRAIL_OPERATION_READ];
    assert_codes(&simulation, "");

    reads->unseen_now.level = 10;
    assert_codes(&simulation, "unseen");
    simulation.unseen_spread = true;
    assert_codes(&simulation, "unseen unseen_spread");
    reads->unseen.high = 10;
    assert_codes(&simulation, "unseen unseen_spread unseen_bounds");
    reads->unseen.low = 10;
    simulation.unseen_unplaced = 3;
    assert_codes(&simulation, "unseen unseen_spread unseen_unplaced");
    simulation.now = &excluding;
    assert_codes(&simulation, "unseen unseen_spread unseen_unplaced in_force");
    simulation.unseen_asked = false;
    assert_codes(&simulation, "unseen_not_asked");

    simulation.now = &now;
    simulation.unseen_asked = true;
    reads->unseen_now.level = 0;
    simulation.unseen_unplaced = 0;
    reads->weighed = true;
    assert_codes(&simulation, "sampling");
    reads->weighed = false;
    simulation.contradicting = 1;
    simulation.remapped = 1;
    assert_codes(&simulation, "other_policy action_map");
    simulation.contradicting = 0;
    simulation.remapped = 0;
    simulation.bytes = (struct simulate_bytes){ .basis = SIMULATE_BYTES_OF_STORE, .store_events = 999 };
    assert_codes(&simulation, "bytes_of_few");
    simulation.bytes.store_events = 1000;
    assert_codes(&simulation, "");

    off.enabled = false;
    struct draft disabled = draft_of(&off);
    simulation.now = &disabled;
    assert_codes(&simulation, "disabled");
    draft_done(&disabled);
    draft_done(&excluding);
    draft_done(&now);
}

static void all_notes_at_once_have_room(void **state)
{
    struct settings off = settings_of(TRAIL_LEVEL_ALL, "a", "");
    (void)state;
    off.enabled = false;
    struct draft      now = draft_of(&off);
    struct simulation simulation = { .now = &now,
                                     .draft = &now,
                                     .of_store = true,
                                     .unseen_asked = true,
                                     .unseen_spread = true,
                                     .unseen_unplaced = 1e15,
                                     .contradicting = 1e15,
                                     .remapped = UINT64_MAX,
                                     .until_us = 1,
                                     .bytes = { .basis = SIMULATE_BYTES_OF_STORE, .store_events = 1 } };
    simulation.operations[1].unseen_now.level = 1e15;
    simulation.operations[1].unseen.high = 1e15;
    simulation.operations[2].weighed = true;
    assert_codes(&simulation, "sampling other_policy action_map unseen unseen_spread unseen_bounds unseen_unplaced "
                              "in_force disabled too_short bytes_of_few");
    draft_done(&now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_count_is_called_one),
        cmocka_unit_test(a_forecast_says_what_it_rests_on),
        cmocka_unit_test(all_notes_at_once_have_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
