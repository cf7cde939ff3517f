/* test_cleanup.c -- when a clean-up may begin: not too often, not beside another, and never by a clock that jumped.
 *
 * Goal:   the verdict, for each way in which the last run and the two clocks can stand to each other.
 * Method: a table of pasts and requests; no store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "store/cleanup.h"

#define S INT64_C(1000000)
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define NOW (INT64_C(1795500000) * S)
#define BOOT (50 * DAY)

struct verdict_case {
    const char                  *what;
    struct cleanup_past          past;
    struct store_cleanup_request request;
    enum cleanup_verdict         verdict;
    int64_t                      wait_us;
};

#define PAST(ago, boot_ago) \
    .any = true, .finished = true, .started_us = NOW - (ago), .active_us = NOW - (ago), .boot_us = BOOT - (boot_ago)
#define REQUEST .now_us = NOW, .boot_us = BOOT, .interval_us = HOUR

static const struct verdict_case cases[] = {
    { "the first ever", { 0 }, { REQUEST }, CLEANUP_CLAIMED, 0 },
    { "an hour is over", { PAST(HOUR, HOUR) }, { REQUEST }, CLEANUP_CLAIMED, 0 },
    { "somebody did it", { PAST(HOUR - S, HOUR) }, { REQUEST }, CLEANUP_NOT_DUE, S },
    { "it was asked for", { PAST(S, S) }, { .now_us = NOW, .boot_us = BOOT }, CLEANUP_CLAIMED, 0 },
    { "begun a moment ahead of us", { PAST(-S, 0) }, { REQUEST }, CLEANUP_NOT_DUE, HOUR },
    { "begun far in the future", { PAST(-400 * DAY, HOUR) }, { REQUEST }, CLEANUP_CLAIMED, 0 },
    { "it is going on",
      { .any = true, .started_us = NOW - 2 * HOUR, .active_us = NOW - S, .boot_us = BOOT - 2 * HOUR },
      { REQUEST },
      CLEANUP_NOT_DUE,
      HOUR - S },
    { "it is going on, and the interval is short",
      { .any = true, .started_us = NOW - 10 * S, .active_us = NOW - 3 * S, .boot_us = BOOT - 10 * S },
      { .now_us = NOW, .boot_us = BOOT, .interval_us = 2 * S },
      CLEANUP_NOT_DUE,
      2 * S },
    { "its process died",
      { .any = true, .started_us = NOW - 2 * HOUR, .active_us = NOW - HOUR, .boot_us = BOOT - 2 * HOUR },
      { REQUEST },
      CLEANUP_CLAIMED,
      0 },
    { "months off, and the other clock says so too", { PAST(200 * DAY, 200 * DAY) }, { REQUEST }, CLEANUP_CLAIMED, 0 },
    { "the date was set ahead", { PAST(400 * DAY, HOUR) }, { REQUEST }, CLEANUP_REFUSED, 0 },
    { "ahead by less than a day is let pass", { PAST(23 * HOUR, HOUR) }, { REQUEST }, CLEANUP_CLAIMED, 0 },
    { "ahead, though asked for", { PAST(400 * DAY, HOUR) }, { .now_us = NOW, .boot_us = BOOT }, CLEANUP_REFUSED, 0 },
    { "ahead, and accepted", { PAST(400 * DAY, HOUR) }, { REQUEST, .accept_clock = true }, CLEANUP_CLAIMED, 0 },
    { "another boot: it cannot be told",
      { PAST(400 * DAY, HOUR), .boot = { { 1 } } },
      { REQUEST },
      CLEANUP_CLAIMED,
      0 },
    { "before the newest batch",
      { PAST(HOUR, HOUR), .any_batch = true, .batch_us = NOW + HOUR },
      { REQUEST },
      CLEANUP_REFUSED,
      0 },
    { "before the newest batch by what a clock is put right by",
      { PAST(HOUR, HOUR), .any_batch = true, .batch_us = NOW + CLEANUP_CLOCK_SLACK_US },
      { REQUEST },
      CLEANUP_CLAIMED,
      0 },
    { "refused before", { PAST(S, S), .refused = "why" }, { REQUEST }, CLEANUP_STILL_REFUSED, 0 },
    { "refused long before", { PAST(9 * HOUR, 9 * HOUR), .refused = "why" }, { REQUEST }, CLEANUP_STILL_REFUSED, 0 },
    { "refused before, and accepted",
      { PAST(S, S), .refused = "why" },
      { REQUEST, .accept_clock = true },
      CLEANUP_CLAIMED,
      0 },
};

static void every_past_has_its_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cleanup_answer answer;
        cleanup_judge(&cases[i].past, &cases[i].request, &answer);
        if (answer.verdict != cases[i].verdict || answer.wait_us != cases[i].wait_us)
            fail_msg("%s: verdict %d, wait %lld", cases[i].what, (int)answer.verdict, (long long)answer.wait_us);
        bool refused = answer.verdict == CLEANUP_REFUSED || answer.verdict == CLEANUP_STILL_REFUSED;
        if (refused != (answer.reason[0] != '\0'))
            fail_msg("%s: the reason is \"%s\"", cases[i].what, answer.reason);
    }
}

static void a_refusal_says_both_times(void **state)
{
    (void)state;
    struct cleanup_answer              answer;
    const struct cleanup_past          past = { PAST(400 * DAY, HOUR) };
    const struct store_cleanup_request request = { REQUEST };
    cleanup_judge(&past, &request, &answer);
    assert_non_null(strstr(answer.reason, "the clock says 2026-11-24T06:00:00"));
    assert_non_null(strstr(answer.reason, "since the last clean-up, when it said 2025-10-20T06:00:00"));
}

static void freeing_nothing_does_nothing(void **state)
{
    (void)state;
    store_cleanup_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_past_has_its_verdict),
        cmocka_unit_test(a_refusal_says_both_times),
        cmocka_unit_test(freeing_nothing_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
