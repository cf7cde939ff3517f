/* simulate_notes.h -- what a reader of a simulation must know about its numbers: how sure they are, and why.
 *
 *     store  ->  [query]
 *
 * A forecast is worth what is said about it. Every assumption that went into one is a note with a stable code; a
 * simulation without notes other than `exact` is a count.
 *
 * Thread: any.
 * Memory: notes own their text.
 * Errors: none.
 */
#ifndef TRAIL_QUERY_SIMULATE_NOTES_H
#define TRAIL_QUERY_SIMULATE_NOTES_H

#include "query/simulate.h"

#define SIMULATE_NOTES_MAX 16

struct simulate_note {
    const char *code; /* "unseen", static. */
    char        text[320];
};

/* Returns how many there are. */
size_t simulation_notes(const struct simulation *simulation, struct simulate_note list[SIMULATE_NOTES_MAX]);

#endif
