/* cleanup.c -- decides whether a clean-up may begin, and passes its calls on to the back-end. */
#include "store/cleanup.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/backend.h"

/* Past the last run by more than this, the clock must be borne out by the one that nobody can set. */
#define UNCHECKED_US (INT64_C(24) * 3600 * 1000000)

/* The two clocks drift apart, and are put right, by seconds a day; a jump is of another order. */
#define DISAGREEMENT_US (INT64_C(3600) * 1000000)

/* ---- May it begin? ---- */

static bool is_not_due(const struct cleanup_past *past, const struct store_cleanup_request *request,
                       int64_t *ret_wait_us)
{
    int64_t age_us = request->now_us - past->started_us;
    int64_t quiet_us = request->now_us - past->active_us;
    int64_t patience_us = request->interval_us > CLEANUP_QUIET_US ? request->interval_us : CLEANUP_QUIET_US;
    if (request->interval_us == 0 || !past->any)
        return false;
    /* One that began in the future is no reason to wait for the future. */
    if (age_us > -request->interval_us && age_us < request->interval_us) {
        *ret_wait_us = age_us > 0 ? request->interval_us - age_us : request->interval_us;
        return true;
    }
    if (past->finished || quiet_us < 0 || quiet_us >= patience_us)
        return false;
    /* It may end at any time. */
    *ret_wait_us = patience_us - quiet_us < request->interval_us ? patience_us - quiet_us : request->interval_us;
    return true;
}

static bool is_jump(int64_t wall_us, int64_t boot_us)
{
    return wall_us > UNCHECKED_US && wall_us - boot_us > DISAGREEMENT_US;
}

/* Deleting by a clock that is ahead deletes what should be kept. */
static void judge_clock(const struct cleanup_past *past, const struct store_cleanup_request *request,
                        struct cleanup_answer *answer)
{
    char now[CLOCK_TEXT_SIZE];
    char then[CLOCK_TEXT_SIZE];
    clock_format(request->now_us, now);
    if (past->any_batch && request->now_us < past->batch_us - CLEANUP_CLOCK_SLACK_US) {
        clock_format(past->batch_us, then);
        answer->verdict = CLEANUP_REFUSED;
        snprintf(answer->reason, sizeof answer->reason, "the clock says %s, but events were stored at %s", now, then);
    } else if (past->store_us != 0 && request->now_us - past->store_us > DISAGREEMENT_US) {
        clock_format(past->store_us, then);
        answer->verdict = CLEANUP_REFUSED;
        snprintf(answer->reason, sizeof answer->reason, "the clock says %s, but that of the database says %s", now,
                 then);
    } else if (past->any && uuid_equal(&past->boot, &request->boot) &&
               is_jump(request->now_us - past->started_us, request->boot_us - past->boot_us)) {
        clock_format(past->started_us, then);
        answer->verdict = CLEANUP_REFUSED;
        snprintf(answer->reason, sizeof answer->reason,
                 "the clock says %s, but since the last clean-up, when it said %s, less time has passed", now, then);
    }
}

void cleanup_judge(const struct cleanup_past *past, const struct store_cleanup_request *request,
                   struct cleanup_answer *ret_answer)
{
    *ret_answer = (struct cleanup_answer){ .verdict = CLEANUP_CLAIMED };
    if (request->accept_clock)
        return;
    if (past->any && past->refused[0] != '\0') {
        ret_answer->verdict = CLEANUP_STILL_REFUSED;
        memcpy(ret_answer->reason, past->refused, sizeof ret_answer->reason);
    } else if (is_not_due(past, request, &ret_answer->wait_us)) {
        ret_answer->verdict = CLEANUP_NOT_DUE;
    } else {
        judge_clock(past, request, ret_answer);
    }
}

/* ---- Passing on ---- */

enum trail_err store_cleanup_begin(struct store *store, const struct store_cleanup_request *request,
                                   struct cleanup_answer *ret_answer, struct store_cleanup **ret_cleanup,
                                   struct trail_error *ret_error)
{
    assert(!store->read_only);
    assert(request->rows_max > 0 && request->may_live != NULL);
    return store->backend->cleanup_begin(store, request, ret_answer, ret_cleanup, ret_error);
}

enum trail_err store_cleanup_step(struct store *store, struct store_cleanup *cleanup, int64_t elapsed_us,
                                  struct cleanup_step *ret_step, struct trail_error *ret_error)
{
    assert(cleanup->backend == store->backend);
    *ret_step = (struct cleanup_step){ .phase = "" };
    return store->backend->cleanup_step(store, cleanup, elapsed_us, ret_step, ret_error);
}

enum trail_err store_cleanup_end(struct store *store, struct store_cleanup *cleanup, int64_t now_us, int64_t elapsed_us,
                                 struct trail_error *ret_error)
{
    assert(cleanup->backend == store->backend);
    return store->backend->cleanup_end(store, cleanup, now_us, elapsed_us, ret_error);
}

void store_cleanup_free(struct store_cleanup *cleanup)
{
    if (cleanup != NULL)
        cleanup->backend->cleanup_free(cleanup);
}

enum trail_err store_cleanup_forecast(struct store *store, int64_t cut_off_us, struct trail_text host,
                                      struct cleanup_forecast *ret_forecast, struct trail_error *ret_error)
{
    return store->backend->cleanup_forecast(store, cut_off_us, host, ret_forecast, ret_error);
}
