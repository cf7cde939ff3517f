/* test_hash.c -- the keyed hash.
 *
 * Goal: hash_bytes() is SipHash-1-3, whatever the length, and depends on the key.
 * Method: values of an independent implementation (CPython's bytes.__hash__ with PYTHONHASHSEED=0, a key of zeros). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"

static void values_are_those_of_an_independent_implementation(void **state)
{
    static const struct {
        size_t   size;
        uint64_t hash;
    } cases[] = {
        { 1, UINT64_C(0x68a914128e01e473) },  { 7, UINT64_C(0x2f098ab0c751325a) },
        { 8, UINT64_C(0xead411e67ebe2eea) },  { 9, UINT64_C(0x75927f9d95124362) },
        { 15, UINT64_C(0xf30eb725bb91c9ea) }, { 16, UINT64_C(0x8972188433a5c5b7) },
        { 40, UINT64_C(0x95bc321ab41d8206) },
    };
    (void)state;
    uint8_t bytes[40];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    const struct hash_key zeros = { 0 };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_true(hash_bytes(&zeros, bytes, cases[i].size) == cases[i].hash);
}

static void another_key_gives_another_value(void **state)
{
    (void)state;
    struct hash_key a;
    struct hash_key b;
    assert_int_equal(hash_key_random(&a), TRAIL_OK);
    assert_int_equal(hash_key_random(&b), TRAIL_OK);
    assert_true(hash_bytes(&a, "audit", 5) != hash_bytes(&b, "audit", 5));
    assert_true(hash_bytes(&a, "audit", 5) == hash_bytes(&a, "audit", 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_an_independent_implementation),
        cmocka_unit_test(another_key_gives_another_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
