/* recorder.c -- offers lines of JSON to a trail as a file can be offered: waiting where a service would be refused. */
#include "cli/recorder.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "cli/interrupt.h"
#include "cli/lines.h"

/* How long one look at the drain lasts: short enough to notice a signal and to print what it has to say. */
#define RECORDER_LOOK_MS 200

/* A segment is unlinked a moment after its last event was committed. */
#define RECORDER_ROOM_PAUSE_MS 5

/* What the drain got off its hands so far. */
static uint64_t progress_of(struct trail *trail)
{
    struct trail_stats stats = { .struct_size = sizeof stats };
    trail_stats(trail, &stats);
    return stats.stored + stats.dead_lettered;
}

static int64_t deadline_of(const struct recorder *recorder)
{
    return clock_mono_us(&clock_system) + (int64_t)recorder->timeout_s * 1000000;
}

bool recorder_wait_stored(struct recorder *recorder, int signals_ignored)
{
    uint64_t progress = progress_of(recorder->trail);
    int64_t  deadline = deadline_of(recorder);
    for (;;) {
        enum trail_err err = trail_flush(recorder->trail, RECORDER_LOOK_MS);
        notices_print(&recorder->notices, "record");
        if (err == TRAIL_OK)
            return true;
        if (err != TRAIL_PENDING || interrupt_count() > signals_ignored ||
            notices_have(&recorder->notices, TRAIL_EVERSION))
            return false;

        uint64_t progress_now = progress_of(recorder->trail);
        if (progress_now != progress)
            deadline = deadline_of(recorder);
        else if (clock_mono_us(&clock_system) >= deadline)
            return false;
        progress = progress_now;
    }
}

static void tell_error(struct recorder *recorder, uint64_t number, const struct trail_error *error)
{
    const char *message = error->message[0] != '\0' ? error->message : trail_strerror(error->code);

    recorder->rejected++;
    if (recorder->rejected > recorder->errors_printed_max)
        return;
    if (recorder->file != NULL)
        fprintf(stderr, "%s: ", recorder->file);
    fprintf(stderr, "line %" PRIu64 ": %s", number, message);
    if (error->offset > 0)
        fprintf(stderr, " (byte %" PRIu64 ")", error->offset + 1);
    fputc('\n', stderr);
}

/* Offer a line for which the spool had no room until it has. */
static enum trail_err offer_again(struct recorder *recorder, struct trail_text line, struct trail_error *ret_error)
{
    const struct timespec pause = { 0, RECORDER_ROOM_PAUSE_MS * 1000000L };
    int64_t               deadline = deadline_of(recorder);
    for (;;) {
        uint64_t progress = progress_of(recorder->trail);
        if (!recorder_wait_stored(recorder, 0)) {
            recorder->stop = interrupt_count() > 0 ? RECORDER_INTERRUPTED : RECORDER_AWAY;
            return TRAIL_EFULL;
        }
        enum trail_err err = trail_record_json(recorder->trail, line, NULL, ret_error);
        if (err != TRAIL_EFULL)
            return err;

        if (progress_of(recorder->trail) != progress)
            deadline = deadline_of(recorder);
        /* Everything is stored and there is still no room: the disk is full, or the limit absurdly small. */
        if (clock_mono_us(&clock_system) >= deadline) {
            recorder->stop = RECORDER_BROKEN;
            return TRAIL_EFULL;
        }
        nanosleep(&pause, NULL);
    }
}

/* Whether the fault is the event's own; anything else would hit the next line as well. */
static bool is_own_fault(enum trail_err err)
{
    return err == TRAIL_EINVAL || err == TRAIL_ETOOBIG || err == TRAIL_EDATA;
}

void recorder_line(struct recorder *recorder, uint64_t number, struct trail_text line)
{
    struct trail_error error = { .code = TRAIL_OK };
    enum trail_err     err = trail_record_json(recorder->trail, line, NULL, &error);
    if (err == TRAIL_EFULL)
        err = offer_again(recorder, line, &error);

    recorder->lines++;
    if (err == TRAIL_OK || err == TRAIL_PENDING) {
        recorder->recorded++;
    } else if (err == TRAIL_REFUSED) {
        recorder->refused++;
    } else if (err == TRAIL_DROPPED) {
        recorder->dropped++;
    } else {
        error.code = err;
        tell_error(recorder, number, &error);
        if (!is_own_fault(err) && recorder->stop == RECORDER_GOES_ON)
            recorder->stop = RECORDER_BROKEN;
        else if (recorder->strict && recorder->stop == RECORDER_GOES_ON)
            recorder->stop = RECORDER_STRICT;
    }
}

void recorder_long_line(struct recorder *recorder, uint64_t number)
{
    struct trail_error error = { .code = TRAIL_ETOOBIG };
    snprintf(error.message, sizeof error.message, "longer than %d bytes", LINES_LIMIT_BYTES);
    recorder->lines++;
    tell_error(recorder, number, &error);
    if (recorder->strict)
        recorder->stop = RECORDER_STRICT;
}
