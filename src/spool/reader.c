/* reader.c -- reads a writer's events in order, over all its segments, and says where some are missing.
 *
 * The happy path is: a valid event frame whose seq is next_seq. Possible failure modes are:
 *
 * - The frame is invalid, or absent in a segment that is finished although valid ones lie behind it: the rest of the
 *   segment is searched; where reading goes on, the jump in seq tells what is missing.
 * - A segment is missing, quarantined or cut short: the next one begins with a larger seq, also when there is no event
 *   in it; the same jump.
 * - Damage with nothing valid behind it, in the last segment: a lost tail, reported once, at the very end.
 */
#include "spool/reader.h"

#include <string.h>

void reader_init(struct reader *reader, const struct segment *first, uint64_t next_seq)
{
    *reader = (struct reader){ .segment = first, .offset = SPOOL_PAGE_SIZE, .next_seq = next_seq };
    if (first != NULL)
        reader->last_seen = first->base_seq - 1;
}

/* Go on with the next segment. False: there is none yet. */
static bool enter_next_segment(struct reader *reader)
{
    const struct segment *next = segment_next(reader->segment);
    if (next == NULL)
        return false;
    reader->segment = next;
    reader->offset = SPOOL_PAGE_SIZE;
    if (next->base_seq > reader->last_seen)
        reader->last_seen = next->base_seq - 1;
    reader->damaged = false; /* Its header says where the one before it ended: what is missing there is exact. */
    return true;
}

/* After an absent or invalid frame: move to the next valid one, here or in a later segment. False: there is none
 * (yet). */
static bool step_over_hole(struct reader *reader, enum frame_state state, bool sealed)
{
    if (state == FRAME_INVALID)
        reader->damaged = true;
    size_t found = frame_find(&reader->segment->area, reader->offset + FRAME_ALIGNMENT);
    if (found != 0) {
        reader->offset = found;
        return true;
    }
    if (!sealed)
        return false; /* Something valid may still be appended behind it. */
    if (reader->segment->cut_short)
        reader->damaged = true;
    /* A file that was cut need not end where a frame could begin. */
    reader->offset = (reader->segment->area.size + FRAME_ALIGNMENT - 1) & ~(size_t)(FRAME_ALIGNMENT - 1);
    return enter_next_segment(reader);
}

/* The next event frame, wherever it is. False: the end for now. */
static bool next_event_frame(struct reader *reader, struct frame *ret_frame)
{
    while (reader->segment != NULL) {
        size_t           next = 0;
        bool             sealed = segment_is_sealed(reader->segment); /* Before looking: what follows is then final. */
        enum frame_state state = frame_read(&reader->segment->area, reader->offset, ret_frame, &next);
        if (state == FRAME_VALID) {
            reader->offset = next;
            reader->damaged = false;
            if (ret_frame->type != FRAME_EVENT)
                continue;
            if (ret_frame->seq > reader->last_seen)
                reader->last_seen = ret_frame->seq;
            return true;
        } else if (state == FRAME_ABSENT && !sealed) {
            return false;
        } else if (!step_over_hole(reader, state, sealed)) {
            return false;
        }
    }
    return false;
}

static void take_gap(struct reader *reader, uint64_t last, int64_t not_after_us, struct reader_gap *ret_gap)
{
    *ret_gap = (struct reader_gap){ .first = reader->next_seq, .last = last, .not_after_us = not_after_us };
    reader->next_seq = last + 1;
}

/* Nothing follows. What the last header announced and no frame brought is an exact gap. Damage that nothing valid came
 * after is a lost tail; it is told once, as the event behind the last one known, so that a take-over that is
 * interrupted and done again does not tell it twice. */
static enum reader_result finish(struct reader *reader, struct reader_gap *ret_gap)
{
    if (reader->segment != NULL && !segment_is_sealed(reader->segment))
        return READER_END;
    if (reader->segment != NULL && reader->last_seen >= reader->next_seq) {
        take_gap(reader, reader->last_seen, 0, ret_gap);
        return READER_GAP;
    }
    bool lost = reader->damaged || reader->tail_lost;
    reader->damaged = false;
    reader->tail_lost = false;
    if (!lost || (reader->segment != NULL && reader->next_seq > reader->last_seen + 1))
        return READER_END;
    take_gap(reader, reader->next_seq, 0, ret_gap);
    ret_gap->open_end = true;
    return READER_GAP;
}

enum reader_result reader_next(struct reader *reader, struct frame *ret_frame, struct reader_gap *ret_gap)
{
    struct frame frame = reader->held;
    while (!reader->has_held) {
        if (!next_event_frame(reader, &frame))
            return finish(reader, ret_gap);
        if (frame.seq >= reader->next_seq)
            break;
    }

    if (frame.seq > reader->next_seq) {
        take_gap(reader, frame.seq - 1, frame.wall_us, ret_gap);
        reader->held = frame;
        reader->has_held = true;
        return READER_GAP;
    }
    reader->has_held = false;
    reader->next_seq = frame.seq + 1;
    *ret_frame = frame;
    return READER_EVENT;
}
