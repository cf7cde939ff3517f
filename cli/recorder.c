/* recorder.c -- offers lines of JSON to a trail as a file can be offered: waiting where a service would be refused. */
#include "cli/recorder.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/interrupt.h"
#include "cli/lines.h"
#include "trail/room.h"

/* How long one look at the drain lasts: short enough to notice a signal and to print what it has to say. */
#define RECORDER_LOOK_MS 200

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

void recorder_print_notices(struct recorder *recorder)
{
    if (notices_are_new(&recorder->notices))
        progress_clear(&recorder->progress);
    notices_print(&recorder->notices, "record");
}

bool recorder_wait_stored(struct recorder *recorder, int signals_ignored)
{
    uint64_t progress = progress_of(recorder->trail);
    int64_t  deadline = deadline_of(recorder);
    for (;;) {
        enum trail_err err = trail_flush(recorder->trail, RECORDER_LOOK_MS);
        recorder_print_notices(recorder);
        if (err == TRAIL_OK)
            return true;
        if (err != TRAIL_PENDING || interrupt_count() > signals_ignored ||
            notices_have(&recorder->notices, TRAIL_EVERSION))
            return false;

        uint64_t progress_now = progress_of(recorder->trail);
        progress_show(&recorder->progress, progress_now, progress_now);
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
    progress_clear(&recorder->progress);
    if (recorder->file != NULL)
        fprintf(stderr, "%s: ", recorder->file);
    fprintf(stderr, "line %" PRIu64 ": %s", number, message);
    if (error->offset > 0)
        fprintf(stderr, " (byte %" PRIu64 ")", error->offset + 1);
    fputc('\n', stderr);
}

/* Wait until the spool has room for the line, while the drain gets anything off its hands. A line is offered once only:
 * one that found the spool full would count as rejected. */
static bool wait_for_room(struct recorder *recorder, struct trail_text line)
{
    uint64_t progress = progress_of(recorder->trail);
    int64_t  deadline = deadline_of(recorder);
    while (!trail_wait_room(recorder->trail, line.size, RECORDER_LOOK_MS)) {
        recorder_print_notices(recorder);
        if (interrupt_count() > 0)
            recorder->stop = RECORDER_INTERRUPTED;
        else if (notices_have(&recorder->notices, TRAIL_EVERSION))
            recorder->stop = RECORDER_AWAY;

        uint64_t progress_now = progress_of(recorder->trail);
        progress_show(&recorder->progress, recorder->lines, recorder->bytes);
        if (progress_now != progress)
            deadline = deadline_of(recorder);
        else if (clock_mono_us(&clock_system) >= deadline)
            recorder->stop = RECORDER_AWAY;
        progress = progress_now;
        if (recorder->stop != RECORDER_GOES_ON)
            return false;
    }
    return true;
}

/* Whether the fault is the event's own; anything else would hit the next line as well. */
static bool is_own_fault(enum trail_err err)
{
    return err == TRAIL_EINVAL || err == TRAIL_ETOOBIG || err == TRAIL_EDATA;
}

void recorder_line(struct recorder *recorder, uint64_t number, struct trail_text line)
{
    struct trail_error error = { .code = TRAIL_OK };
    if (!trail_wait_room(recorder->trail, line.size, 0) && !wait_for_room(recorder, line))
        return; /* Not offered: the rest of the input was not read either. */

    enum trail_err err = trail_record_json(recorder->trail, line, NULL, &error);
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
