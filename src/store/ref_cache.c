/* ref_cache.c -- remembers the row ids of recently used references, within fixed bounds. */
#include "store/ref_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* What an empty cache holds: 256 entries, 10 KiB. */
#define CAPACITY_MIN 256

static size_t entry_bytes(size_t key_size)
{
    return sizeof(struct ref_entry) + key_size;
}

static uint32_t *bucket_of(const struct ref_cache *cache, uint64_t hash)
{
    return &cache->buckets[hash & (cache->entry_capacity - 1)];
}

/* ---- The order of use ---- */

static void unlink_from_order(struct ref_cache *cache, uint32_t index)
{
    struct ref_entry *entry = &cache->entries[index];
    if (entry->newer == NONE)
        cache->newest = entry->older;
    else
        cache->entries[entry->newer].older = entry->older;
    if (entry->older == NONE)
        cache->oldest = entry->newer;
    else
        cache->entries[entry->older].newer = entry->newer;
}

static void link_as_newest(struct ref_cache *cache, uint32_t index)
{
    struct ref_entry *entry = &cache->entries[index];
    entry->newer = NONE;
    entry->older = cache->newest;
    if (cache->newest != NONE)
        cache->entries[cache->newest].newer = index;
    cache->newest = index;
    if (cache->oldest == NONE)
        cache->oldest = index;
}

/* ---- Growing and shrinking ---- */

/* Chain every entry in use anew, and the unused ones from `first_free` into the free list. */
static void rebuild_chains(struct ref_cache *cache, size_t first_free)
{
    memset(cache->buckets, 0xFF, cache->entry_capacity * sizeof *cache->buckets);
    for (uint32_t i = cache->newest; i != NONE; i = cache->entries[i].older) {
        uint32_t *bucket = bucket_of(cache, cache->entries[i].hash);
        cache->entries[i].chain = *bucket;
        *bucket = i;
    }
    for (size_t i = cache->entry_capacity; i > first_free; i--) {
        cache->entries[i - 1] = (struct ref_entry){ .chain = cache->free_list };
        cache->free_list = (uint32_t)(i - 1);
    }
}

/* Double the room. False: no memory, or as large as it may get. */
static bool grow(struct ref_cache *cache)
{
    size_t old_capacity = cache->entry_capacity;
    size_t capacity = old_capacity == 0 ? CAPACITY_MIN : old_capacity * 2;
    if (capacity > cache->entries_max)
        return false;

    struct ref_entry *entries = realloc(cache->entries, capacity * sizeof *entries);
    if (entries == NULL)
        return false;
    cache->entries = entries;
    uint32_t *buckets = realloc(cache->buckets, capacity * sizeof *buckets);
    if (buckets == NULL)
        return false;
    cache->buckets = buckets;
    cache->entry_capacity = capacity;
    rebuild_chains(cache, old_capacity);
    return true;
}

static void evict_oldest(struct ref_cache *cache)
{
    uint32_t          index = cache->oldest;
    struct ref_entry *entry = &cache->entries[index];
    uint32_t         *link = bucket_of(cache, entry->hash);
    while (*link != index)
        link = &cache->entries[*link].chain;
    *link = entry->chain;

    unlink_from_order(cache, index);
    cache->bytes -= entry_bytes(entry->key_size);
    cache->entry_count--;
    free(entry->key);
    *entry = (struct ref_entry){ .chain = cache->free_list };
    cache->free_list = index;
}

/* Make room for one more entry with such a key. False: there is none to be had. */
static bool make_room(struct ref_cache *cache, size_t key_size)
{
    if (entry_bytes(key_size) > cache->bytes_max)
        return false;
    while (cache->entry_count > 0 && cache->bytes + entry_bytes(key_size) > cache->bytes_max)
        evict_oldest(cache);
    if (cache->free_list == NONE && !grow(cache) && cache->entry_count > 0)
        evict_oldest(cache);
    return cache->free_list != NONE;
}

/* ---- The cache ---- */

enum trail_err ref_cache_init(struct ref_cache *cache, size_t entries_max, size_t bytes_max)
{
    assert(entries_max < NONE);
    *cache = (struct ref_cache){
        .entries_max = CAPACITY_MIN, .bytes_max = bytes_max, .newest = NONE, .oldest = NONE, .free_list = NONE
    };
    while (cache->entries_max < entries_max)
        cache->entries_max *= 2;
    enum trail_err err = hash_key_random(&cache->hash_key);
    if (err != TRAIL_OK)
        return err;
    return grow(cache) ? TRAIL_OK : TRAIL_ENOMEM;
}

void ref_cache_done(struct ref_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < cache->entry_capacity; i++)
        free(cache->entries[i].key);
    free(cache->entries);
    free(cache->buckets);
    *cache = (struct ref_cache){ 0 };
}

void ref_cache_clear(struct ref_cache *cache)
{
    while (cache->entry_count > 0)
        evict_oldest(cache);
    assert(cache->bytes == 0);
}

static uint32_t find(const struct ref_cache *cache, struct trail_text key, uint64_t hash)
{
    for (uint32_t i = *bucket_of(cache, hash); i != NONE; i = cache->entries[i].chain) {
        const struct ref_entry *entry = &cache->entries[i];
        if (entry->hash == hash && entry->key_size == key.size && memcmp(entry->key, key.data, key.size) == 0)
            return i;
    }
    return NONE;
}

bool ref_cache_find(struct ref_cache *cache, struct trail_text key, int64_t *ret_id)
{
    uint32_t index = find(cache, key, hash_bytes(&cache->hash_key, key.data, key.size));
    if (index == NONE)
        return false;
    if (index != cache->newest) {
        unlink_from_order(cache, index);
        link_as_newest(cache, index);
    }
    *ret_id = cache->entries[index].id;
    return true;
}

void ref_cache_put(struct ref_cache *cache, struct trail_text key, int64_t id)
{
    assert(key.size > 0);
    uint64_t hash = hash_bytes(&cache->hash_key, key.data, key.size);
    uint32_t index = find(cache, key, hash);
    if (index != NONE) {
        cache->entries[index].id = id;
        return;
    }
    char *copy = key.size < cache->bytes_max ? malloc(key.size) : NULL;
    if (copy == NULL || !make_room(cache, key.size)) {
        free(copy);
        return;
    }
    memcpy(copy, key.data, key.size);

    index = cache->free_list;
    struct ref_entry *entry = &cache->entries[index];
    cache->free_list = entry->chain;
    uint32_t *bucket = bucket_of(cache, hash);
    *entry =
        (struct ref_entry){ .hash = hash, .id = id, .key = copy, .key_size = (uint32_t)key.size, .chain = *bucket };
    *bucket = index;
    link_as_newest(cache, index);
    cache->bytes += entry_bytes(key.size);
    cache->entry_count++;
}
