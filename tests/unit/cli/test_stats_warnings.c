/* test_stats_warnings.c -- each warning is given for its cause, in words that help, and for nothing else.
 *
 * Goal:   a survey in which all is well has none; each cause gives its one; on the near side of each limit is none.
 * Method: a table of changes to the survey of stats_fixture.c, one cause each; names, messages and help compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "unit/cli/stats_fixture.h"

#define MIB (UINT64_C(1024) * 1024)

static struct stats_fixture fixture;

struct cause {
    void (*change)(void);
    const char *name;    /* NULL: near it, and no warning. */
    const char *message; /* A part of it. */
    const char *help;    /* Likewise. */
};

static void nothing(void)
{
}

static void store_away(void)
{
    fixture.survey.store_reachable = false;
    snprintf(fixture.survey.store_error, sizeof fixture.survey.store_error, "no database in /a.db");
}

static void more_rows_than_numbers(void)
{
    fixture.writers[0].last_seq = fixture.writers[0].ledger_seq = 1000;
}

static void ledger_elsewhere(void)
{
    fixture.writers[0].ledger_seq = 1000;
}

static void ledger_of_more(void)
{
    fixture.survey.store.week.events = 31502;
}

static void spool_without_store(void)
{
    fixture.writers[2].last_seq = 0; /* It never was in the store: nothing to compare. */
}

static void missing(void)
{
    fixture.writers[0].missing = 1;
    fixture.writers[2].missing = 41;
}

static void missing_while_it_moves(void)
{
    missing();
    fixture.survey.steady = false;
}

static void rejected_by_the_living(void)
{
    fixture.writers[0].started_us = 1;
    fixture.writers[0].operations[TRAIL_OPERATION_OTHER].rejected = 1200;
}

static void dropped_by_one_gone_lately(void)
{
    fixture.writers[1].operations[TRAIL_OPERATION_OTHER].dropped = 1;
}

static void dropped_long_ago(void)
{
    fixture.writers[1].started_us = FIXTURE_NOW_US - 7 * SURVEY_DAY_US - 1;
    dropped_by_one_gone_lately();
    fixture.survey.departed[TRAIL_OPERATION_OTHER].rejected = 7;
    fixture.writers[4].operations[TRAIL_OPERATION_OTHER].rejected = 7; /* Of another store. */
}

static void spool_nearly_full(void)
{
    fixture.settings.spool_max_bytes = 100 * MIB;
    fixture.writers[0].waiting_bytes = 81 * MIB;
}

static void spool_at_the_limit_of_the_warning(void)
{
    spool_nearly_full();
    fixture.writers[0].waiting_bytes = 81 * MIB - 1;
    fixture.writers[2].waiting_bytes = 99 * MIB; /* Dead: nothing comes to it. */
    fixture.writers[4].waiting_bytes = 99 * MIB;
}

static void waiting_for_three_intervals(void)
{
    fixture.writers[2].oldest_waiting_us = 90000000;
    fixture.writers[4].oldest_waiting_us = 900000000;
}

static void waiting_for_longer(void)
{
    fixture.writers[2].oldest_waiting_us = 90000001;
}

static void waiting_with_nobody_left(void)
{
    waiting_for_longer();
    fixture.writers[0].alive = false;
}

static void foreign_orphan_of_a_url(void)
{
    fixture.writers[3].operations[TRAIL_OPERATION_DELETE].waiting = 1234;
}

static void foreign_orphan_of_a_store(void)
{
    fixture.writers[4].alive = false;
}

static void dead_letters(void)
{
    fixture.survey.store.dead_letters = 3;
    snprintf(fixture.survey.store.dead_letter_error, sizeof fixture.survey.store.dead_letter_error, "too big");
}

static void damaged(void)
{
    fixture.survey.damaged_segments = 1;
    snprintf(fixture.survey.damaged_path, sizeof fixture.survey.damaged_path, "/spool/x");
}

static void cleanup_refused(void)
{
    snprintf(fixture.survey.store.cleanup.refused, sizeof fixture.survey.store.cleanup.refused, "the clock jumped");
}

