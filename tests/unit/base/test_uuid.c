/* test_uuid.c -- uuids are random and well-formed, and an event's id gives back what it was made of.
 *
 * Goal:   text and bytes agree; an id is a valid UUIDv7; near misses are refused.
 * Method: known texts, round trips over the extremes of every part.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "base/uuid.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void random_uuids_are_version_4_and_differ(void **state)
{
    (void)state;
    struct uuid last = { { 0 } };
    for (int i = 0; i < 100; i++) {
        struct uuid uuid;
        assert_int_equal(uuid_random(&uuid), TRAIL_OK);
        assert_int_equal(uuid.bytes[6] >> 4, 4);
        assert_int_equal(uuid.bytes[8] >> 6, 2);
        assert_false(uuid_equal(&uuid, &last));
        assert_true(uuid_equal(&uuid, &uuid));
        last = uuid;
    }
}

static void text_and_bytes_agree(void **state)
{
    (void)state;
    static const struct uuid uuid = { { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76,
                                        0x54, 0x32, 0x10 } };
    struct uuid              back;
    char                     text[UUID_TEXT_SIZE];
    uuid_format(&uuid, text);
    assert_string_equal(text, "01234567-89ab-cdef-fedc-ba9876543210");
    assert_true(uuid_parse(trail_str(text), &back));
    assert_true(uuid_equal(&uuid, &back));
    assert_true(uuid_parse(TRAIL_TEXT("01234567-89AB-CDEF-FEDC-BA9876543210"), &back));
    assert_true(uuid_equal(&uuid, &back));
}

static void texts_that_are_no_uuid_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "01234567-89ab-cdef-fedc-ba987654321",
        "01234567-89ab-cdef-fedc-ba98765432100",
        "0123456789ab-cdef-fedc-ba9876543210a",
        "01234567 89ab-cdef-fedc-ba9876543210",
        "01234567-89ab-cdef-fedc-ba987654321g",
        "{1234567-89ab-cdef-fedc-ba9876543210",
        "01234567-89ab-cdef-fedc_ba9876543210",
    };
    struct uuid uuid = { { 7 } };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_false(uuid_parse(trail_str(cases[i]), &uuid));
    assert_int_equal(uuid.bytes[0], 7);
}

static void ids_give_back_their_parts(void **state)
{
    (void)state;
    static const int64_t  times_us[] = { 0, 999, 1000, INT64_C(1795493106123456), CLOCK_WALL_US_MAX };
    static const uint32_t hashes[] = { 0, 1, 0xFFFFF, 0x100000, 0xDEADBEEF, UINT32_MAX };
    static const uint64_t seqs[] = { 1, 2, EVENT_ID_SEQ_MASK, EVENT_ID_SEQ_MASK + 1, UINT64_MAX };
    for (size_t t = 0; t < COUNT_OF(times_us); t++) {
        for (size_t h = 0; h < COUNT_OF(hashes); h++) {
            for (size_t s = 0; s < COUNT_OF(seqs); s++) {
                struct trail_id       id;
                struct event_id_parts parts;
                event_id_format(times_us[t], hashes[h], seqs[s], &id);
                assert_int_equal(strlen(id.text), 36);
                assert_int_equal(id.text[14], '7');
                assert_non_null(strchr("89ab", id.text[19]));
                assert_true(event_id_parse(trail_str(id.text), &parts));
                assert_true(parts.timestamp_ms == times_us[t] / 1000);
                assert_int_equal(parts.writer_hash, hashes[h]);
                assert_true(parts.seq == (seqs[s] & EVENT_ID_SEQ_MASK));
            }
        }
    }
}

static void ids_sort_by_time_first(void **state)
{
    (void)state;
    struct trail_id early;
    struct trail_id late;
    event_id_format(1000, UINT32_MAX, UINT64_MAX, &early);
    event_id_format(2000, 0, 0, &late);
    assert_true(strcmp(early.text, late.text) < 0);
}

static void other_versions_are_no_event_ids(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "01234567-89ab-4def-bedc-ba9876543210", /* Version 4. */
        "01234567-89ab-7def-fedc-ba9876543210", /* Another variant. */
        "01234567-89ab-7def-bedc-ba987654321",
    };
    struct event_id_parts parts = { .seq = 7 };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_false(event_id_parse(trail_str(cases[i]), &parts));
    assert_int_equal(parts.seq, 7);
}

static void a_writers_hash_is_the_checksum_of_its_bytes(void **state)
{
    (void)state;
    static const struct uuid zero = { { 0 } };
    struct uuid              other = zero;
    other.bytes[15] = 1;
    assert_int_equal(uuid_hash32(&zero), uuid_hash32(&zero));
    assert_int_not_equal(uuid_hash32(&zero), uuid_hash32(&other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_uuids_are_version_4_and_differ),
        cmocka_unit_test(text_and_bytes_agree),
        cmocka_unit_test(texts_that_are_no_uuid_are_refused),
        cmocka_unit_test(ids_give_back_their_parts),
        cmocka_unit_test(ids_sort_by_time_first),
        cmocka_unit_test(other_versions_are_no_event_ids),
        cmocka_unit_test(a_writers_hash_is_the_checksum_of_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
