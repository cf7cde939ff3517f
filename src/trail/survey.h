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
 * Errors: a store that cannot be reached is no error (store_reachable is false); damaged spools are counted.
 */
#ifndef TRAIL_TRAIL_SURVEY_H
#define TRAIL_TRAIL_SURVEY_H

#include "base/settings.h"
#include "base/uuid.h"
#include "trail/survey_store.h"

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

/* Whose store a spool is meant for, as its files say it. */
enum survey_destination { SURVEY_DESTINATION_UNKNOWN, SURVEY_DESTINATION_URL, SURVEY_DESTINATION_STORE };

struct survey_writer {
    struct uuid             uuid;
    char                    service[101];
    char                    host[65];
    int64_t                 pid;
    int64_t                 started_us;
    uint64_t                last_seq;   /* Where it stands in the store. */
    uint64_t                ledger_seq; /* Where the ledger says so; 0: it has no batch of this writer (any more). */
    bool                    in_store;
    bool                    in_spool;
    bool                    alive;   /* Its spool is locked: by itself, or for a moment by who looks whose it is. */
    bool                    foreign; /* Its destination is another store, as far as that can be known. */
    enum survey_destination destination_kind;
    struct uuid             destination; /* A store's uuid, or the hash of its URL. */
    struct survey_account   operations[TRAIL_OPERATION_COUNT];
    uint64_t                spool_bytes;
    uint64_t                waiting_bytes;     /* Of the spool, taken by what waits. */
    int64_t                 oldest_waiting_us; /* Age; 0 when nothing waits. */
    uint64_t                missing; /* Numbers behind last_seq that are not in the spool, though later are. */
};

struct survey {
    struct survey_writer *writers;
    size_t                writer_count;
    struct survey_account departed[TRAIL_OPERATION_COUNT]; /* Of writers whose rows were cleaned up. */
    int64_t               taken_us;
    bool                  steady; /* No batch was committed meanwhile; else numbers may be a batch out. */
    uint64_t              store_bytes;
    uint64_t              events_stored;
    bool                  store_reachable;
    char                  store_error[256];   /* Why not. */
    struct survey_store   store;              /* Zeros when it is not. */
    uint64_t              damaged_segments;   /* Set aside, or to be at the take-over. */
    char                  damaged_path[4096]; /* Where the last of them lies. */
    char                  store_url[256];
    char                  spool_dir[4096];
};

/* A dead process's spool that still holds events. */
bool survey_writer_is_orphan(const struct survey_writer *writer);

/* Events of all operations that wait in its spool. */
uint64_t survey_writer_waiting(const struct survey_writer *writer);

/* Look around. survey_done() frees what it found. */
TRAIL_MUST_CHECK enum trail_err survey_take(struct survey *ret_survey, const struct settings *settings,
                                            struct trail_error *ret_error);

void survey_done(struct survey *survey);

#endif
