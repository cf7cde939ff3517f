/* id_set.h -- row ids that may have fallen out of use, crossed off as they are seen in use.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * First ids are gathered, in any order and any number of times; then the set is sealed, and each that is found in use
 * is marked.
 *
 * Thread: one owner.
 * Memory: grows on the heap with the number of different ids; id_set_done() frees it. {0} is an empty set.
 * Errors: id_set_add() alone can fail; the set is then as it was.
 */
#ifndef TRAIL_STORE_ID_SET_H
#define TRAIL_STORE_ID_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_set_entry {
    int64_t id;
    bool    used;
};

struct id_set {
    struct id_set_entry *entries;
    size_t               count;
    size_t               capacity;
    size_t               unused; /* Once sealed: those not marked yet. */
};

/* False: out of memory. Before the set is sealed. */
bool id_set_add(struct id_set *set, int64_t id);

/* Sort it, each id once. */
void id_set_seal(struct id_set *set);

/* This one is in use; ids that are not in the set do not matter. Once it is sealed. */
void id_set_mark(struct id_set *set, int64_t id);

void id_set_done(struct id_set *set);

#endif
