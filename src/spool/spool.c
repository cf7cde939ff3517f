/* spool.c -- keeps accepted events in mapped files until the store has them: opening, appending, giving back.
 *
 * The happy path of an append is:
 *
 * - The CRC of the payload is computed outside the lock.
 * - The frame fits into the current segment: it gets the next seq, is copied and published; the lock is released.
 *
 * Possible failure modes are:
 *
 * - It does not fit and the next segment is prepared: rotate, then as above.
 * - It does not fit and none is prepared (the sync thread was too slow): one is made here, under the lock.
 * - None can be made, because the limit is reached or the disk is full: TRAIL_EFULL, nothing is taken. A disk that
 *   refused is not asked again for 100 ms. Control records may use the last 64 KiB of the last segment.
 * - The segment's pages could not be synced: it is sealed; rotate, then as above.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/err.h"
#include "base/os_thread.h"
#include "spool/spool_state.h"
#include "spool/sync.h"

/* A clock that goes back less than this is threads overtaking each other between clock and lock. */
#define CLOCK_STEP_US 1000000

void spool_notice(const struct spool *spool, const struct trail_error *notice)
{
    if (spool->on_notice != NULL)
        spool->on_notice(spool->notice_context, notice);
}

void spool_update_marks_locked(struct spool *spool)
{
    size_t size = spool->current->area.size;
    bool   may_rotate = spool->prepared != NULL;
    spool->ordinary_end = may_rotate ? size : size - SPOOL_CONTROL_RESERVE_BYTES;
    spool->prepare_at = may_rotate ? SIZE_MAX : size / 2;
}

enum trail_err spool_create_segment(const struct spool *spool, uint32_t number, struct segment **ret_segment,
                                    struct trail_error *ret_error)
{
    struct segment *segment = NULL;
    size_t          size = spool->segment_size;
    enum trail_err  err = segment_create(&segment, spool->home.path, number, size, ret_error);
    while (err == TRAIL_EFULL && size / 2 >= SPOOL_SEGMENT_SIZE_MIN) {
        size = size / 2 & ~(size_t)(SPOOL_PAGE_SIZE - 1);
        err = segment_create(&segment, spool->home.path, number, size, ret_error);
    }
    if (err != TRAIL_OK)
        return err;
    assert(segment != NULL);
    os_touch_pages(segment->area.map, segment->area.size);
    *ret_segment = segment;
    return TRAIL_OK;
}

/* Make the next segment here and now: segments fill faster than they are prepared. Caller holds `lock`. */
static enum trail_err create_locked(struct spool *spool, struct trail_error *ret_error)
{
    if (spool->segment_count >= spool->segment_count_max)
        return error_set(ret_error, TRAIL_EFULL, 0, "the spool %s has reached AUDIT_TRAIL_SPOOL_MAX_BYTES=%zu",
                         spool->home.path, spool->segment_count_max * spool->segment_size);
    int64_t now_us = clock_mono_us(spool->clock);
    if (now_us < spool->create_again_us)
        return error_set(ret_error, TRAIL_EFULL, ENOSPC, "the disk of the spool %s is full", spool->home.path);

    enum trail_err err = spool_create_segment(spool, spool->next_number, &spool->prepared, ret_error);
    if (err != TRAIL_OK) {
        spool->create_again_us = now_us + SPOOL_CREATE_AGAIN_US;
        return err;
    }
    spool->next_number++;
    spool->segment_count++;
    spool_update_marks_locked(spool);
    return TRAIL_OK;
}

enum trail_err spool_rotate_locked(struct spool *spool, int64_t wall_us, struct trail_error *ret_error)
{
    if (spool->prepared == NULL) {
        enum trail_err err = create_locked(spool, ret_error);
        if (err != TRAIL_OK)
            return err;
    }
    segment_activate(spool->prepared, &spool->identity, spool->last_seq + 1, wall_us);
    __atomic_store_n(&spool->current->next, spool->prepared, __ATOMIC_RELEASE);
    __atomic_store_n(&spool->current->sealed, true, __ATOMIC_RELEASE);
    spool->current = spool->prepared;
    spool->prepared = NULL;
    spool->touched_end = 0; /* Its pages were writable when it was made, which may be long ago. */
    spool->touch_at = 0;
    spool_update_marks_locked(spool);
    return TRAIL_OK;
}

