/* trail_fixture.h -- a whole trail in a folder of its own: its settings, its notices, and a second look at its store.
 *
 * Thread: one owner; notices come from any thread.
 * Memory: a plain value that must not move while the trail is open; trail_fixture_done() removes the folder.
 * Errors: everything that fails here fails the test.
 */
#ifndef TESTS_TRAIL_FIXTURE_H
#define TESTS_TRAIL_FIXTURE_H

#include <pthread.h>

#include "support/temp_dir.h"

#include "audittrail.h"

#define TRAIL_FIXTURE_SETTINGS 24
#define TRAIL_FIXTURE_NOTICES 32

struct trail_fixture {
    struct temp_dir    dir;
    char               spool_dir[OS_PATH_SIZE];
    char               database[OS_PATH_SIZE]; /* A path. */
    char               settings[TRAIL_FIXTURE_SETTINGS][OS_PATH_SIZE + 64];
    size_t             setting_count;
    const char        *env_file; /* "" unless a test says otherwise. */
    char               env_path[OS_PATH_SIZE];
    struct trail      *trail;
    pthread_mutex_t    lock; /* Over the notices. */
    struct trail_error notices[TRAIL_FIXTURE_NOTICES];
    size_t             notice_count; /* Those beyond the room are counted only. */
};

/* A folder, and settings that keep everything in it, take every event and store it after an hour, so that a test
 * decides when. */
void trail_fixture_init(struct trail_fixture *fixture);

/* One more setting, "AUDIT_TRAIL_X=value"; the last of a name wins. */
__attribute__((format(printf, 2, 3))) void trail_fixture_set(struct trail_fixture *fixture, const char *format, ...);

/* Take a setting back, so that the environment or the env file may say it. */
void trail_fixture_unset(struct trail_fixture *fixture, const char *name);

/* Write <folder>/audit.env with this text, and make it the env file of the next open. */
void trail_fixture_write_env(struct trail_fixture *fixture, const char *text);

/* trail_open(), as it is and with nothing but success. */
enum trail_err trail_fixture_try_open(struct trail_fixture *fixture, struct trail_error *ret_error);
void           trail_fixture_open(struct trail_fixture *fixture);

/* init and open. */
void trail_fixture_start(struct trail_fixture *fixture);

/* trail_close() of a trail that may be closed already. */
enum trail_err trail_fixture_close(struct trail_fixture *fixture);
void           trail_fixture_done(struct trail_fixture *fixture);

size_t trail_fixture_notices(struct trail_fixture *fixture);

/* True when one of the notices has `part` in it. */
bool trail_fixture_was_told(struct trail_fixture *fixture, const char *part);

/* A whole event whose texts are `action`, "tool" and "alice". */
struct trail_event trail_fixture_event(const char *action);

/* Record one of them, which must be accepted; store everything that waits. */
void trail_fixture_record(struct trail_fixture *fixture, const char *action);
void trail_fixture_flush(struct trail_fixture *fixture);

/* What trail_stats() says of one operation, and the sum of everything it says. */
struct trail_stats trail_fixture_stats(struct trail_fixture *fixture);
uint64_t           trail_fixture_offered(const struct trail_stats *stats);

/* The first column of the first row of a SELECT, through a connection of its own; -1 and "" when there is no store or
 * no row. */
int64_t trail_fixture_number(const struct trail_fixture *fixture, const char *sql);
void    trail_fixture_text(const struct trail_fixture *fixture, const char *sql, char out[512]);

/* How many rows of the view audit_trail there are WHERE ...; -1 when there is no store. */
__attribute__((format(printf, 2, 3))) int64_t trail_fixture_rows(const struct trail_fixture *fixture, const char *where,
                                                                 ...);

/* Wait until the number of a SELECT is `expected`. */
bool trail_fixture_becomes(const struct trail_fixture *fixture, const char *sql, int64_t expected);

/* Hold the store's write lock from now on; let go of it. */
void *trail_fixture_lock_store(const struct trail_fixture *fixture);
void  trail_fixture_unlock_store(void *lock);

/* The path of the only writer's spool. */
const char *trail_fixture_only_spool(const struct trail_fixture *fixture);

/* True when any file of any spool has these bytes in it. */
bool trail_fixture_spool_holds(const struct trail_fixture *fixture, const char *bytes);

#endif
