/* adopt.c -- finds the spools of dead processes that were meant for our store, and empties them. */
#include "drain/adopt.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void let_go(struct adopt *adopt)
{
    if (!adopt->taken)
        return;
    stream_done(&adopt->stream);
    remains_close(&adopt->remains);
    adopt->taken = false;
}

void adopt_done(struct adopt *adopt)
{
    let_go(adopt);
    if (adopt->list != NULL)
        closedir(adopt->list);
    adopt->list = NULL;
}

void adopt_abandon(struct adopt *adopt)
{
    if (adopt->list != NULL)
        close(dirfd(adopt->list));
    if (!adopt->taken)
        return;
    for (struct segment *segment = adopt->remains.first; segment != NULL; segment = segment_next(segment))
        munmap(segment->area.map, segment->area.size);
    accounts_close(&adopt->remains.accounts);
    home_release(&adopt->remains.home);
}

void adopt_scan(struct adopt *adopt)
{
    if (adopt->list != NULL)
        closedir(adopt->list);
    adopt->list = NULL;
    if (home_list(adopt->spool_dir, &adopt->list, NULL) != TRAIL_OK)
        adopt->list = NULL; /* No directory, no dead spools. */
}

enum ownership { OWNERSHIP_OTHERS, OWNERSHIP_OURS, OWNERSHIP_NOBODYS };

/* Look without changing anything: another service's spool is not even touched. */
static enum ownership whose(const struct adopt *adopt, const struct home *home, const struct uuid *store)
{
    struct remains look;
    struct home    unlocked = *home;
    unlocked.lock_fd = -1;
    if (remains_open(&look, &unlocked, REMAINS_LOOK, NULL) != TRAIL_OK)
        return OWNERSHIP_OTHERS;
    enum ownership ownership = remains_belong_to(&look, store, &adopt->url_hash) ? OWNERSHIP_OURS
                               : remains_are_unused(&look)                       ? OWNERSHIP_NOBODYS
                                                                                 : OWNERSHIP_OTHERS;
    remains_close(&look);
    return ownership;
}

/* Take over this writer's spool if its owner is dead and it is meant for our store. What its owner left before it could
 * put anything into it belongs to nobody, and goes. */
static bool take(struct adopt *adopt, const struct uuid *writer, const struct uuid *store)
{
    struct home home;
    if (uuid_equal(writer, &adopt->own) || home_claim(&home, adopt->spool_dir, writer, NULL) != TRAIL_OK)
        return false;
    enum ownership ownership = whose(adopt, &home, store);
    if (ownership == OWNERSHIP_NOBODYS)
        home_remove(&home);
    if (ownership != OWNERSHIP_OURS) {
        home_release(&home);
        return false;
    }
    if (remains_open(&adopt->remains, &home, REMAINS_TAKE, NULL) != TRAIL_OK)
        return false;
    const struct accounts *accounts = adopt->remains.accounts.slots != NULL ? &adopt->remains.accounts : NULL;
    stream_init(&adopt->stream, &adopt->remains.identity, accounts, adopt->clock, adopt->value_bytes_max);
    adopt->stream.tail_lost = adopt->remains.quarantined_last > adopt->remains.last_number;
    adopt->events = 0;
    adopt->gaps = 0;
    adopt->taken = true;
    return true;
}

static void report(const struct adopt *adopt, struct adopt_report *ret_report)
{
    struct uuid boot = os_boot_id();
    *ret_report = (struct adopt_report){
        .identity = adopt->remains.identity,
        .events = adopt->events,
        .gaps = adopt->gaps,
        .quarantined = adopt->remains.quarantined,
        .other_boot = !uuid_equal(&adopt->remains.identity.boot, &boot),
    };
}

static enum adopt_result empty_taken(struct adopt *adopt, struct store *store, struct adopt_report *ret_report,
                                     struct trail_error *ret_error)
{
    struct stream_progress progress = { 0 };
    enum trail_err         err =
        stream_advance(&adopt->stream, store, adopt->remains.first, BATCH_EVENTS_MAX, &progress, ret_error);
    adopt->events += progress.events;
    if (err == TRAIL_EFENCE)
        return ADOPT_WORKING; /* It knows better now where to go on. */
    if (err == TRAIL_OK && progress.at_end)
        err = stream_write_accounts(&adopt->stream, store, ret_error);
    if (err != TRAIL_OK)
        return ADOPT_FAILED;
    adopt->gaps += progress.gaps;
    if (!progress.at_end)
        return ADOPT_WORKING;

    report(adopt, ret_report);
    stream_done(&adopt->stream);
    remains_remove(&adopt->remains);
    adopt->taken = false;
    return ADOPT_FINISHED;
}

enum adopt_result adopt_step(struct adopt *adopt, struct store *store, struct adopt_report *ret_report,
                             struct trail_error *ret_error)
{
    struct uuid writer;

    if (adopt->taken)
        return empty_taken(adopt, store, ret_report, ret_error);
    while (adopt->list != NULL && home_next(adopt->list, &writer)) {
        if (take(adopt, &writer, store_identity(store)))
            return ADOPT_WORKING;
    }
    return ADOPT_IDLE;
}

size_t adopt_count_left(const struct adopt *adopt, const struct uuid *store)
{
    struct uuid writer;
    size_t      count = 0;
    DIR        *list = NULL;

    if (home_list(adopt->spool_dir, &list, NULL) != TRAIL_OK)
        return 0;
    while (home_next(list, &writer)) {
        struct home home = { .writer = writer, .lock_fd = -1 };
        char        name[UUID_TEXT_SIZE];
        uuid_format(&writer, name);
        if (uuid_equal(&writer, &adopt->own) || !os_path_join(home.path, adopt->spool_dir, name) ||
            home_is_owned(home.path))
            continue;
        count += whose(adopt, &home, store) == OWNERSHIP_OURS ? 1 : 0;
    }
    closedir(list);
    return count;
}
