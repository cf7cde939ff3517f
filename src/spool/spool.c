/* spool.c -- keeps accepted events in mapped files until the store has them: opening, appending, closing.
 *
 * The happy path of an append is:
 *
 * - The CRC of the payload is computed outside the lock.
 * - The frame fits into the current segment: it gets the next seq, is copied and published; the lock is released.
 *
 * Possible failure modes are:
 *
 * - It does not fit: the next segment is taken, or made (room.h), then as above. TRAIL_EFULL when there can be none.
 * - The segment's pages could not be synced: it is sealed; rotate, then as above.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/err.h"
#include "base/os_thread.h"
#include "spool/room.h"
#include "spool/sync.h"

/* A clock that goes back less than this is threads overtaking each other between clock and lock. */
#define CLOCK_STEP_US 1000000

void spool_notice(const struct spool *spool, const struct trail_error *notice)
{
    if (spool->on_notice != NULL)
        spool->on_notice(spool->notice_context, notice);
}

static uint64_t put_locked(struct spool *spool, const struct spool_entry *entry, uint32_t payload_crc)
{
    struct segment *segment = spool->current;
    uint16_t        flags = entry->flags;

    if (spool->last_wall_us - entry->wall_us > CLOCK_STEP_US)
        flags |= TRAIL_FLAG_CLOCK_STEPPED_BACK;
    spool->last_wall_us = entry->wall_us;

    uint64_t     seq = spool->last_seq + 1;
    struct frame frame = {
        .seq = seq,
        .wall_us = entry->wall_us,
        .type = FRAME_EVENT,
        .flags = flags,
        .payload = entry->payload,
    };
    frame_write(&segment->area, segment->tail, &frame, payload_crc);
    segment->tail += frame_size(entry->payload.size);
    segment->last_seq = seq;
    __atomic_store_n(&spool->last_seq, seq, __ATOMIC_RELEASE);
    if (!entry->control)
        __atomic_store_n(&spool->event_count, spool->event_count + 1, __ATOMIC_RELEASE);
    return seq;
}

/* The record of the trail's start goes before the first event, whoever brings it. */
static enum trail_err put_preamble_locked(struct spool *spool, const struct spool_entry *first,
                                          struct trail_error *ret_error)
{
    struct spool_entry entry = {
        .payload = buf_text(&spool->preamble),
        .wall_us = first->wall_us,
        .flags = TRAIL_FLAG_CONTROL,
        .control = true,
    };
    enum trail_err err = spool_make_room_locked(spool, frame_size(entry.payload.size), &entry, ret_error);
    if (err != TRAIL_OK || spool->preamble.size == 0) /* Somebody else was faster while room was made. */
        return err;
    put_locked(spool, &entry, crc32c(0, entry.payload.data, entry.payload.size));
    buf_done(&spool->preamble);
    return TRAIL_OK;
}

void spool_hurry(struct spool *spool)
{
    if (!__atomic_exchange_n(&spool->urgent, true, __ATOMIC_ACQ_REL))
        waker_wake(spool->drain_waker);
}

/* Once for each: it sets the marks anew when it has looked. */
static void ask_sync_thread_locked(struct spool *spool, bool want_next)
{
    spool->asked = true;
    if (want_next)
        spool->prepare_at = SIZE_MAX;
    if (spool->current->tail >= spool->touch_at)
        spool->touch_at = SIZE_MAX;
}

enum trail_err spool_append(struct spool *spool, const struct spool_entry *entry, uint64_t *ret_seq,
                            struct trail_error *ret_error)
{
    size_t         size = frame_size(entry->payload.size);
    uint32_t       payload_crc = crc32c(0, entry->payload.data, entry->payload.size);
    bool           want_next = false;
    bool           wake = false;
    bool           is_last = false;
    enum trail_err err = TRAIL_OK;

    assert(size <= SPOOL_SEGMENT_SIZE_MIN - SPOOL_PAGE_SIZE - SPOOL_CONTROL_RESERVE_BYTES);

    pthread_mutex_lock(&spool->lock);
    if (spool->preamble.size > 0)
        err = put_preamble_locked(spool, entry, ret_error);
    if (err == TRAIL_OK && !spool_fits_locked(spool, size, entry->control))
        err = spool_make_room_locked(spool, size, entry, ret_error);
    if (err == TRAIL_OK) {
        *ret_seq = put_locked(spool, entry, payload_crc);
        if (entry->on_published != NULL)
            entry->on_published(entry->published_context);
        size_t tail = spool->current->tail;
        want_next = tail >= spool->prepare_at;
        wake = want_next || tail >= spool->touch_at;
        if (wake)
            ask_sync_thread_locked(spool, want_next);
        is_last = want_next && spool->segment_count >= spool->segment_count_max && !spool->preparing;
    }
    pthread_mutex_unlock(&spool->lock);

