/* retention.h -- runs the clean-up of a store: when, by whom, a bit per call, and what came of it.
 *
 *     event  ->  policy  ->  spool  ->  [drain]  ->  store
 *
 * The drain of every process has one and steps it between its own batches; `audittrail cleanup` has one and does
 * nothing else. After each step it asks to be left alone for as long as the step took, so that writers get in. Which of
 * several processes cleans up is decided in the store (store/cleanup.h). A connection that is closed between two steps
 * does not end the run.
 *
 * Thread: one owner, but retention_read_numbers() from any.
 * Memory: owns the run; borrows settings and clock.
 * Errors: a step that fails is tried again, later each time; what keeps failing is told to on_notice once.
 */
#ifndef TRAIL_DRAIN_RETENTION_H
#define TRAIL_DRAIN_RETENTION_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/os_process.h"
#include "base/settings.h"
#include "store/cleanup.h"

struct retention_options {
    const struct settings *settings; /* Borrowed. */
    const struct clock    *clock;    /* Borrowed. */
    uint32_t               spread;   /* Any number: processes that start together do not look together. */
    bool                   now;      /* Run at once, whatever others do: somebody asked for it. */
    bool                   accept_clock;
    trail_notice_fn        on_notice; /* May be NULL. */
    void                  *notice_context;
};

/* What this process did, since it started. */
struct retention_numbers {
    uint64_t runs; /* Those that came to their end. */
    uint64_t deleted;
    uint64_t batches;
    uint64_t refused;
    int64_t  last_us; /* When the last run ended; 0: none did. */
    int64_t  last_duration_us;
};

/* What a run did, or why it did nothing. */
struct retention_report {
    struct cleanup_work work;
    int64_t             cut_off_us;
    uint64_t            days;
    int64_t             duration_us;
    bool                cannot_shrink;
    bool                superseded;                   /* Another process took over. */
    char                refused[CLEANUP_REASON_SIZE]; /* Empty: it was not. */
};

struct retention {
    struct retention_options options;
    char                     host[OS_HOST_SIZE];
    struct uuid              boot;
    struct store_cleanup    *run; /* NULL: none is going on. */
    int64_t                  run_started_us;
    const char              *phase;    /* What the last step was at. */
    struct retention_report  report;   /* Of the run that is going on. */
    int64_t                  next_us;  /* Not before (monotonic). */
    uint32_t                 failures; /* In a row. */
    bool                     told_refusal;
    struct retention_numbers numbers; /* Atomic. */
};

void retention_init(struct retention *retention, const struct retention_options *options);
void retention_done(struct retention *retention);

/* Events before this moment have been kept for long enough. */
int64_t retention_cut_off_us(const struct settings *settings, int64_t now_us);

/* For how long it need not be stepped; INT64_MAX: never, 0: do it now. */
int64_t retention_wait_us(const struct retention *retention);

enum retention_result {
    RETENTION_IDLE,     /* Nothing to do now. */
    RETENTION_WORKING,  /* There is more to do. */
    RETENTION_FINISHED, /* *ret_report says what was done. */
    RETENTION_REFUSED,  /* *ret_report says why; so far nobody was told. */
    RETENTION_HELD,     /* Likewise, but it was refused before, and is on record. */
    RETENTION_FAILED    /* *ret_error is set; close the store. */
};

/* Do a bit of it: begin a run, or take one a step further. */
TRAIL_MUST_CHECK enum retention_result retention_step(struct retention *retention, struct store *store,
                                                      struct retention_report *ret_report,
                                                      struct trail_error      *ret_error);

/* True when a record in the trail should tell of it: something was deleted, or refused. */
bool retention_is_worth_a_record(const struct retention_report *report);

/* The context of that record, `retention_applied`: a JSON object. */
void retention_describe(const struct retention_report *report, struct buf *out);

void retention_read_numbers(const struct retention *retention, struct retention_numbers *ret_numbers);

#endif
