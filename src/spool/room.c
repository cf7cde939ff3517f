/* room.c -- where the next event of a spool goes: makes segments, moves on to them, gives them back.
 *
 * The happy path is: the event fits into the current segment, or the sync thread has prepared the next one. Possible
 * failure modes are:
 *
 * - None is prepared (the sync thread was too slow): one is made here, under the lock.
 * - None can be made, because the limit is reached or the disk is full: TRAIL_EFULL. A disk that refused is not asked
 *   again for 100 ms. Control records may use the last 64 KiB of the last segment.
 *
 * A full disk stays full for this spool until there is room for a segment of the smallest size, also when everything
 * in the current one is stored. Taking the current one's file away first would not help: its space comes back only
 * when nobody maps it, and the drain's reader stands in it, the appender and the sync thread hold it. And whoever gives
 * it up before there is another has no place left for the records that tell of the loss, should somebody else be faster
 * to take the space. Using the file again is what a spool never does: frames of two lives in one file cannot be told
 * apart by anybody who reads it meanwhile.
 */
#include "spool/room.h"

#include <assert.h>
#include <errno.h>

#include "base/err.h"

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

/* Take the prepared segment, or make one, as the new current one. */
static enum trail_err rotate_locked(struct spool *spool, int64_t wall_us, struct trail_error *ret_error)
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

enum trail_err spool_make_room_locked(struct spool *spool, size_t size, const struct spool_entry *entry,
                                      struct trail_error *ret_error)
{
    enum trail_err err = TRAIL_OK;
    while (err == TRAIL_OK && !spool_fits_locked(spool, size, entry->control)) {
        if (spool->preparing) /* It counts against the limit already, and will be here in a moment. */
            pthread_cond_wait(&spool->room_made, &spool->lock);
        else if (spool->prepared == NULL)
            err = create_locked(spool, ret_error); /* With a successor the reserve need not be kept: look again. */
        else
            err = rotate_locked(spool, entry->wall_us, ret_error);
    }
    return err;
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
    bool room = spool_fits_locked(spool, frame_size(payload_size), false) || may_have_room_locked(spool, &again_ms);
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