static bool fits_locked(const struct spool *spool, size_t size, bool control)
{
    size_t end = control ? spool->current->area.size : spool->ordinary_end;
    return !spool->current->failed && spool->current->tail + size <= end;
}

/* Make sure that `size` bytes fit at the tail of the current segment. */
static enum trail_err make_room_locked(struct spool *spool, size_t size, const struct spool_entry *entry,
                                       struct trail_error *ret_error)
{
    enum trail_err err = TRAIL_OK;
    while (err == TRAIL_OK && !fits_locked(spool, size, entry->control)) {
        if (spool->preparing) /* It counts against the limit already, and will be here in a moment. */
            pthread_cond_wait(&spool->room_made, &spool->lock);
        else if (spool->prepared == NULL)
            err = create_locked(spool, ret_error); /* With a successor the reserve need not be kept: look again. */
        else
            err = spool_rotate_locked(spool, entry->wall_us, ret_error);
    }
    return err;
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
    enum trail_err err = make_room_locked(spool, frame_size(entry.payload.size), &entry, ret_error);
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
    if (err == TRAIL_OK)
        err = make_room_locked(spool, size, entry, ret_error);
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

/* Caller holds `lock`. *ret_again_ms: a disk that refused is asked again in so many milliseconds; 0: no matter. */
static bool may_have_room_locked(const struct spool *spool, uint32_t *ret_again_ms)
{
    *ret_again_ms = 0;
    if (spool->prepared != NULL || spool->preparing)
        return true;
    if (spool->segment_count >= spool->segment_count_max)
        return false;
    int64_t left_us = spool->create_again_us - clock_mono_us(spool->clock);
    if (left_us > 0)
        *ret_again_ms = (uint32_t)(left_us / 1000) + 1;
    return left_us <= 0;
}

bool spool_has_room(struct spool *spool, size_t payload_size)
{
    uint32_t again_ms = 0;
    pthread_mutex_lock(&spool->lock);
    bool room = fits_locked(spool, frame_size(payload_size), false) || may_have_room_locked(spool, &again_ms);
    pthread_mutex_unlock(&spool->lock);
    return room;
}

bool spool_wait_room(struct spool *spool, uint32_t timeout_ms)
{
    uint32_t left_ms = timeout_ms;
    uint32_t again_ms = 0;

    pthread_mutex_lock(&spool->lock);
    uint64_t epoch = spool->room_epoch;
    bool     room = may_have_room_locked(spool, &again_ms);
    while (!room && left_ms > 0) {
        uint32_t        wait_ms = again_ms != 0 && again_ms < left_ms ? again_ms : left_ms;
        struct timespec deadline = clock_deadline(wait_ms);
        int             waited = 0;
        while (spool->room_epoch == epoch && waited == 0)
            waited = pthread_cond_timedwait(&spool->room_made, &spool->lock, &deadline);
        room = spool->room_epoch != epoch || may_have_room_locked(spool, &again_ms);
        left_ms -= wait_ms;
    }
    pthread_mutex_unlock(&spool->lock);
    return room;
}

/* Unlink the segments that end at or before seq from the list. Caller holds `lock`. */
static struct segment *detach_stored_locked(struct spool *spool, uint64_t seq, const struct segment *reading)
{
    struct segment *detached = NULL;
    while (reading != NULL && spool->first != reading && spool->first != spool->current &&
           spool->first->last_seq <= seq) {
        struct segment *segment = spool->first;
        spool->first = segment_next(segment);
        segment->next = detached;
        detached = segment;
        spool->segment_count--;
    }
    return detached;
}

void spool_release(struct spool *spool, uint64_t seq, uint64_t event_count, const struct segment *reading)
{
    pthread_mutex_lock(&spool->sync_lock);
    pthread_mutex_lock(&spool->lock);
    struct segment *detached = detach_stored_locked(spool, seq, reading);
    __atomic_store_n(&spool->released_events, spool->released_events + event_count, __ATOMIC_RELEASE);
    if (detached != NULL) {
        spool->room_epoch++;
        spool->create_again_us = 0;
        pthread_cond_broadcast(&spool->room_made);
    }
    pthread_mutex_unlock(&spool->lock);

    while (detached != NULL) {
        struct segment *next = detached->next;
        segment_unlink(detached);
        segment_free(detached);
        detached = next;
    }
    pthread_mutex_unlock(&spool->sync_lock);
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
