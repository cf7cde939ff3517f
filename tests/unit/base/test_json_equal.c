/* test_json_equal.c -- the same value in another spelling is equal, any other value is not.
 *
 * Goal:   no difference is reported that is only spelling, and none is hidden.
 * Method: a table of pairs, each compared both ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json_equal.h"

static void spelling_does_not_matter_and_values_do(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        bool        equal;
    } cases[] = {
        { "1", " 1 ", true },
        { "{\"a\":1,\"b\":[1,2]}", "{ \"b\" : [ 1, 2 ], \"a\" : 1 }", true },
        { "\"\\u0041\"", "\"A\"", true },
        { "\"\\/\"", "\"/\"", true },
        { "1.50", "1.5", true },
        { "1e2", "100.0", true },
        { "[1,2]", "[2,1]", false },
        { "1", "1.0", false },
        { "1", "\"1\"", false },
        { "null", "false", false },
        { "{\"a\":1}", "{\"a\":1,\"b\":null}", false },
        { "9007199254740993", "9007199254740992", false },
        { "\"a\\u0000b\"", "\"a\\u0000c\"", false },
        { "\"a\\u0000b\"", "\"a\\u0000b\"", true },
        { "99999999999999999999", "99999999999999999999", false }, /* Cannot be read. */
        { "{\"a\":1,\"a\":1}", "{\"a\":1,\"a\":1}", false },
        { "", "", false },
        { "[", "[", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(json_equal_texts(trail_str(cases[i].a), trail_str(cases[i].b)), cases[i].equal);
        assert_int_equal(json_equal_texts(trail_str(cases[i].b), trail_str(cases[i].a)), cases[i].equal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(spelling_does_not_matter_and_values_do) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
