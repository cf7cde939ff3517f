/* arena.c -- memory for many small things that are all given back at once. */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

/* Most uses stay within one block. */
#define ARENA_BLOCK_SIZE (64u * 1024)

struct arena_block {
    struct arena_block *older;
    size_t              used;
    size_t              size;
    _Alignas(8) char bytes[];
};

void *arena_take(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->newest;
    if (size > SIZE_MAX - sizeof *block - 7)
        return NULL; /* Rounded up it would wrap. */
    size = (size + 7) & ~(size_t)7;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > ARENA_BLOCK_SIZE ? size : ARENA_BLOCK_SIZE;
        block = malloc(sizeof *block + room);
        if (block == NULL)
            return NULL;
        block->older = arena->newest;
        block->used = 0;
        block->size = room;
        arena->newest = block;
    }
    void *taken = block->bytes + block->used;
    block->used += size;
    return taken;
}

struct trail_text arena_copy(struct arena *arena, struct trail_text text)
{
    struct trail_text copy = { NULL, 0 };
    char             *bytes = text.size > 0 ? arena_take(arena, text.size) : NULL;
    if (bytes == NULL)
        return copy;
    memcpy(bytes, text.data, text.size);
    copy.data = bytes;
    copy.size = text.size;
    return copy;
}

void arena_clear(struct arena *arena)
{
    while (arena->newest != NULL && arena->newest->older != NULL) {
        struct arena_block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
    if (arena->newest != NULL)
        arena->newest->used = 0;
}

void arena_done(struct arena *arena)
{
    arena_clear(arena);
    free(arena->newest);
    arena->newest = NULL;
}
