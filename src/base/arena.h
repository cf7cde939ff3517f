/* arena.h -- memory for many small things that are all given back at once.
 *
 * Unlike a buffer, an arena never moves what it has handed out.
 *
 * Thread: one owner.
 * Memory: owns its blocks; arena_clear() keeps the first for reuse.
 * Errors: NULL when out of memory.
 */
#ifndef TRAIL_BASE_ARENA_H
#define TRAIL_BASE_ARENA_H

#include "audittrail.h"

struct arena_block;

struct arena {
    struct arena_block *newest;
};

/* `size` bytes, 8-aligned, valid until arena_clear(). */
void *arena_take(struct arena *arena, size_t size);

/* A copy of the text. {NULL, 0} when out of memory (or when the text is empty). */
struct trail_text arena_copy(struct arena *arena, struct trail_text text);

void arena_clear(struct arena *arena);
void arena_done(struct arena *arena);

#endif
