/* test_ref_resolver.c -- what the caches answer, what is left to look up, and whose the ids are.
 *
 * Goal: every process asks for the same tuples in the same order; an id goes to all events of its tuple and to no
 * other; nothing that was not settled is remembered.
 * Method: ids made up by the test in place of a database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "store/fixture.h"
#include "store/ref_resolver.h"

enum { EVENT_COUNT = 24, USER_COUNT = 7 };

static const char *const users[USER_COUNT] = { "alice", "bob", "carol", "dave", "erin", "frank", "grace" };

/* Every user about as often; the first event's actor is `first`. */
static void make_events(struct event_record events[EVENT_COUNT], size_t first, size_t step)
{
    for (size_t i = 0; i < EVENT_COUNT; i++) {
        events[i] = fixture_event(i + 1);
        events[i].event.user_id = trail_str(users[(first + i * step) % USER_COUNT]);
    }
}

static void must_ask(struct ref_resolver *resolver, const struct event_record *events, size_t count)
{
    assert_int_equal(resolver_ask_caches(resolver, events, count, NULL), TRAIL_OK);
}

/* Play the database: a number for each tuple, from `next` on. */
static int64_t give_ids(struct ref_resolver *resolver, int64_t next)
{
    for (size_t i = 0; i < resolver->miss_count; i++) {
        if (!resolver_is_repeat(resolver, i))
            resolver->misses[i].id = next++;
    }
    return next;
}

static void misses_are_sorted_and_equal_ones_stand_together(void **state)
{
    (void)state;
    struct ref_resolver resolver;
    struct event_record events[EVENT_COUNT];
    size_t              distinct[REFERENCE_KIND_COUNT] = { 0 };
    assert_int_equal(resolver_init(&resolver, NULL), TRAIL_OK);
    make_events(events, 0, 1);
    must_ask(&resolver, events, EVENT_COUNT);
    assert_int_equal(resolver.miss_count, 3 * EVENT_COUNT); /* No routes. */
    for (size_t i = 0; i < resolver.miss_count; i++) {
        const struct ref_miss *miss = &resolver.misses[i];
        distinct[miss->kind] += !resolver_is_repeat(&resolver, i);
        if (i == 0)
            continue;
        assert_true(miss[-1].kind <= miss->kind);
        if (miss[-1].kind == miss->kind)
            assert_true(memcmp(miss[-1].digest.bytes, miss->digest.bytes, sizeof miss->digest.bytes) <= 0);
    }
    assert_int_equal(distinct[REFERENCE_ACTOR], USER_COUNT);
    assert_int_equal(distinct[REFERENCE_RESOURCE], 1);
    assert_int_equal(distinct[REFERENCE_ACTION], 1);
    assert_int_equal(distinct[REFERENCE_ROUTE], 0);
    resolver_done(&resolver);
}

static void two_processes_ask_in_the_same_order(void **state)
{
    (void)state;
    struct ref_resolver resolvers[2];
    struct event_record events[2][EVENT_COUNT];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(resolver_init(&resolvers[i], NULL), TRAIL_OK);
        make_events(events[i], 5 * i, 1 + 2 * i);
        must_ask(&resolvers[i], events[i], EVENT_COUNT);
    }
    size_t at[2] = { 0 };
    for (int tuple = 0; tuple < USER_COUNT + 2; tuple++) {
        for (size_t i = 0; i < 2; i++) {
            while (resolver_is_repeat(&resolvers[i], at[i]))
                at[i]++;
        }
        assert_memory_equal(&resolvers[0].misses[at[0]++].digest, &resolvers[1].misses[at[1]++].digest,
                            REFERENCE_DIGEST_SIZE);
    }
    for (size_t i = 0; i < 2; i++)
        resolver_done(&resolvers[i]);
}

