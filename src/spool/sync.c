/* sync.c -- the thread that writes a spool's pages to the disk and prepares what the appender needs next.
 *
 * The happy path of a sync is:
 *
 * - Under the appender's lock, with durability `process`: a pad frame moves the tail to the next page boundary, so
 *   that no page that is written out will be written to. Measured at 20,000 events/s: p99 of an append 0.5 us; 62-88
 *   us without the boundary. `machine` does not pad: it would burn a page for every lone event.
 * - Outside the lock: msync(MS_SYNC) of exactly the pages since the last sync, oldest segment first.
 * - The pages that the tail will reach next are made writable again: the kernel write-protects what it has written out,
 *   and the next store into such a page would wait 20 us for the fault. When events come again after a pause, the
 *   appender reaches the end of these pages before the next sync, and asks for more at half the way.
 *
 * Possible failure modes are:
 *
 * - msync fails: the segment is sealed and given up for syncing; the drain is told to empty it at once; those who wait
 *   for it get TRAIL_PENDING; appending goes on in the next segment.
 * - There is no whole page left for a pad frame at a segment's end: the last page is synced as it is.
 * - The next segment cannot be made: the appender finds out, and says so to its callers.
 */
#include "spool/sync.h"

#include <stdlib.h>

#include "base/err.h"
#include "spool/room.h"

/* Kept writable ahead of the tail, at least. */
#define TOUCH_AHEAD_MIN SEGMENT_TOUCHED_BYTES

/* Between two syncs the window doubles up to this: 50 MB/s for as long as a sync of a slow disk may take. */
#define TOUCH_FURTHER_MAX (4u * 1024 * 1024)

/* What one sync has to write, taken under the appender's lock. */
struct sync_job {
    struct segment *first;
    struct segment *last;      /* The current one; later ones are the next sync's. */
    size_t          last_tail; /* Its tail. */
    uint64_t        seq;       /* Everything up to here will be on the disk. */
};

static size_t page_floor(size_t offset)
{
    return offset & ~(size_t)(SPOOL_PAGE_SIZE - 1);
}

static size_t page_ceiling(size_t offset)
{
    return page_floor(offset + SPOOL_PAGE_SIZE - 1);
}

/* Move the tail to a page boundary, if it is not on one and there is room. */
static void pad_to_page_locked(struct spool *spool)
{
    struct segment *segment = spool->current;
    size_t          end = page_ceiling(segment->tail);

    if (segment->tail == end || segment->tail <= segment->synced || segment->failed)
        return;
    if (end - segment->tail < FRAME_HEADER_SIZE)
        end += SPOOL_PAGE_SIZE;
    if (end > segment->area.size)
        return;
    frame_write_pad(&segment->area, segment->tail, end, spool->last_wall_us);
    segment->tail = end;
}

static struct sync_job take_job(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    if (spool->durability == DURABILITY_PROCESS)
        pad_to_page_locked(spool);
    struct sync_job job = {
        .first = spool->first,
        .last = spool->current,
        .last_tail = spool->current->tail,
        .seq = spool->last_seq,
    };
    pthread_mutex_unlock(&spool->lock);
    return job;
}

/* The disk may have lost what it said it had: trust this segment no more. */
static void give_up_segment(struct spool *spool, struct segment *segment, struct trail_error *error)
{
    pthread_mutex_lock(&spool->lock);
    segment->failed = true;
    __atomic_store_n(&segment->sealed, true, __ATOMIC_RELEASE);
    if (segment->last_seq > spool->failed_seq)
        spool->failed_seq = segment->last_seq;
    spool_hurry(spool); /* Before anybody is told: whoever knows of the failure may rely on it. */
    pthread_cond_broadcast(&spool->synced);
    pthread_mutex_unlock(&spool->lock);
    spool_notice(spool, error);
}

static void sync_segment(struct spool *spool, struct segment *segment, size_t tail)
{
    struct trail_error error;
    size_t             from = page_floor(segment->synced);

    if (segment->failed || tail <= segment->synced)
        return;
    if (os_sync_pages(segment->area.map + from, page_ceiling(tail) - from, &error) != TRAIL_OK)
        give_up_segment(spool, segment, &error);
    segment->synced = tail;
}

/* Pages of `segment` are writable up to `end`, which is `window` ahead of where the tail was. */
static void note_touched(struct spool *spool, const struct segment *segment, size_t end, size_t window)
{
    pthread_mutex_lock(&spool->lock);
    if (segment == spool->current) {
        spool->touched_end = end;
        spool->touch_window = window;
        spool->touch_at = end < segment->area.size ? end - window / 2 : SIZE_MAX;
    }
    pthread_mutex_unlock(&spool->lock);
}

/* Make the pages writable that the tail will reach before the next sync, judged by the last interval. */
static void touch_ahead(struct spool *spool, const struct sync_job *job, size_t written)
{
    size_t window = page_ceiling(written) * 2;
    if (window < TOUCH_AHEAD_MIN)
        window = TOUCH_AHEAD_MIN;
    size_t from = page_floor(job->last_tail);
    size_t room = job->last->area.size - from;
    size_t size = room < window ? room : window;
    os_touch_pages(job->last->area.map + from, size);
    note_touched(spool, job->last, from + size, window);
}

