/* follow.h -- reads a spool that its owner goes on writing, segment after segment, as an onlooker.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * A frame is read as soon as it is published: it is in memory that the owner and we share. A segment is opened when the
 * one before it is read to its end, so at most two are mapped, and one that its owner unlinks is held no longer than it
 * takes to read it. Nothing is locked and nothing changed; segments that were unlinked before we opened them come out
 * of the reader as a gap, and are in the store.
 *
 * Thread: one owner; the spool's owner, another process, may append, unlink and die meanwhile.
 * Memory: frames live until follow_release() or follow_done().
 * Errors: none: what cannot be opened now is tried again at the next call.
 */
#ifndef TRAIL_SPOOL_FOLLOW_H
#define TRAIL_SPOOL_FOLLOW_H

#include "spool/reader.h"

struct follow {
    char                  path[OS_PATH_SIZE]; /* The writer's directory. */
    struct segment       *first;              /* Oldest that is mapped; NULL: none was opened yet. */
    struct segment       *last;
    uint32_t              last_number; /* Of `last`; 0: none. */
    struct spool_identity identity;    /* From the newest header, valid when `last` is set. */
    struct reader         reader;
    bool                  gone; /* The directory is no longer there: what is mapped is all there is. */
};

void follow_init(struct follow *follow, const char *path);
void follow_done(struct follow *follow);

/* Open the oldest segment, if none was opened yet. False: there is none that holds anything; try again later. */
bool follow_open(struct follow *follow);

/* After follow_open(), once: events before next_seq are passed over; 0: begin with the oldest that is there. */
void follow_start(struct follow *follow, uint64_t next_seq);

/* The next event or gap; READER_END: nothing more for now. */
enum reader_result follow_next(struct follow *follow, struct frame *ret_frame, struct reader_gap *ret_gap);

/* Unmap what has been read to its end. */
void follow_release(struct follow *follow);

#endif