/* The id that each event got is the one of its user, whichever event asked for it. */
static void check_ids(const struct ref_resolver *resolver, const struct event_record *events)
{
    for (size_t i = 0; i < EVENT_COUNT; i++) {
        assert_int_equal(resolver->ids[i].ids[REFERENCE_ROUTE], 0);
        for (size_t j = 0; j < EVENT_COUNT; j++) {
            bool same_user = strcmp(events[i].event.user_id.data, events[j].event.user_id.data) == 0;
            bool same_id = resolver->ids[i].ids[REFERENCE_ACTOR] == resolver->ids[j].ids[REFERENCE_ACTOR];
            assert_true(resolver->ids[i].ids[REFERENCE_ACTOR] > 0);
            assert_int_equal(same_user, same_id);
        }
    }
}

static void settled_ids_reach_every_event_and_are_remembered(void **state)
{
    (void)state;
    struct ref_resolver resolver;
    struct event_record events[EVENT_COUNT];
    assert_int_equal(resolver_init(&resolver, NULL), TRAIL_OK);
    make_events(events, 0, 1);
    must_ask(&resolver, events, EVENT_COUNT);
    give_ids(&resolver, 100);
    resolver_settle(&resolver, events);
    check_ids(&resolver, events);

    int64_t alice = resolver.ids[0].ids[REFERENCE_ACTOR];
    make_events(events, 3, 2);
    must_ask(&resolver, events, EVENT_COUNT);
    assert_int_equal(resolver.miss_count, 0);
    check_ids(&resolver, events);
    assert_int_equal(resolver.ids[2].ids[REFERENCE_ACTOR], alice); /* (3 + 2 * 2) % 7 */
    resolver_done(&resolver);
}

/* What was rolled back belongs to nobody. */
static void ids_that_were_not_settled_are_not_remembered(void **state)
{
    (void)state;
    struct ref_resolver resolver;
    struct event_record events[EVENT_COUNT];
    assert_int_equal(resolver_init(&resolver, NULL), TRAIL_OK);
    make_events(events, 0, 1);
    must_ask(&resolver, events, EVENT_COUNT);
    give_ids(&resolver, 100);
    must_ask(&resolver, events, EVENT_COUNT);
    assert_int_equal(resolver.miss_count, 3 * EVENT_COUNT);
    for (size_t i = 0; i < resolver.miss_count; i++)
        assert_int_equal(resolver.misses[i].id, 0);
    resolver_done(&resolver);
}

static void what_is_forgotten_is_asked_for_again(void **state)
{
    (void)state;
    struct ref_resolver resolver;
    struct event_record events[EVENT_COUNT];
    assert_int_equal(resolver_init(&resolver, NULL), TRAIL_OK);
    make_events(events, 0, 1);
    must_ask(&resolver, events, EVENT_COUNT);
    int64_t next = give_ids(&resolver, 100);
    resolver_settle(&resolver, events);
    resolver_forget(&resolver);
    must_ask(&resolver, events, EVENT_COUNT);
    assert_int_equal(resolver.miss_count, 3 * EVENT_COUNT);
    give_ids(&resolver, next);
    resolver_settle(&resolver, events);
    check_ids(&resolver, events);
    for (size_t i = 0; i < EVENT_COUNT; i++)
        assert_true(resolver.ids[i].ids[REFERENCE_ACTOR] >= next);
    resolver_done(&resolver);
}

static void an_empty_batch_asks_for_nothing(void **state)
{
    (void)state;
    struct ref_resolver resolver;
    assert_int_equal(resolver_init(&resolver, NULL), TRAIL_OK);
    must_ask(&resolver, NULL, 0);
    assert_int_equal(resolver.miss_count, 0);
    resolver_settle(&resolver, NULL);
    resolver_done(&resolver);
    resolver_done(&resolver); /* Twice is as good as once. */
    resolver_done(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misses_are_sorted_and_equal_ones_stand_together),
        cmocka_unit_test(two_processes_ask_in_the_same_order),
        cmocka_unit_test(settled_ids_reach_every_event_and_are_remembered),
        cmocka_unit_test(ids_that_were_not_settled_are_not_remembered),
        cmocka_unit_test(what_is_forgotten_is_asked_for_again),
        cmocka_unit_test(an_empty_batch_asks_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
