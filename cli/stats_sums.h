/* stats_sums.h -- the sums over a survey's writers that the page, the JSON and the warnings of `stats` share.
 *
 * Sums are over the writers of this store and those whose rows were cleaned up; the spools of other stores are told
 * apart, because what their writers did is not part of this store's accounts.
 *
 * Thread: any.
 * Memory: a plain value; `last` points into the survey.
 * Errors: none.
 */
#ifndef AUDITTRAIL_CLI_STATS_SUMS_H
#define AUDITTRAIL_CLI_STATS_SUMS_H

#include "trail/survey.h"

/* Who did not record what, lately: all that live, or, with none alive, the last that lived. */
struct stats_refusals {
    struct survey_account       account;
    size_t                      living; /* 0: it is `last`, which is gone. */
    const struct survey_writer *last;   /* The last that started; NULL: nobody ever did. */
};

struct stats_sums {
    struct survey_account operations[TRAIL_OPERATION_COUNT];
    struct survey_account all;
    struct stats_refusals refusals;
    uint64_t              spool_bytes;   /* Of every spool, those of other stores too. */
    uint64_t              waiting_bytes; /* For this store. */
    int64_t               oldest_waiting_us;
    size_t                alive;
    size_t                gone;
    size_t                orphaned;
    size_t                foreign; /* Alive, gone and orphaned. */
    size_t                foreign_orphaned;
    uint64_t              foreign_waiting;
};

struct stats_sums stats_sums_of(const struct survey *survey);

uint64_t stats_recorded(const struct survey_account *account);
uint64_t stats_offered(const struct survey_account *account);

/* Events that are in the store now: stored, and not cleaned up. */
uint64_t stats_events_kept(const struct survey *survey);

/* What an event takes, everything counted; 0 when there are too few to tell. */
uint64_t stats_bytes_per_event(const struct survey *survey);

/* Rows stored a day, over the last 7 days or for as long as the ledger reaches back; 0 when that is less than a day. */
uint64_t stats_rows_per_day(const struct survey *survey);

#endif
