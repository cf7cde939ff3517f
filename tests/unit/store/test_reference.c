/* test_reference.c -- the keys and digests of what is stored once.
 *
 * Goal: tuples that differ have different keys, tuples that mean the same have the same, and the digest is the
 * documented one.
 * Method: keys of small events compared; one digest computed by Python's hashlib. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "store/reference.h"

static struct trail_text key_of(enum reference_kind kind, const struct trail_event *event, struct buf *buf)
{
    buf_clear(buf);
    assert_true(reference_key(kind, event, buf));
    return buf_text(buf);
}

static bool same_key(enum reference_kind kind, const struct trail_event *a, const struct trail_event *b)
{
    struct buf left;
    struct buf right;
    buf_init(&left, NULL, 0);
    buf_init(&right, NULL, 0);
    struct trail_text x = key_of(kind, a, &left);
    struct trail_text y = key_of(kind, b, &right);
    bool              same = x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
    buf_done(&left);
    buf_done(&right);
    return same;
}

static void shifted_parts_are_another_tuple(void **state)
{
    (void)state;
    const struct trail_event a = { .resource_type = TRAIL_TEXT("a"), .resource_id = TRAIL_TEXT("bc") };
    const struct trail_event b = { .resource_type = TRAIL_TEXT("ab"), .resource_id = TRAIL_TEXT("c") };
    const struct trail_event c = { .resource_type = TRAIL_TEXT("a"), .resource_name = TRAIL_TEXT("bc") };
    assert_false(same_key(REFERENCE_RESOURCE, &a, &b));
    assert_false(same_key(REFERENCE_RESOURCE, &a, &c));
    assert_true(same_key(REFERENCE_RESOURCE, &a, &a));
}

static void absent_and_empty_are_the_same(void **state)
{
    (void)state;
    const struct trail_event absent = { .resource_type = TRAIL_TEXT("tool") };
    const struct trail_event empty = { .resource_type = TRAIL_TEXT("tool"), .resource_id = TRAIL_TEXT("") };
    assert_true(same_key(REFERENCE_RESOURCE, &absent, &empty));
}

static void the_operation_is_part_of_the_action(void **state)
{
    (void)state;
    const struct trail_event read = { .action = TRAIL_TEXT("x"), .operation = TRAIL_OPERATION_READ };
    const struct trail_event other = { .action = TRAIL_TEXT("x"), .operation = TRAIL_OPERATION_OTHER };
    assert_false(same_key(REFERENCE_ACTION, &read, &other));
}

static void an_event_without_a_path_has_no_route(void **state)
{
    (void)state;
    struct trail_event event = { .action = TRAIL_TEXT("x") };
    struct buf         buf;
    buf_init(&buf, NULL, 0);
    assert_false(reference_key(REFERENCE_ROUTE, &event, &buf));
    assert_int_equal(buf.size, 0);
    event.request_method = TRAIL_TEXT("GET");
    assert_true(reference_key(REFERENCE_ROUTE, &event, &buf));
    buf_done(&buf);
}

static void the_digest_is_the_documented_one(void **state)
{
    (void)state;
    static const uint8_t     expected[REFERENCE_DIGEST_SIZE] = { 0xca, 0xc7, 0x0e, 0xee, 0x73, 0xcc, 0x4b, 0x2f,
                                                                 0xe4, 0xcb, 0xeb, 0x64, 0x3d, 0xa4, 0x50, 0xa5 };
    const struct trail_event event = { .action = TRAIL_TEXT("create_tool"), .operation = TRAIL_OPERATION_CREATE };
    struct reference_digest  digest;
    struct sha256            sha256;
    struct buf               buf;
    buf_init(&buf, NULL, 0);
    assert_int_equal(sha256_init(&sha256), TRAIL_OK);
    assert_int_equal(reference_digest(&sha256, key_of(REFERENCE_ACTION, &event, &buf), &digest), TRAIL_OK);
    assert_memory_equal(digest.bytes, expected, sizeof expected);
    sha256_done(&sha256);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shifted_parts_are_another_tuple),     cmocka_unit_test(absent_and_empty_are_the_same),
        cmocka_unit_test(the_operation_is_part_of_the_action), cmocka_unit_test(an_event_without_a_path_has_no_route),
        cmocka_unit_test(the_digest_is_the_documented_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