    if (wake || (err == TRAIL_OK && spool->durability == DURABILITY_MACHINE))
        waker_wake(&spool->waker);
    if (is_last || err == TRAIL_EFULL)
        spool_hurry(spool); /* Few large events fill a spool long before their number or age lets the drain write. */
    return err;
}

enum trail_err spool_wait_synced(struct spool *spool, uint64_t seq, uint32_t timeout_ms)
{
    struct timespec deadline = clock_deadline(timeout_ms);
    int             waited = 0;

    pthread_mutex_lock(&spool->lock);
    while (spool->synced_seq < seq && spool->failed_seq < seq && waited == 0)
        waited = pthread_cond_timedwait(&spool->synced, &spool->lock, &deadline);
    bool on_disk = spool->synced_seq >= seq && spool->failed_seq < seq;
    pthread_mutex_unlock(&spool->lock);
    return on_disk ? TRAIL_OK : TRAIL_PENDING;
}

void spool_set_destination(struct spool *spool, const struct uuid *store)
{
    pthread_mutex_lock(&spool->lock);
    spool->identity.destination = *store;
    spool->identity.destination_kind = SPOOL_DESTINATION_STORE;
    pthread_mutex_unlock(&spool->lock);
}

const struct segment *spool_first_segment(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    const struct segment *first = spool->first;
    pthread_mutex_unlock(&spool->lock);
    return first;
}

uint64_t spool_last_seq(const struct spool *spool)
{
    return __atomic_load_n(&spool->last_seq, __ATOMIC_ACQUIRE);
}

uint64_t spool_waiting_events(const struct spool *spool)
{
    /* Released first: it only grows. */
    uint64_t released = __atomic_load_n(&spool->released_events, __ATOMIC_ACQUIRE);
    uint64_t appended = __atomic_load_n(&spool->event_count, __ATOMIC_ACQUIRE);
    /* Events of a database that was lost are stored, and then counted, a second time. */
    return appended > released ? appended - released : 0;
}

uint64_t spool_control_records(const struct spool *spool)
{
    uint64_t ordinary = __atomic_load_n(&spool->event_count, __ATOMIC_ACQUIRE);
    return spool_last_seq(spool) - ordinary;
}

uint64_t spool_bytes(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    uint64_t bytes = (uint64_t)spool->segment_count * spool->segment_size;
    pthread_mutex_unlock(&spool->lock);
    return bytes;
}

bool spool_take_urgent(struct spool *spool)
{
    return __atomic_exchange_n(&spool->urgent, false, __ATOMIC_ACQ_REL);
}

const struct accounts *spool_accounts(const struct spool *spool)
{
    return &spool->accounts;
}

const struct spool_identity *spool_identity(const struct spool *spool)
{
    return &spool->identity;
}

const char *spool_path(const struct spool *spool)
{
    return spool->home.path;
}

/* ---- Opening and closing ---- */

/* As many segments as the limit holds; smaller ones when it is small, so that one can be drained while the
 * next is filled. */
static void choose_sizes(struct spool *spool, uint64_t bytes_max)
{
    uint64_t size = bytes_max / 4;
    if (size > SPOOL_SEGMENT_SIZE)
        size = SPOOL_SEGMENT_SIZE;
    if (size < SPOOL_SEGMENT_SIZE_MIN)
        size = SPOOL_SEGMENT_SIZE_MIN;
    spool->segment_size = (size_t)size & ~(size_t)(SPOOL_PAGE_SIZE - 1);
    spool->segment_count_max = (uint32_t)(bytes_max / spool->segment_size);
    if (spool->segment_count_max < 2)
        spool->segment_count_max = 2;
}

static void init_locks(struct spool *spool)
{
    pthread_mutexattr_t adaptive;

    /* The lock is held for tens of nanoseconds: spinning a little beats a system call. */
    pthread_mutexattr_init(&adaptive);
    pthread_mutexattr_settype(&adaptive, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&spool->lock, &adaptive);
    pthread_mutexattr_destroy(&adaptive);
    pthread_mutex_init(&spool->sync_lock, NULL);

    os_condition_init(&spool->synced);
    os_condition_init(&spool->room_made);
}

/* `machine` is a promise about power cuts, and only some file systems can keep it. */
static enum trail_err check_filesystem(const struct spool_options *options, struct trail_error *ret_error)
{
    static const char *const names[] = {
        [OS_FILESYSTEM_COPY_ON_WRITE] = "copy-on-write",
        [OS_FILESYSTEM_NETWORK] = "network",
        [OS_FILESYSTEM_MEMORY] = "memory",
        [OS_FILESYSTEM_OTHER] = "unknown",
    };
    enum os_filesystem kind;

