/* drain.c -- the thread that moves accepted events from the spool to the store.
 *
 * The happy path of a round is: something is due; the store is open; one batch is stored; the spool gives back what the
 * commit covers; callers that wait are woken. Possible failure modes are:
 *
 * - The store is away: the connection is closed, the round ends, the next one waits out the back-off.
 * - The fence moved us: the next round goes on from where the store says we stand.
 * - fork() wants the connection gone: the store call under way gives up early (it polls `interrupted`), the
 *   connection is closed by the forking thread, and opened again by the next round.
 */
#include "drain/drain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/os_thread.h"
#include "drain/adopt.h"
#include "drain/backoff.h"
#include "drain/losses.h"
#include "drain/records.h"
#include "store/backend.h"

/* The longest sleep: what changes without anybody waking us (a clock, a dead neighbour) is seen within it. */
#define SLEEP_MS_MAX 1000

/* The pause when nothing could be read although something waits: memory that was overwritten does not heal faster. */
#define NO_PROGRESS_US 20000

/* How often the spool directory is searched for the remains of dead processes. */
#define ADOPT_SCAN_US (INT64_C(30) * 1000000)

/* At most one record of lost events in this time, so that a full disk does not fill the control reserve. */
#define LOSSES_AGAIN_US (INT64_C(10) * 1000000)

struct drain {
    const struct settings *settings;
    struct spool          *spool;
    struct waker          *waker;
    const struct clock    *clock;
    trail_notice_fn        on_notice;
    void                  *notice_context;
    void (*on_interval)(void *context);
    void   *interval_context;
    int64_t interval_us;
    int64_t interval_at_us; /* When it is called next. The thread's own. */

    pthread_mutex_t gate;        /* Held over every use of the store's connection. */
    struct store   *store;       /* Under `gate`; NULL: not connected. */
    bool            interrupted; /* Whoever holds the gate should let go. Atomic. */

    /* The thread's own. */
    pthread_t        thread;
    struct stream    stream;
    struct adopt     adopt; /* Changed under `gate` alone, so that a forked child finds it whole. */
    struct retention retention;
    struct backoff   backoff;
    enum trail_err   last_error; /* Of the store, while backoff says that it fails. */
    int64_t          scan_at_us;
    bool             adopted_once; /* The spools that were dead when we started have been looked through. */
    int64_t          losses_at_us;
    int64_t          accounts_at_us;
    struct losses    losses;

    /* Shared with callers, under `lock`. */
    pthread_mutex_t      lock;
    pthread_cond_t       moved; /* stored_seq, or finished, changed. */
    uint64_t             stored_seq;
    int64_t              oldest_wall_us; /* Of the oldest waiting event, when last looked at. Atomic. */
    uint64_t             wanted_seq;     /* Somebody asks for everything up to here. Atomic. */
    bool                 stopping;       /* Atomic. Store what is there, then end. */
    bool                 give_up;        /* Atomic. End now. */
    bool                 finished;
    bool                 complete; /* The store has everything. */
    struct drain_numbers numbers;
};

static void notice(const struct drain *drain, const struct trail_error *error)
{
    if (drain->on_notice != NULL)
        drain->on_notice(drain->notice_context, error);
}

static bool is_stopping(const struct drain *drain)
{
    return __atomic_load_n(&drain->stopping, __ATOMIC_ACQUIRE);
}

static bool is_interrupted(const struct drain *drain)
{
    return __atomic_load_n(&drain->interrupted, __ATOMIC_ACQUIRE);
}

static bool must_give_up(const struct drain *drain)
{
    return __atomic_load_n(&drain->give_up, __ATOMIC_ACQUIRE);
}

/* ---- What is due, and when ---- */

static bool anything_waits(const struct drain *drain)
{
    return spool_last_seq(drain->spool) > __atomic_load_n(&drain->stored_seq, __ATOMIC_RELAXED);
}

