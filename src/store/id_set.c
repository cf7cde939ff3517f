/* id_set.c -- row ids that may have fallen out of use, crossed off as they are seen in use. */
#include "store/id_set.h"

#include <stdlib.h>

#define CAPACITY_FIRST 1024

static int compare(const void *a, const void *b)
{
    int64_t left = ((const struct id_set_entry *)a)->id;
    int64_t right = ((const struct id_set_entry *)b)->id;
    return left < right ? -1 : left > right ? 1 : 0;
}

static void compact(struct id_set *set)
{
    size_t kept = 0;
    if (set->count == 0)
        return;
    qsort(set->entries, set->count, sizeof *set->entries, compare);
    for (size_t i = 1; i < set->count; i++) {
        if (set->entries[i].id != set->entries[kept].id)
            set->entries[++kept] = set->entries[i];
    }
    set->count = kept + 1;
}

/* Repeats go first; only when they were fewer than half is there need for more room. */
static bool make_room(struct id_set *set)
{
    compact(set);
    if (set->count < set->capacity / 2)
        return true;
    size_t               capacity = set->capacity == 0 ? CAPACITY_FIRST : set->capacity * 2;
    struct id_set_entry *entries = realloc(set->entries, capacity * sizeof *entries);
    if (entries == NULL)
        return false;
    set->entries = entries;
    set->capacity = capacity;
    return true;
}

bool id_set_add(struct id_set *set, int64_t id)
{
    if (set->count > 0 && set->entries[set->count - 1].id == id)
        return true;
    if (set->count == set->capacity && !make_room(set))
        return false;
    set->entries[set->count++] = (struct id_set_entry){ .id = id };
    return true;
}

void id_set_seal(struct id_set *set)
{
    compact(set);
    set->unused = 0;
    for (size_t i = 0; i < set->count; i++)
        set->unused += !set->entries[i].used;
}

void id_set_mark(struct id_set *set, int64_t id)
{
    struct id_set_entry  key = { .id = id };
    struct id_set_entry *entry = set->count > 0 ? bsearch(&key, set->entries, set->count, sizeof key, compare) : NULL;
    if (entry == NULL || entry->used)
        return;
    entry->used = true;
    set->unused--;
}

void id_set_done(struct id_set *set)
{
    free(set->entries);
    *set = (struct id_set){ 0 };
}
