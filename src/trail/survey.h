/* survey.h -- where every event of every writer went: what `stats` and /metrics show.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  store
 *
 * Puts together what the store says (audit_writers) and what lies in the spool directory, one entry per
 * writer, so that offered = recorded + level + excluded + sampled + rejected + dropped can be checked over all
 * processes, living and gone. Nothing is changed or locked for it.
 *
 * Thread: any; one owner per survey.
 * Memory: the survey owns its writers; survey_done() frees them.
 * Errors: a store that cannot be reached is no error (store_reachable is false); damaged spools are left out.
 */
#ifndef TRAIL_TRAIL_SURVEY_H
#define TRAIL_TRAIL_SURVEY_H

#include "base/settings.h"
#include "base/uuid.h"

/* Events of one operation of one writer; recorded = stored + waiting + dead_lettered. */
struct survey_account {
    uint64_t stored;
    uint64_t waiting;
    uint64_t dead_lettered;
    uint64_t level;
    uint64_t excluded;
    uint64_t sampled;
    uint64_t rejected;
    uint64_t dropped;
};

struct survey_writer {
    struct uuid           uuid;
    char                  service[101];
    char                  host[65];
    int64_t               pid;
    int64_t               started_us;
    uint64_t              last_seq; /* Where it stands in the store. */
    bool                  in_store;
    bool                  in_spool;
    bool                  alive;   /* Its spool is locked: by itself, or for a moment by who looks whose it is. */
    bool                  foreign; /* Its destination is another store, as far as that can be known. */
    struct survey_account operations[TRAIL_OPERATION_COUNT];
    uint64_t              spool_bytes;
    int64_t               oldest_waiting_us; /* Age; 0 when nothing waits. */
};

struct survey {
    struct survey_writer *writers;
    size_t                writer_count;
    uint64_t              store_bytes;
    uint64_t              events_stored;
    bool                  store_reachable;
    char                  store_url[256];
    char                  spool_dir[4096];
};

/* Look around. survey_done() frees what it found. */
TRAIL_MUST_CHECK enum trail_err survey_take(struct survey *ret_survey, const struct settings *settings,
                                            struct trail_error *ret_error);

void survey_done(struct survey *survey);

#endif
