/* stats_fixture.h -- a survey made by hand, of five writers, a store and a spool directory in which all is well.
 *
 * Thread: one.
 * Memory: static; stats_fixture_make() starts again.
 * Errors: none.
 */
#ifndef TESTS_STATS_FIXTURE_H
#define TESTS_STATS_FIXTURE_H

#include "cli/stats_report.h"

struct stats_fixture {
    struct survey_writer  writers[5]; /* Alive, gone, orphaned, foreign and orphaned, foreign and alive. */
    struct survey         survey;
    struct settings       settings; /* Only what warnings and pages look at. */
    struct stats_sums     sums;
    struct stats_warnings warnings;
};

#define FIXTURE_NOW_US INT64_C(1795497600123456) /* 2026-11-24T05:20:00.123456Z */

void stats_fixture_make(struct stats_fixture *fixture);

/* Sums, warnings and the view of them. */
struct stats_view stats_fixture_view(struct stats_fixture *fixture);

#endif
