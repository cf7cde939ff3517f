/* stats_warnings.h -- what an operator should look at, in words, each with what helps.
 *
 * A warning is about something that is wrong now, or that lost events lately; a store that works and a policy that
 * leaves things out as it was told to give none.
 *
 * Thread: any.
 * Memory: plain values.
 * Errors: none; a text that is too long is cut.
 */
#ifndef AUDITTRAIL_CLI_STATS_WARNINGS_H
#define AUDITTRAIL_CLI_STATS_WARNINGS_H

#include "cli/stats_sums.h"

/* In the order in which they are shown. The names are part of the JSON: never renamed, never reused. */
#define STATS_WARNING_MAP(X)                \
    X(STORE_UNREACHABLE, store_unreachable) \
    X(ACCOUNTS_DIFFER, accounts_differ)     \
    X(EVENTS_MISSING, events_missing)       \
    X(EVENTS_REFUSED, events_refused)       \
    X(SPOOL_FILLING, spool_filling)         \
    X(WAITING_TOO_LONG, waiting_too_long)   \
    X(FOREIGN_ORPHANS, foreign_orphans)     \
    X(DEAD_LETTERS, dead_letters)           \
    X(SEGMENTS_DAMAGED, segments_damaged)   \
    X(CLEANUP_REFUSED, cleanup_refused)

enum stats_warning_id {
#define STATS_WARNING_ENUM(id, name) STATS_WARNING_##id,
    STATS_WARNING_MAP(STATS_WARNING_ENUM)
#undef STATS_WARNING_ENUM
        STATS_WARNING_COUNT
};

struct stats_warning {
    const char *name;         /* "spool_filling". */
    char        message[640]; /* What is the matter. */
    char        help[640];    /* The command or setting that helps. */
};

struct stats_warnings {
    struct stats_warning list[STATS_WARNING_COUNT];
    size_t               count;
};

/* `settings` are those of whoever asks: intervals and limits are judged by them. */
void stats_warnings_find(struct stats_warnings *ret_warnings, const struct survey *survey,
                         const struct stats_sums *sums, const struct settings *settings);

#endif