    if (options->durability != DURABILITY_MACHINE)
        return TRAIL_OK;
    enum trail_err err = os_make_directory(options->directory, ret_error);
    if (err == TRAIL_OK)
        err = os_filesystem_of(options->directory, &kind, ret_error);
    if (err != TRAIL_OK || kind == OS_FILESYSTEM_JOURNALED)
        return err;
    return error_set(ret_error, TRAIL_EUNSUPPORTED, 0,
                     "AUDIT_TRAIL_DURABILITY=machine needs ext4 or xfs; AUDIT_TRAIL_SPOOL_DIR=%.120s is on a %s file "
                     "system",
                     options->directory, names[kind]);
}

static enum trail_err open_files(struct spool *spool, const struct spool_options *options,
                                 struct trail_error *ret_error)
{
    enum trail_err err = home_create(&spool->home, options->directory, &options->identity.writer, ret_error);
    if (err != TRAIL_OK)
        return err;
    err = accounts_create(&spool->accounts, spool->home.path, &spool->identity, ret_error);
    if (err != TRAIL_OK)
        return err;
    err = segment_create(&spool->current, spool->home.path, 1, spool->segment_size, ret_error);
    if (err != TRAIL_OK)
        return err;
    segment_activate(spool->current, &spool->identity, 1, clock_wall_us(spool->clock));
    spool->first = spool->current;
    spool->segment_count = 1;
    spool->next_number = 2;
    spool->touched_end = spool->touch_window = SEGMENT_TOUCHED_BYTES;
    spool->touch_at = SEGMENT_TOUCHED_BYTES / 2;
    spool_update_marks_locked(spool);
    return TRAIL_OK;
}

static enum trail_err start_thread(struct spool *spool, struct trail_error *ret_error)
{
    enum trail_err err = waker_init(&spool->waker, ret_error);
    if (err != TRAIL_OK)
        return err;
    err = os_thread_start(&spool->thread, "trail-sync", sync_main, spool, ret_error);
    spool->thread_started = err == TRAIL_OK;
    return err;
}

enum trail_err spool_open(struct spool **ret_spool, const struct spool_options *options, struct trail_error *ret_error)
{
    enum trail_err err = check_filesystem(options, ret_error);
    if (err != TRAIL_OK)
        return err;
    struct spool *spool = calloc(1, sizeof *spool);
    if (spool == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for the spool");

    spool->identity = options->identity;
    spool->durability = options->durability;
    spool->sync_interval_ms = options->sync_interval_ms;
    spool->clock = options->clock;
    spool->on_notice = options->on_notice;
    spool->notice_context = options->notice_context;
    spool->drain_waker = options->drain_waker;
    spool->home.lock_fd = -1;
    spool->waker.fd = -1;
    buf_init(&spool->preamble, NULL, 0);
    buf_append_text(&spool->preamble, options->preamble);
    choose_sizes(spool, options->bytes_max);
    init_locks(spool);

    err = buf_failed(&spool->preamble) ? error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for the spool")
                                       : open_files(spool, options, ret_error);
    if (err == TRAIL_OK)
        err = start_thread(spool, ret_error);
    if (err != TRAIL_OK) {
        spool_close(spool, true);
        return err;
    }
    *ret_spool = spool;
    return TRAIL_OK;
}

static void free_segments(struct spool *spool)
{
    struct segment *segment = spool->first;
    while (segment != NULL) {
        struct segment *next = segment_next(segment);
        segment_free(segment);
        segment = next;
    }
    if (spool->prepared != NULL)
        segment_unlink(spool->prepared);
    segment_free(spool->prepared);
}

void spool_close(struct spool *spool, bool remove)
{
    if (spool == NULL)
        return;
    if (spool->thread_started) {
        __atomic_store_n(&spool->stopping, true, __ATOMIC_RELEASE);
        waker_wake(&spool->waker);
        pthread_join(spool->thread, NULL);
    }
    free_segments(spool);
    accounts_close(&spool->accounts);
    if (remove)
        home_remove(&spool->home);
    else
        home_release(&spool->home);
    waker_done(&spool->waker);
    buf_done(&spool->preamble);
    pthread_mutex_destroy(&spool->lock);
    pthread_mutex_destroy(&spool->sync_lock);
    pthread_cond_destroy(&spool->synced);
    pthread_cond_destroy(&spool->room_made);
    free(spool);
}

void spool_fork_lock(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
}

void spool_fork_unlock(struct spool *spool)
{
    pthread_mutex_unlock(&spool->lock);
}

void spool_abandon(struct spool *spool)
{
    for (struct segment *segment = spool->first; segment != NULL; segment = segment->next)
        munmap(segment->area.map, segment->area.size);
    if (spool->prepared != NULL)
        munmap(spool->prepared->area.map, spool->prepared->area.size);
    munmap(spool->accounts.map, spool->accounts.map_size);
    close(spool->home.lock_fd);
    close(spool->waker.fd);
}
