/* test_destination.c -- a store that was not reached yet is named by its URL.
 *
 * Goal:   equal URLs name one store, others another, and the name is what format.h says.
 * Method: against a digest computed elsewhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "spool/destination.h"

static void the_name_is_the_beginning_of_the_sha256_of_the_url(void **state)
{
    (void)state;
    /* printf abc | sha256sum */
    static const uint8_t expected[16] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                          0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23 };
    struct uuid          name;
    assert_int_equal(destination_of_url("abc", &name), TRAIL_OK);
    assert_memory_equal(name.bytes, expected, sizeof expected);
}

static void other_urls_have_other_names(void **state)
{
    (void)state;
    struct uuid one;
    struct uuid other;
    assert_int_equal(destination_of_url("sqlite:/a", &one), TRAIL_OK);
    assert_int_equal(destination_of_url("sqlite:/b", &other), TRAIL_OK);
    assert_false(uuid_equal(&one, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_is_the_beginning_of_the_sha256_of_the_url),
        cmocka_unit_test(other_urls_have_other_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
