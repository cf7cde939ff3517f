/* home.h -- a writer's directory: made and locked by its owner, taken over by others when the owner is gone.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * The lock decides who owns it, never a time-out and never a pid: the kernel drops it when the last descriptor of its
 * owner is closed, whatever the owner died of.
 *
 * Thread: one owner.
 * Memory: a plain value; home_release() closes the lock's descriptor.
 * Errors: creating and claiming.
 * Crash:  a directory that was being made is hidden (".<uuid>") and is cleaned up by home_next().
 */
#ifndef TRAIL_SPOOL_HOME_H
#define TRAIL_SPOOL_HOME_H

#include <dirent.h>

#include "base/os_file.h"
#include "base/uuid.h"

struct home {
    struct uuid writer;
    int         lock_fd; /* -1: not held. */
    char        path[OS_PATH_SIZE];
};

/* Make <spool_dir>/<writer>, locked. */
TRAIL_MUST_CHECK enum trail_err home_create(struct home *home, const char *spool_dir, const struct uuid *writer,
                                            struct trail_error *ret_error);

/* Lock a directory whose owner is gone. TRAIL_ELOCKED: the owner lives; TRAIL_ENOTFOUND: it has just been removed. */
TRAIL_MUST_CHECK enum trail_err home_claim(struct home *home, const char *spool_dir, const struct uuid *writer,
                                           struct trail_error *ret_error);

/* True when someone holds the lock. */
bool home_is_owned(const char *path);

/* Unlock; the directory stays for whoever comes next. */
void home_release(struct home *home);

/* Remove the directory with everything that is still in it, then unlock. Quarantined segments stay, and with
 * them the directory. */
void home_remove(struct home *home);

/* Walk over the writers in a spool directory. home_list() may fail with TRAIL_ENOTFOUND; close with closedir(). */
TRAIL_MUST_CHECK enum trail_err home_list(const char *spool_dir, DIR **ret_list, struct trail_error *ret_error);
bool                            home_next(DIR *list, struct uuid *ret_writer);

#endif
