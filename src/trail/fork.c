/* fork.c -- makes a trail survive fork(): the child records into a spool of its own, the parent notices nothing.
 *
 * A gateway loads us, perhaps records, and then forks its workers. Without help a worker would append to the parent's
 * mapped segments, hold the parent's lock, and wait for threads that it does not have. So:
 *
 * - Before fork(): the drain lets go of the store's connection (SQLite keeps locks per process and inode; a child
 *   that opened the same file next to an inherited connection would believe it holds them), and the spool's lock is
 *   taken, so that the child sees a list of segments that is whole.
 * - In the child: inherited descriptors are closed without unlocking, mappings are dropped, memory is left alone (the
 *   parent's threads may have been anywhere in it). The next event opens a new spool.
 * - A child that was made behind libc's back (clone, vfork tricks) is found out by a page that the kernel wipes on
 *   fork.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "policy/sampling.h"
#include "trail/trail_state.h"

#define CANARY_SIZE 4096

/* All open trails of this process. */
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER; /* mutable: fork handlers get no argument */
static struct trail   *registry;                                  /* mutable: likewise */

/* What forks left behind: never used again, kept reachable so that leak checkers see it is meant. */
static struct live *left_behind; /* mutable: grows with each fork */

/* Readable by every thread; the kernel hands a child a page of zeros in its place. */
struct canary {
    unsigned char alive; /* Atomic. */
    unsigned char found; /* Atomic: some thread has seen that `alive` is 0, and begins anew. */
};

static struct canary *canary;                   /* mutable: set once */
static pthread_once_t once = PTHREAD_ONCE_INIT; /* mutable: that once */
static int            once_failed;              /* mutable: set once */

/* Give up what was inherited. Touches nothing that a thread of the parent may have locked. `prepared`: before_fork()
 * saw to it that what it locked is whole. */
static void abandon(struct trail *trail, bool prepared)
{
    struct live *live = trail_live_now(trail);
    if (live != NULL) {
        drain_abandon(live->drain, prepared);
        spool_abandon(live->spool);
        last_run_abandon(&live->last_run);
        waker_done(&live->waker);
        live->next = left_behind;
        left_behind = live;
    }
    __atomic_store_n(&trail->live, NULL, __ATOMIC_RELEASE);
    trail->open_again_us = 0;
    memset(trail->unopened, 0, sizeof trail->unopened);
    trail->disabled = 0;
}

static void abandon_all(bool prepared)
{
    for (struct trail *trail = registry; trail != NULL; trail = trail->next)
        abandon(trail, prepared);
    thread_slot_after_fork();
    sampling_after_fork();
}

/* Nobody prepared this fork: whatever thread of the parent held the locks, it is not here. */
static void begin_anew(void)
{
    pthread_mutex_init(&registry_lock, NULL);
    for (struct trail *trail = registry; trail != NULL; trail = trail->next) {
        pthread_mutex_init(&trail->reloading, NULL);
        pthread_mutex_init(&trail->opening, NULL);
    }
    abandon_all(false);
    __atomic_store_n(&canary->alive, 1, __ATOMIC_RELEASE);
}

/* True when this process is a child that no handler knew of. */
static bool find_out(void)
{
    if (__atomic_load_n(&canary->alive, __ATOMIC_ACQUIRE) != 0)
        return false;
    /* One thread does it; others that such a child may have by now wait: what they record must not be abandoned. */
    if (!__atomic_exchange_n(&canary->found, 1, __ATOMIC_ACQ_REL))
        begin_anew();
    while (__atomic_load_n(&canary->alive, __ATOMIC_ACQUIRE) == 0)
        (void)sched_yield();
    return true;
}

static void before_fork(void)
{
    (void)find_out();
    pthread_mutex_lock(&registry_lock);
    for (struct trail *trail = registry; trail != NULL; trail = trail->next) {
        pthread_mutex_lock(&trail->reloading);
        pthread_mutex_lock(&trail->opening);
        struct live *live = trail_live_now(trail);
        if (live == NULL)
            continue;
        last_run_fork_lock(&live->last_run);
        drain_fork_lock(live->drain);
        spool_fork_lock(live->spool);
    }
}

static void after_fork_in_parent(void)
{
    for (struct trail *trail = registry; trail != NULL; trail = trail->next) {
        struct live *live = trail_live_now(trail);
        if (live != NULL) {
            spool_fork_unlock(live->spool);
            drain_fork_unlock(live->drain);
            last_run_fork_unlock(&live->last_run);
        }
        pthread_mutex_unlock(&trail->opening);
        pthread_mutex_unlock(&trail->reloading);
    }
    pthread_mutex_unlock(&registry_lock);
}

/* The thread that forked holds these locks in the child as it does in the parent. */
static void after_fork_in_child(void)
{
    abandon_all(true);
    __atomic_store_n(&canary->alive, 1, __ATOMIC_RELEASE);
    for (struct trail *trail = registry; trail != NULL; trail = trail->next) {
        pthread_mutex_unlock(&trail->opening);
        pthread_mutex_unlock(&trail->reloading);
    }
    pthread_mutex_unlock(&registry_lock);
}

static void set_up(void)
{
    void *page = mmap(NULL, CANARY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || madvise(page, CANARY_SIZE, MADV_WIPEONFORK) != 0) {
        once_failed = errno;
        return;
    }
    canary = page;
    canary->alive = 1;
    once_failed = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

enum trail_err fork_register(struct trail *trail, struct trail_error *ret_error)
{
    pthread_once(&once, set_up);
    if (once_failed != 0)
        return error_set_sys(ret_error, TRAIL_EIO, once_failed, "cannot prepare for fork()");
    trail->canary = &canary->alive;
    pthread_mutex_lock(&registry_lock);
    trail->next = registry;
    registry = trail;
    pthread_mutex_unlock(&registry_lock);
    return TRAIL_OK;
}

void fork_unregister(struct trail *trail)
{
    pthread_mutex_lock(&registry_lock);
    for (struct trail **link = &registry; *link != NULL; link = &(*link)->next) {
        if (*link == trail) {
            *link = trail->next;
            break;
        }
    }
    pthread_mutex_unlock(&registry_lock);
}

bool fork_unnoticed(struct trail *trail)
{
    (void)trail;
    return find_out();
}