static void cleanup_going_on(void)
{
    fixture.survey.store.cleanup.finished_us = 0;
}

static const struct cause causes[] = {
    { nothing, NULL, NULL, NULL },
    { store_away, "store_unreachable", "cannot be reached: no database in /a.db.", "AUDIT_TRAIL_DATABASE_URL" },
    { more_rows_than_numbers, "accounts_differ", "of 1 process do not add up (the first: 01010101-",
      "compare the three" },
    { ledger_elsewhere, "accounts_differ", "of 1 process do not add up (the first: 01010101-", "compare the three" },
    { ledger_of_more, "accounts_differ", "31,502 events of the last 7 days, the accounts 31,501", "audit_batches" },
    { spool_without_store, NULL, NULL, NULL },
    { missing, "events_missing", "42 events were accepted", "audittrail query --action events_lost" },
    { missing_while_it_moves, NULL, NULL, NULL },
    { rejected_by_the_living, "events_refused", "1,200 events could not be recorded (1,200 rejected, 0 dropped)",
      "AUDIT_TRAIL_SPOOL_MAX_BYTES" },
    { dropped_by_one_gone_lately, "events_refused", "1 event could not be recorded (0 rejected, 1 dropped)",
      "AUDIT_TRAIL_OVERFLOW=block" },
    { dropped_long_ago, NULL, NULL, NULL },
    { spool_nearly_full, "spool_filling", "of gate\"way (pid 1) is 81 % full: 81 MiB of 100 MiB.",
      "AUDIT_TRAIL_SPOOL_MAX_BYTES" },
    { spool_at_the_limit_of_the_warning, NULL, NULL, NULL },
    { waiting_for_three_intervals, NULL, NULL, NULL },
    { waiting_for_longer, "waiting_too_long",
      "the oldest has waited for 90 s, though AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL "
      "is 30 s.",
      "away, locked or read-only" },
    { waiting_with_nobody_left, "waiting_too_long", "the oldest has waited for 90 s", "start the service" },
    { foreign_orphan_of_a_url, "foreign_orphans",
      "1 spool of dead processes with up to 1,234 events for another store; the first is of billing (pid 4), for the "
      "URL hash abababab-",
      "AUDIT_TRAIL_SPOOL_DIR=/spool" },
    { foreign_orphan_of_a_store, "foreign_orphans", "of search (pid 5), for the store cdcdcdcd-",
      "AUDIT_TRAIL_DATABASE_URL that it had" },
    { dead_letters, "dead_letters", "refused 3 events; the newest error: too big.", "audit_dead_letters" },
    { damaged, "segments_damaged", "1 segment of a spool cannot be read; the last lies in /spool/x.", "quarantine" },
    { cleanup_refused, "cleanup_refused", "The last clean-up was refused: the clock jumped.", "audittrail cleanup" },
    { cleanup_going_on, NULL, NULL, NULL },
};

static void each_cause_gives_its_warning_and_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        const struct cause *cause = &causes[i];
        stats_fixture_make(&fixture);
        cause->change();
        (void)stats_fixture_view(&fixture);
        assert_int_equal(fixture.warnings.count, cause->name != NULL);
        if (cause->name == NULL)
            continue;
        assert_string_equal(fixture.warnings.list[0].name, cause->name);
        assert_non_null(strstr(fixture.warnings.list[0].message, cause->message));
        assert_non_null(strstr(fixture.warnings.list[0].help, cause->help));
    }
}

static void all_of_them_fit_at_once(void **state)
{
    (void)state;
    stats_fixture_make(&fixture);
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if (causes[i].name != NULL && causes[i].change != store_away && causes[i].change != waiting_with_nobody_left)
            causes[i].change();
    }
    (void)stats_fixture_view(&fixture);
    /* What waits in a spool is not judged while the store cannot say what it has; so without store_away. */
    assert_int_equal(fixture.warnings.count, STATS_WARNING_COUNT - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cause_gives_its_warning_and_no_other),
        cmocka_unit_test(all_of_them_fit_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
