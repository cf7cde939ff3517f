/* test_ref_cache.c -- the bounded cache of row ids.
 *
 * Goal: a hit is always right, the bounds hold, and what leaves is what was not used for longest.
 * Method: small caches filled past their bounds; then many random calls beside a plain array that does the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/ref_cache.h"

#define ENTRIES 256 /* The smallest cache there is. */

static struct trail_text number_key(char storage[16], int number)
{
    return (struct trail_text){ storage, (size_t)snprintf(storage, 16, "key %d", number) };
}

static bool has(struct ref_cache *cache, int number)
{
    char    storage[16];
    int64_t id = 0;
    bool    found = ref_cache_find(cache, number_key(storage, number), &id);
    assert_true(!found || id == number);
    return found;
}

static void put(struct ref_cache *cache, int number)
{
    char storage[16];
    ref_cache_put(cache, number_key(storage, number), number);
}

static void finds_what_was_put_and_nothing_else(void **state)
{
    (void)state;
    struct ref_cache cache;
    int64_t          id = 7;
    assert_int_equal(ref_cache_init(&cache, ENTRIES, 1 << 20), TRAIL_OK);
    assert_false(ref_cache_find(&cache, TRAIL_TEXT("a\0bc"), &id));
    assert_int_equal(id, 7);
    ref_cache_put(&cache, TRAIL_TEXT("a\0bc"), 1);
    ref_cache_put(&cache, TRAIL_TEXT("ab\0c"), 2);
    assert_true(ref_cache_find(&cache, TRAIL_TEXT("a\0bc"), &id) && id == 1);
    assert_true(ref_cache_find(&cache, TRAIL_TEXT("ab\0c"), &id) && id == 2);
    assert_false(ref_cache_find(&cache, TRAIL_TEXT("a\0b"), &id));
    ref_cache_put(&cache, TRAIL_TEXT("a\0bc"), 3);
    assert_true(ref_cache_find(&cache, TRAIL_TEXT("a\0bc"), &id) && id == 3);
    assert_int_equal(cache.entry_count, 2);
    ref_cache_done(&cache);
}

static void the_least_recently_used_leaves_first(void **state)
{
    (void)state;
    struct ref_cache cache;
    assert_int_equal(ref_cache_init(&cache, ENTRIES, 1 << 20), TRAIL_OK);
    for (int i = 0; i < ENTRIES; i++)
        put(&cache, i);
    assert_true(has(&cache, 0)); /* Used again: now 1 is the oldest. */
    put(&cache, ENTRIES);
    assert_int_equal(cache.entry_count, ENTRIES);
    assert_true(has(&cache, 0));
    assert_false(has(&cache, 1));
    assert_true(has(&cache, 2));
    ref_cache_done(&cache);
}

static void bytes_are_bounded_too(void **state)
{
    (void)state;
    struct ref_cache  cache;
    static char       large[1000];
    struct trail_text key = { large, sizeof large };
    assert_int_equal(ref_cache_init(&cache, ENTRIES, 5000), TRAIL_OK);
    for (int i = 0; i < 50; i++) {
        memcpy(large, &i, sizeof i);
        ref_cache_put(&cache, key, i);
        assert_true(cache.bytes <= 5000);
    }
    assert_int_equal(cache.entry_count, 4);

    static char huge[6000];
    key = (struct trail_text){ huge, sizeof huge };
    ref_cache_put(&cache, key, 1);
    int64_t id;
    assert_false(ref_cache_find(&cache, key, &id));
    assert_int_equal(cache.entry_count, 4); /* And nothing was pushed out for it. */
    ref_cache_done(&cache);
}

static void clear_forgets_and_leaves_it_usable(void **state)
{
    (void)state;
    struct ref_cache cache;
    assert_int_equal(ref_cache_init(&cache, 4 * ENTRIES, 1 << 20), TRAIL_OK);
    for (int i = 0; i < 4 * ENTRIES; i++)
        put(&cache, i);
    ref_cache_clear(&cache);
    assert_int_equal(cache.bytes, 0);
    for (int i = 0; i < 4 * ENTRIES; i++)
        assert_false(has(&cache, i));
    put(&cache, 5);
    assert_true(has(&cache, 5));
    ref_cache_done(&cache);
}

/* The model: when each number was last used; 0 = not in. */
static void agrees_with_a_plain_model_over_many_calls(void **state)
{
    (void)state;
    static unsigned  used[3 * ENTRIES];
    struct ref_cache cache;
    unsigned         random = 12345;
    size_t           evicted = 0;
    assert_int_equal(ref_cache_init(&cache, ENTRIES, 1 << 20), TRAIL_OK);
    for (unsigned step = 1; step <= 50000; step++) {
        random = random * 1664525u + 1013904223u;
        int number = (int)(random >> 8) % (3 * ENTRIES);
        assert_int_equal(has(&cache, number), used[number] != 0);
        if (used[number] == 0) {
            if (cache.entry_count == ENTRIES) {
                size_t oldest = 0;
                for (size_t i = 0; i < 3 * ENTRIES; i++) {
                    if (used[i] != 0 && (used[oldest] == 0 || used[i] < used[oldest]))
                        oldest = i;
                }
                used[oldest] = 0;
                evicted++;
            }
            put(&cache, number);
        }
        used[number] = step;
    }
    print_message("%zu entries pushed out\n", evicted);
    assert_true(evicted > 1000);
    ref_cache_done(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_put_and_nothing_else),
        cmocka_unit_test(the_least_recently_used_leaves_first),
        cmocka_unit_test(bytes_are_bounded_too),
        cmocka_unit_test(clear_forgets_and_leaves_it_usable),
        cmocka_unit_test(agrees_with_a_plain_model_over_many_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
