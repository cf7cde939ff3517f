/* last_run.h -- remembers when a service last recorded, under which rules and how it ended, so that a start can say so.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  store  ->  [trail]
 *
 * Two small files per service in AUDIT_TRAIL_STATE_DIR. service-<hash>.lock is empty; every process of the service
 * whose trail runs shares its lock, so the lock, and no time-out, says whether another one is alive.
 * service-<hash>.run is one JSON object that begins with `{"seen":"<27 characters>"`, which is written over in place
 * while the trail runs; everything else changes by a new file in its place. A process that was killed is
 * found out by a file that says "running" when nobody holds the lock; "seen" is its last sign of life.
 *
 * A run that recorded nothing has no trail_started to say what it found. It hands that on: the rules of the run before
 * it stay in the file, and the time that the trail was off is kept as "untold_off_seconds".
 *
 * None of this ever stops anything: what cannot be read or written is told once, and the trail records all the same.
 *
 * Thread: any; open and close by one.
 * Memory: a plain value that holds buffers; last_run_close() or
 *         last_run_cancel() frees them.
 * Errors: none; last_run_take_problem().
 * Crash:  kill -9 leaves the last sign of life, at most LAST_RUN_STAMP_US old. A power cut may take back some of them.
 */
#ifndef TRAIL_TRAIL_LAST_RUN_H
#define TRAIL_TRAIL_LAST_RUN_H

#include <pthread.h>

#include "base/clock.h"
#include "base/os_file.h"
#include "base/settings.h"

/* How often a sign of life is left. */
#define LAST_RUN_STAMP_US (INT64_C(10) * 1000000)

/* A shorter pause is a restart, not a time without a trail. */
#define LAST_RUN_OFF_SECONDS_MIN 5

struct last_run_options {
    const char         *state_dir;
    const char         *service; /* Borrowed for the life of the struct, as is the clock. */
    const struct clock *clock;
};

enum last_run_end { LAST_RUN_STOPPED, LAST_RUN_KILLED, LAST_RUN_GOES_ON };

struct last_run {
    const char         *service;
    const struct clock *clock;
    char                path[OS_PATH_SIZE]; /* ""; there is no place for it. */
    int                 lock_fd;            /* -1: not held. */

    /* What was found. */
    bool              found;
    enum last_run_end end;
    int64_t           seen_us;
    uint64_t          off_seconds; /* Since anybody told of it. */

    pthread_mutex_t    lock;    /* Over what follows, and over every file that is open for a moment. */
    struct buf         rules;   /* For the file: a JSON object of the rules that a record of this service told last. */
    bool               is_told; /* They are our own. */
    bool               is_on;   /* The rules say so. */
    int64_t            written_us;
    bool               has_problem;
    bool               was_problem_taken;
    struct trail_error problem;
};

/* Find out about the run before, and be seen from now on. */
void last_run_open(struct last_run *run, const struct last_run_options *options);

/* Append "last_run" and "changed" (against `settings`) as members of an object that is open; nothing on a first run. */
void last_run_describe(struct last_run *run, const struct settings *settings, struct buf *out);

/* The trail runs. */
void last_run_begin(struct last_run *run, const struct settings *settings);

/* A record of the start, or of a change, has told of these rules. A start is told once. */
void last_run_tell_start(struct last_run *run, const struct settings *settings);
void last_run_tell_change(struct last_run *run, const struct settings *settings);

/* Leave a sign of life. */
void last_run_stamp(struct last_run *run);

/* The last process of the service says that it ended in order. `told` (optional): the rules of a start that was
 * recorded, in case last_run_tell_start() was not called. Afterwards only last_run_take_problem(). */
void last_run_close(struct last_run *run, const struct settings *told);

/* The running part could not be opened: as if this process had not been there. */
void last_run_cancel(struct last_run *run);

/* What went wrong, once. */
bool last_run_take_problem(struct last_run *run, struct trail_error *ret_problem);

/* Around fork(); in a child: let go of the lock, which stays the parent's. */
void last_run_fork_lock(struct last_run *run);
void last_run_fork_unlock(struct last_run *run);
void last_run_abandon(struct last_run *run);

#endif