/* The tail comes near the end of the writable pages before a sync was due, as it does when events come again after a
 * pause: go twice as far ahead as before. Caller holds `sync_lock`. */
static void touch_further(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    struct segment *segment = spool->current;
    size_t          tail = page_floor(segment->tail);
    size_t          from = tail > spool->touched_end ? tail : spool->touched_end;
    size_t          window = spool->touch_window;
    bool            wanted = spool->touched_end < segment->area.size && from - tail <= window / 2;
    spool->asked = false;
    pthread_mutex_unlock(&spool->lock);

    if (!wanted)
        return;
    if (window < TOUCH_FURTHER_MAX)
        window *= 2;
    size_t end = segment->area.size - tail < window ? segment->area.size : tail + window;
    if (from < end)
        os_touch_pages(segment->area.map + from, end - from);
    note_touched(spool, segment, end, window);
}

/* Write everything appended so far to the disk. Caller holds `sync_lock`, which keeps the segments mapped. */
static void sync_once(struct spool *spool)
{
    struct sync_job job = take_job(spool);
    size_t          written = job.last_tail - job.last->synced;

    for (struct segment *segment = job.first; segment != job.last; segment = segment_next(segment))
        sync_segment(spool, segment, segment->tail);
    sync_segment(spool, job.last, job.last_tail);

    pthread_mutex_lock(&spool->lock);
    spool->synced_seq = job.seq;
    pthread_cond_broadcast(&spool->synced);
    pthread_mutex_unlock(&spool->lock);
    touch_ahead(spool, &job, written);
}

/* Reserve a number for the next segment, if one is wanted. */
static bool wants_segment(struct spool *spool, uint32_t *ret_number)
{
    pthread_mutex_lock(&spool->lock);
    bool wanted = spool->prepared == NULL && spool->segment_count < spool->segment_count_max &&
                  spool->current->tail >= spool->current->area.size / 2 &&
                  clock_mono_us(spool->clock) >= spool->create_again_us;
    if (wanted) {
        *ret_number = spool->next_number++;
        spool->segment_count++;
        spool->preparing = true;
    }
    pthread_mutex_unlock(&spool->lock);
    return wanted;
}

/* Make the next segment ahead of time, and all its pages writable: whoever fills half a segment will fill the next. */
static void prepare_segment(struct spool *spool)
{
    struct segment *segment = NULL;
    uint32_t        number = 0;

    if (!wants_segment(spool, &number))
        return;
    (void)!spool_create_segment(spool, number, &segment, NULL);

    pthread_mutex_lock(&spool->lock);
    spool->prepared = segment;
    spool->preparing = false;
    if (segment == NULL) {
        spool->segment_count--;
        spool->create_again_us = clock_mono_us(spool->clock) + SPOOL_CREATE_AGAIN_US;
    }
    spool_update_marks_locked(spool);
    pthread_cond_broadcast(&spool->room_made);
    pthread_mutex_unlock(&spool->lock);

    if (segment == NULL)
        spool_hurry(spool);
}

/* With `machine` somebody waits for every event. */
static bool somebody_waits_locked(const struct spool *spool)
{
    return spool->durability == DURABILITY_MACHINE && spool->synced_seq < spool->last_seq;
}

static bool somebody_waits(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    bool waits = somebody_waits_locked(spool);
    pthread_mutex_unlock(&spool->lock);
    return waits;
}

/* Looked at between waker_prepare() and the sleep: whoever asked before did not wake us. */
static bool may_sleep(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    bool may = !spool->asked && !somebody_waits_locked(spool);
    pthread_mutex_unlock(&spool->lock);
    return may;
}

static bool is_stopping(const struct spool *spool)
{
    return __atomic_load_n(&spool->stopping, __ATOMIC_ACQUIRE);
}

void *sync_main(void *argument)
{
    struct spool *spool = argument;
    int64_t       interval_us = (int64_t)spool->sync_interval_ms * 1000;
    int64_t       next_sync_us = clock_mono_us(spool->clock) + interval_us;

    while (!is_stopping(spool)) {
        int64_t now_us = clock_mono_us(spool->clock);
        pthread_mutex_lock(&spool->sync_lock);
        touch_further(spool);
        if (now_us >= next_sync_us || somebody_waits(spool)) {
            sync_once(spool);
            now_us = clock_mono_us(spool->clock);
            next_sync_us = now_us + interval_us;
        }
        pthread_mutex_unlock(&spool->sync_lock);
        prepare_segment(spool);

        waker_prepare(&spool->waker);
        if (is_stopping(spool) || !may_sleep(spool))
            waker_cancel(&spool->waker);
        else
            waker_sleep(&spool->waker, (uint32_t)((next_sync_us - now_us) / 1000 + 1));
    }
    pthread_mutex_lock(&spool->sync_lock);
    sync_once(spool);
    pthread_mutex_unlock(&spool->sync_lock);
    return NULL;
}