/* Age of the oldest waiting event, by the frame it stands in; published for drain_oldest_waiting_us(). */
static int64_t oldest_waiting_age_us(struct drain *drain)
{
    struct reader     look;
    struct frame      frame;
    struct reader_gap gap;

    reader_init(&look, spool_first_segment(drain->spool), drain->stored_seq + 1);
    if (drain->stream.reader.segment != NULL)
        look = drain->stream.reader;
    if (reader_next(&look, &frame, &gap) != READER_EVENT)
        return INT64_MAX; /* A gap is not to be waited for. */
    __atomic_store_n(&drain->oldest_wall_us, frame.wall_us, __ATOMIC_RELAXED);
    int64_t age_us = clock_wall_us(drain->clock) - frame.wall_us;
    return age_us >= 0 ? age_us : INT64_MAX; /* The clock was set back: nobody knows, so it has waited long enough. */
}

/* Ask for everything up to seq. */
static void want(struct drain *drain, uint64_t seq)
{
    uint64_t wanted = __atomic_load_n(&drain->wanted_seq, __ATOMIC_RELAXED);
    while (wanted < seq &&
           !__atomic_compare_exchange_n(&drain->wanted_seq, &wanted, seq, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        continue;
}

/* True when events must go to the store now; otherwise *ret_wait_us says for how long they may still wait. */
static bool events_are_due(struct drain *drain, int64_t *ret_wait_us)
{
    const struct settings *settings = drain->settings;
    *ret_wait_us = INT64_C(1000) * SLEEP_MS_MAX;
    if (!anything_waits(drain))
        return false;
    int64_t interval_us = (int64_t)settings->flush_interval_s * 1000000;
    int64_t age_us = oldest_waiting_age_us(drain);
    if (spool_take_urgent(drain->spool))
        want(drain, spool_last_seq(drain->spool)); /* All of it, however many batches and attempts that takes. */
    if (is_stopping(drain) || !settings->async || !settings->buffer_enabled ||
        __atomic_load_n(&drain->wanted_seq, __ATOMIC_ACQUIRE) > drain->stored_seq ||
        spool_waiting_events(drain->spool) >= settings->buffer_max_size_events || age_us >= interval_us)
        return true;
    if (interval_us - age_us < *ret_wait_us)
        *ret_wait_us = interval_us - age_us;
    return false;
}

/* ---- The store's connection ---- */

/* Caller holds the gate. */
static enum trail_err connect_locked(struct drain *drain, struct trail_error *ret_error)
{
    if (drain->store != NULL)
        return TRAIL_OK;
    const struct store_open_options options = {
        .interrupted = &drain->interrupted,
        .retention_days = (uint32_t)drain->settings->retention_days,
    };
    enum trail_err err = store_open_with(&drain->store, drain->settings->database_url, &options, ret_error);
    if (err == TRAIL_OK)
        spool_set_destination(drain->spool, store_identity(drain->store));
    return err;
}

/* Caller holds the gate. */
static void disconnect_locked(struct drain *drain)
{
    store_close(drain->store);
    drain->store = NULL;
}

/* Tell of the first failure and of the end of failures, not of each. */
static void note_store_error(struct drain *drain, const struct trail_error *error)
{
    __atomic_fetch_add(&drain->numbers.store_errors, 1, __ATOMIC_RELAXED);
    drain->last_error = error->code;
    if (backoff_failed(&drain->backoff, clock_mono_us(drain->clock)))
        notice(drain, error);
}

/* Let go of the gate after a call of the store. What we were made to break off ourselves says nothing about the
 * store. */
static void leave_gate(struct drain *drain, bool failed, const struct trail_error *error)
{
    bool interrupted = is_interrupted(drain); /* While the gate is ours: fork() takes the word back when it is done. */
    if (failed)
        disconnect_locked(drain);
    pthread_mutex_unlock(&drain->gate);
    if (failed && !interrupted)
        note_store_error(drain, error);
}

static void note_store_works(struct drain *drain)
{
    struct trail_error again;
    if (!backoff_succeeded(&drain->backoff))
        return;
    error_set(&again, TRAIL_OK, 0, "the store is reachable again; %" PRIu64 " events wait",
              spool_waiting_events(drain->spool));
    notice(drain, &again);
}

/* ---- Our own events ---- */

static void publish_progress(struct drain *drain, const struct stream_progress *progress)
{
    __atomic_fetch_add(&drain->numbers.stored, progress->events - progress->dead_letters, __ATOMIC_RELAXED);
    __atomic_fetch_add(&drain->numbers.dead_lettered, progress->dead_letters, __ATOMIC_RELAXED);
    __atomic_fetch_add(&drain->numbers.transactions, progress->transactions, __ATOMIC_RELAXED);
    spool_release(drain->spool, drain->stream.stored_seq, progress->events, drain->stream.reader.segment);

    pthread_mutex_lock(&drain->lock);
    __atomic_store_n(&drain->stored_seq, drain->stream.stored_seq, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&drain->moved);
    pthread_mutex_unlock(&drain->lock);
}

/* Store one batch of our own. False: the store is away. */
static bool store_own_batch(struct drain *drain)
{
    const struct settings *settings = drain->settings;
    struct stream_progress progress = { 0 };
    struct trail_error     error = { 0 };
    size_t                 events_max = settings->async || settings->buffer_enabled ? BATCH_EVENTS_MAX : 1;

    pthread_mutex_lock(&drain->gate);
    enum trail_err err = connect_locked(drain, &error);
    if (err == TRAIL_OK)
        err = stream_advance(&drain->stream, drain->store, spool_first_segment(drain->spool), events_max, &progress,
                             &error);
    bool failed = err != TRAIL_OK && err != TRAIL_EFENCE;
    leave_gate(drain, failed, &error);

    publish_progress(drain, &progress);
    if (!failed)
        note_store_works(drain);
    return !failed;
}

/* ---- Records about ourselves ---- */

/* Once there is room again, and not too often; a stop is the last chance, and may use the reserve. */
static void tell_losses(struct drain *drain)
{
    int64_t now_us = clock_mono_us(drain->clock);

    if (!losses_any(&drain->losses))
        return;
    bool may_wait = now_us < drain->losses_at_us || !spool_has_room(drain->spool, RECORD_LOSS_BYTES);
    if (may_wait && !is_stopping(drain))
        return;
    drain->losses_at_us = now_us + LOSSES_AGAIN_US;
    record_loss(drain->spool, &drain->losses, clock_wall_us(drain->clock));
}

/* ---- The spools of dead processes ---- */

/* Do a bit of it. True: there is more to do. When the store is away the spools that we found are still to be looked
 * through, so a stop waits for it; any other failure is not one that waiting mends. */
static bool adopt_some(struct drain *drain)
{
    struct adopt_report report;
    struct trail_error  error = { 0 };
    int64_t             now_us = clock_mono_us(drain->clock);
    enum adopt_result   result = ADOPT_FAILED;

    pthread_mutex_lock(&drain->gate);
    if (now_us >= drain->scan_at_us) {
        adopt_scan(&drain->adopt);
        drain->scan_at_us = now_us + ADOPT_SCAN_US;
    }
    if (!drain->adopt.taken && drain->adopt.list == NULL)
        result = ADOPT_IDLE; /* Nothing is being looked through. */
    else if (connect_locked(drain, &error) == TRAIL_OK)
        result = adopt_step(&drain->adopt, drain->store, &report, &error);
    leave_gate(drain, result == ADOPT_FAILED, &error);

    if (result == ADOPT_IDLE || (result == ADOPT_FAILED && error.code != TRAIL_EAWAY))
        drain->adopted_once = true;
    if (result == ADOPT_FINISHED && report.events + report.gaps + report.quarantined > 0)
        record_recovery(drain->spool, &report, clock_wall_us(drain->clock));
    return result == ADOPT_WORKING || result == ADOPT_FINISHED;
}

/* ---- The clean-up ---- */

/* Take it a step further when its time has come. Returns for how long it can be left alone. A stop does not wait for
 * it, and what fails in it says nothing about storing events. */
static int64_t clean_up_some(struct drain *drain)
{
    struct retention_report report;
    struct trail_error      error = { 0 };
    int64_t                 wait_us = is_stopping(drain) ? INT64_MAX : retention_wait_us(&drain->retention);
    if (wait_us > 0 || drain->backoff.delay_us != 0)
        return wait_us > 0 ? wait_us : INT64_MAX;

    pthread_mutex_lock(&drain->gate);
    if (connect_locked(drain, &error) != TRAIL_OK) {
        leave_gate(drain, true, &error);
        return INT64_MAX; /* Until the back-off is over. */
    }
    enum retention_result result = retention_step(&drain->retention, drain->store, &report, &error);
    if (result == RETENTION_FAILED)
        disconnect_locked(drain);
    pthread_mutex_unlock(&drain->gate);
    if ((result == RETENTION_FINISHED || result == RETENTION_REFUSED) && retention_is_worth_a_record(&report))
        record_retention(drain->spool, &report, clock_wall_us(drain->clock));
    return retention_wait_us(&drain->retention);
}

/* ---- Accounts without events ---- */

/* Refusals reach the store with the next batch; where there is none for a while, by themselves. */
static bool write_accounts(struct drain *drain)
{
    struct trail_error error = { 0 };

    if (!stream_accounts_changed(&drain->stream))
        return true;
    pthread_mutex_lock(&drain->gate);
    enum trail_err err = connect_locked(drain, &error);
    if (err == TRAIL_OK)
        err = stream_write_accounts(&drain->stream, drain->store, &error);
    leave_gate(drain, err != TRAIL_OK, &error);
    if (drain->stream.stored_seq < drain->stored_seq)
        publish_progress(drain, &(struct stream_progress){ 0 }); /* The store went back: its events wait again. */
    return err == TRAIL_OK;
}

static void write_accounts_now_and_then(struct drain *drain)
{
    int64_t now_us = clock_mono_us(drain->clock);
    if (now_us < drain->accounts_at_us)
        return;
    drain->accounts_at_us = now_us + (int64_t)drain->settings->flush_interval_s * 1000000;
    (void)write_accounts(drain);
}

/* ---- The thread ---- */

static void call_owner_now_and_then(struct drain *drain)
{
    int64_t now_us = clock_mono_us(drain->clock);
    if (drain->interval_us == 0 || now_us < drain->interval_at_us)
        return;
    drain->interval_at_us = now_us + drain->interval_us;
    drain->on_interval(drain->interval_context);
}

/* What events need: our own first, then those of the dead. Returns for how long to sleep, 0: not at all. */
static int64_t move_some(struct drain *drain)
{
    int64_t wait_us = 0;

    tell_losses(drain);
    if (events_are_due(drain, &wait_us)) {
        uint64_t stood_at = drain->stored_seq;
        (void)store_own_batch(drain);
        return drain->stored_seq > stood_at ? 0 : NO_PROGRESS_US;
    }
    if (adopt_some(drain))
        return 0;
    write_accounts_now_and_then(drain);
    if (is_stopping(drain)) /* A back-off is slept through at the next round. */
        return losses_any(&drain->losses) ? NO_PROGRESS_US : 0;
    return wait_us;
}

/* One round. */
static int64_t work(struct drain *drain)
{
    int64_t now_us = clock_mono_us(drain->clock);
    if (is_interrupted(drain))
        return 1000; /* fork() is under way. */
    if (!backoff_may_try(&drain->backoff, now_us))
        return drain->backoff.until_us - now_us;
    int64_t wait_us = move_some(drain);
    int64_t clean_up_wait_us = clean_up_some(drain); /* However much there is to store: else the store only grows. */
    return clean_up_wait_us < wait_us ? clean_up_wait_us : wait_us;
}

/* True when there is nothing left to do, or no time left to do it. */
static bool is_finished(struct drain *drain)
{
    if (must_give_up(drain))
        return true;
    /* A schema that is newer than we are does not get older while a stop waits. */
    if (is_stopping(drain) && drain->backoff.delay_us != 0 && drain->last_error == TRAIL_EVERSION)
        return true;
    /* Losses that did not even fit into the reserve are recorded when the last batch has made room for them. */
    if (!is_stopping(drain) || !drain->adopted_once || anything_waits(drain) || losses_any(&drain->losses) ||
        !backoff_may_try(&drain->backoff, clock_mono_us(drain->clock)))
        return false;
    drain->complete = write_accounts(drain);
    return drain->complete;
}

static void *drain_main(void *argument)
{
    struct drain *drain = argument;

    while (!is_finished(drain)) {
        waker_prepare(drain->waker);
        call_owner_now_and_then(drain);
        int64_t wait_us = work(drain);
        if (wait_us == 0 || must_give_up(drain))
            waker_cancel(drain->waker);
        else
            waker_sleep(drain->waker, (uint32_t)(wait_us / 1000 + 1));
    }

    pthread_mutex_lock(&drain->gate);
    adopt_done(&drain->adopt);
    disconnect_locked(drain);
    pthread_mutex_unlock(&drain->gate);
    pthread_mutex_lock(&drain->lock);
    drain->finished = true;
    pthread_cond_broadcast(&drain->moved);
    pthread_mutex_unlock(&drain->lock);
    return NULL;
}

/* ---- Starting, stopping, asking ---- */

static void init_drain(struct drain *drain, const struct drain_options *options)
{
    drain->settings = options->settings;
    drain->spool = options->spool;
    drain->waker = options->waker;
    drain->clock = options->clock;
    drain->on_notice = options->on_notice;
    drain->notice_context = options->notice_context;
    drain->on_interval = options->on_interval;
    drain->interval_context = options->interval_context;
    drain->interval_us = options->interval_us;
    drain->interval_at_us = clock_mono_us(options->clock) + options->interval_us;

    pthread_mutex_init(&drain->gate, NULL);
    pthread_mutex_init(&drain->lock, NULL);
    os_condition_init(&drain->moved);
    losses_init(&drain->losses);

    const struct spool_identity *identity = spool_identity(options->spool);
    stream_init(&drain->stream, identity, spool_accounts(options->spool), options->clock,
                (size_t)options->settings->max_value_bytes);
    drain->adopt = (struct adopt){
        .spool_dir = options->settings->spool_dir,
        .own = identity->writer,
        .url_hash = options->url_hash,
        .clock = options->clock,
        .value_bytes_max = (size_t)options->settings->max_value_bytes,
    };
    const struct retention_options cleaning = {
        .settings = options->settings,
        .clock = options->clock,
        .spread = uuid_hash32(&identity->writer),
        .on_notice = options->on_notice,
        .notice_context = options->notice_context,
    };
    retention_init(&drain->retention, &cleaning);
    drain->accounts_at_us = clock_mono_us(options->clock) + (int64_t)options->settings->flush_interval_s * 1000000;
}

void drain_free(struct drain *drain)
{
    if (drain == NULL)
        return;
    stream_done(&drain->stream);
    retention_done(&drain->retention);
    losses_done(&drain->losses);
    pthread_mutex_destroy(&drain->gate);
    pthread_mutex_destroy(&drain->lock);
    pthread_cond_destroy(&drain->moved);
    free(drain);
}

enum trail_err drain_start(struct drain **ret_drain, const struct drain_options *options, struct trail_error *ret_error)
{
    struct drain *drain = calloc(1, sizeof *drain);
    if (drain == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for the drain");
    init_drain(drain, options);

    enum trail_err err = os_thread_start(&drain->thread, "trail-drain", drain_main, drain, ret_error);
    if (err != TRAIL_OK) {
        drain_free(drain);
        return err;
    }
    *ret_drain = drain;
    return TRAIL_OK;
}

uint64_t drain_stop(struct drain *drain, uint32_t timeout_ms, bool *ret_complete)
{
    struct timespec deadline = clock_deadline(timeout_ms);
    int             waited = 0;

    __atomic_store_n(&drain->stopping, true, __ATOMIC_RELEASE);
    waker_wake(drain->waker);
    pthread_mutex_lock(&drain->lock);
    while (!drain->finished && waited == 0)
        waited = pthread_cond_timedwait(&drain->moved, &drain->lock, &deadline);
    pthread_mutex_unlock(&drain->lock);

    /* Out of time, or already finished: end whatever it is waiting for. */
    __atomic_store_n(&drain->give_up, true, __ATOMIC_RELEASE);
    __atomic_store_n(&drain->interrupted, true, __ATOMIC_RELEASE);
    waker_wake(drain->waker);
    pthread_join(drain->thread, NULL);

    uint64_t waiting = spool_waiting_events(drain->spool);
    *ret_complete = drain->complete && !anything_waits(drain);
    return waiting;
}

void drain_note_appended(struct drain *drain)
{
    const struct settings *settings = drain->settings;
    if (settings->async && settings->buffer_enabled &&
        spool_waiting_events(drain->spool) < settings->buffer_max_size_events)
        return;
    waker_wake(drain->waker);
}

void drain_note_lost(struct drain *drain, bool dropped, int64_t now_us)
{
    struct trail_error full;
    if (!losses_add(&drain->losses, dropped, now_us))
        return;
    error_set(&full, TRAIL_EFULL, 0, "the spool %.120s is full: events are %s until the store has taken some",
              spool_path(drain->spool), dropped ? "dropped" : "refused");
    notice(drain, &full);
}

enum trail_err drain_wait_stored(struct drain *drain, uint64_t seq, uint32_t timeout_ms)
{
    struct timespec deadline = clock_deadline(timeout_ms);
    int             waited = 0;

    want(drain, seq);
    waker_wake(drain->waker);
    pthread_mutex_lock(&drain->lock);
    while (drain->stored_seq < seq && waited == 0)
        waited = pthread_cond_timedwait(&drain->moved, &drain->lock, &deadline);
    bool stored = drain->stored_seq >= seq;
    pthread_mutex_unlock(&drain->lock);
    return stored ? TRAIL_OK : TRAIL_PENDING;
}

void drain_read_numbers(const struct drain *drain, struct drain_numbers *ret_numbers)
{
    ret_numbers->stored = __atomic_load_n(&drain->numbers.stored, __ATOMIC_RELAXED);
    ret_numbers->dead_lettered = __atomic_load_n(&drain->numbers.dead_lettered, __ATOMIC_RELAXED);
    ret_numbers->transactions = __atomic_load_n(&drain->numbers.transactions, __ATOMIC_RELAXED);
    ret_numbers->store_errors = __atomic_load_n(&drain->numbers.store_errors, __ATOMIC_RELAXED);
    retention_read_numbers(&drain->retention, &ret_numbers->retention);
}

int64_t drain_oldest_waiting_us(struct drain *drain)
{
    if (!anything_waits(drain))
        return 0;
    int64_t since_us = __atomic_load_n(&drain->oldest_wall_us, __ATOMIC_RELAXED);
    int64_t age_us = clock_wall_us(drain->clock) - since_us;
    return since_us != 0 && age_us > 0 ? age_us : 0;
}

void drain_fork_lock(struct drain *drain)
{
    __atomic_store_n(&drain->interrupted, true, __ATOMIC_RELEASE);
    pthread_mutex_lock(&drain->gate);
    disconnect_locked(drain);
}

void drain_fork_unlock(struct drain *drain)
{
    __atomic_store_n(&drain->interrupted, must_give_up(drain), __ATOMIC_RELEASE);
    pthread_mutex_unlock(&drain->gate);
}

void drain_abandon(struct drain *drain, bool prepared)
{
    if (prepared) {
        adopt_abandon(&drain->adopt);
        return;
    }
    /* Whoever holds the gate is in the middle of something, and not here to end it. */
    if (pthread_mutex_trylock(&drain->gate) != 0)
        return;
    adopt_abandon(&drain->adopt);
    store_abandon(drain->store); /* What memory it has stays reachable from here. */
    pthread_mutex_unlock(&drain->gate);
}
