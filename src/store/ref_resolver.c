/* ref_resolver.c -- turns the repeated parts of a batch's events into row ids: what is the same for every database. */
#include "store/ref_resolver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static enum trail_err no_memory(struct trail_error *ret_error)
{
    return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory to look up the references of a batch");
}

enum trail_err resolver_init(struct ref_resolver *resolver, struct trail_error *ret_error)
{
    memset(resolver, 0, offsetof(struct ref_resolver, key_storage));
    buf_init(&resolver->key, resolver->key_storage, sizeof resolver->key_storage);
    for (size_t i = 0; i < REFERENCE_KIND_COUNT; i++) {
        enum trail_err err = ref_cache_init(&resolver->caches[i], RESOLVER_CACHE_ENTRIES_MAX, RESOLVER_CACHE_BYTES_MAX);
        if (err != TRAIL_OK)
            return error_set(ret_error, err, 0, "no memory or no randomness for the caches of a store");
    }
    enum trail_err err = sha256_init(&resolver->sha256);
    return err == TRAIL_OK ? TRAIL_OK : error_set(ret_error, err, 0, "libcrypto has no SHA-256");
}

void resolver_done(struct ref_resolver *resolver)
{
    if (resolver == NULL)
        return;
    for (size_t i = 0; i < REFERENCE_KIND_COUNT; i++)
        ref_cache_done(&resolver->caches[i]);
    sha256_done(&resolver->sha256);
    buf_done(&resolver->key);
    free(resolver->ids);
    free(resolver->misses);
    resolver->ids = NULL;
    resolver->misses = NULL;
    resolver->ids_capacity = resolver->miss_count = resolver->miss_capacity = 0;
}

static bool have_ids(struct ref_resolver *resolver, size_t event_count)
{
    if (event_count <= resolver->ids_capacity)
        return true;
    struct reference_ids *ids = realloc(resolver->ids, event_count * sizeof *ids);
    if (ids == NULL)
        return false;
    resolver->ids = ids;
    resolver->ids_capacity = event_count;
    return true;
}

static struct ref_miss *new_miss(struct ref_resolver *resolver)
{
    if (resolver->miss_count == resolver->miss_capacity) {
        size_t           capacity = resolver->miss_capacity == 0 ? 64 : resolver->miss_capacity * 2;
        struct ref_miss *misses = realloc(resolver->misses, capacity * sizeof *misses);
        if (misses == NULL)
            return NULL;
        resolver->misses = misses;
        resolver->miss_capacity = capacity;
    }
    return &resolver->misses[resolver->miss_count++];
}

/* One reference of one event: its id, or a miss. */
static enum trail_err ask_cache(struct ref_resolver *resolver, const struct event_record *events, size_t event,
                                enum reference_kind kind, struct trail_error *ret_error)
{
    int64_t *id = &resolver->ids[event].ids[kind];
    *id = 0;
    buf_clear(&resolver->key);
    if (!reference_key(kind, &events[event].event, &resolver->key))
        return buf_failed(&resolver->key) ? no_memory(ret_error) : TRAIL_OK;
    if (ref_cache_find(&resolver->caches[kind], buf_text(&resolver->key), id))
        return TRAIL_OK;

    struct ref_miss *miss = new_miss(resolver);
    if (miss == NULL)
        return no_memory(ret_error);
    *miss = (struct ref_miss){ .event = (uint32_t)event, .kind = (uint8_t)kind };
    enum trail_err err = reference_digest(&resolver->sha256, buf_text(&resolver->key), &miss->digest);
    return err == TRAIL_OK ? TRAIL_OK : error_set(ret_error, err, 0, "libcrypto cannot make a digest");
}

static int compare_misses(const void *a, const void *b)
{
    const struct ref_miss *left = a;
    const struct ref_miss *right = b;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    return memcmp(left->digest.bytes, right->digest.bytes, sizeof left->digest.bytes);
}

enum trail_err resolver_ask_caches(struct ref_resolver *resolver, const struct event_record *events, size_t event_count,
                                   struct trail_error *ret_error)
{
    resolver->miss_count = 0;
    if (!have_ids(resolver, event_count))
        return no_memory(ret_error);
    enum trail_err err = TRAIL_OK;
    for (size_t i = 0; err == TRAIL_OK && i < event_count; i++) {
        for (int kind = 0; err == TRAIL_OK && kind < REFERENCE_KIND_COUNT; kind++)
            err = ask_cache(resolver, events, i, (enum reference_kind)kind, ret_error);
    }
    if (err == TRAIL_OK && resolver->miss_count > 1)
        qsort(resolver->misses, resolver->miss_count, sizeof *resolver->misses, compare_misses);
    return err;
}

bool resolver_is_repeat(const struct ref_resolver *resolver, size_t i)
{
    assert(i < resolver->miss_count);
    return i > 0 && compare_misses(&resolver->misses[i], &resolver->misses[i - 1]) == 0;
}

void resolver_settle(struct ref_resolver *resolver, const struct event_record *events)
{
    for (size_t i = 0; i < resolver->miss_count; i++) {
        struct ref_miss *miss = &resolver->misses[i];
        bool             repeat = resolver_is_repeat(resolver, i);
        if (repeat)
            miss->id = resolver->misses[i - 1].id;
        assert(miss->id > 0);
        resolver->ids[miss->event].ids[miss->kind] = miss->id;
        if (repeat)
            continue;
        buf_clear(&resolver->key);
        if (reference_key((enum reference_kind)miss->kind, &events[miss->event].event, &resolver->key))
            ref_cache_put(&resolver->caches[miss->kind], buf_text(&resolver->key), miss->id);
    }
}

void resolver_forget(struct ref_resolver *resolver)
{
    for (size_t i = 0; i < REFERENCE_KIND_COUNT; i++)
        ref_cache_clear(&resolver->caches[i]);
}
