/* draft_fixture.h -- drafts made by hand: settings in which everything else is the default.
 *
 * Thread: one owner.
 * Memory: the draft is given to draft_done().
 * Errors: everything that fails here fails the test.
 */
#ifndef TRAIL_TESTS_DRAFT_FIXTURE_H
#define TRAIL_TESTS_DRAFT_FIXTURE_H

#include "query/draft.h"

/* Nothing writes to the texts of settings, so constants will do. */
static inline struct settings settings_of(enum trail_level level, const char *actions, const char *resources)
{
    return (struct settings){ .enabled = true,
                              .level = (uint32_t)level - 1,
                              .exclude_actions = (char *)actions,
                              .exclude_resources = (char *)resources,
                              .action_map = (char *)"",
                              .sample_rate = 1,
                              .sample_reads = 1 };
}

static inline struct draft draft_of(const struct settings *settings)
{
    struct draft draft;
    assert_int_equal(draft_init(&draft, settings, NULL), TRAIL_OK);
    return draft;
}

static inline struct draft draft_with(enum trail_level level, const char *actions, const char *resources)
{
    struct settings settings = settings_of(level, actions, resources);
    return draft_of(&settings);
}

/* cmocka compares floats, which a count of millions does not fit. */
static inline void assert_near(double found, double expected)
{
    if (found < expected - 1e-6 || found > expected + 1e-6)
        fail_msg("%.9g, expected %.9g", found, expected);
}

#endif
