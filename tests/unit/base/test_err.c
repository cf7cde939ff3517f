/* test_err.c -- an error says what went wrong, fits its struct, and is optional.
 *
 * Goal:   every code has a sentence; a message is cut, never overrun; NULL is taken.
 * Method: the table of the public header, messages longer than the struct.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"

static void every_code_has_its_sentence(void **state)
{
    (void)state;
    static const struct {
        enum trail_err code;
        const char    *sentence;
    } table[] = {
#define ROW(symbol, number, sentence) { symbol, sentence },
        TRAIL_ERR_MAP(ROW)
#undef ROW
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_string_equal(trail_strerror(table[i].code), table[i].sentence);
    assert_string_equal(trail_strerror((enum trail_err) - 1000), "unknown error code");
}

static void an_error_is_filled_in_and_its_code_returned(void **state)
{
    (void)state;
    struct trail_error error = { .offset = 99 };
    assert_int_equal(error_set(&error, TRAIL_EINVAL, 0, "%s is %d", "x", 7), TRAIL_EINVAL);
    assert_int_equal(error.code, TRAIL_EINVAL);
    assert_int_equal(error.sys_errno, 0);
    assert_int_equal(error.offset, 0);
    assert_string_equal(error.message, "x is 7");
}

static void the_systems_reason_follows_a_colon(void **state)
{
    (void)state;
    struct trail_error error;
    assert_int_equal(error_set_sys(&error, TRAIL_EIO, ENOSPC, "cannot create %s", "/x"), TRAIL_EIO);
    assert_int_equal(error.sys_errno, ENOSPC);
    assert_string_equal(error.message, "cannot create /x: No space left on device");
}

static void a_long_message_is_cut(void **state)
{
    (void)state;
    struct {
        struct trail_error error;
        char               guard[8];
    } both;
    char long_text[1000];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    memset(&both, '#', sizeof both);

    (void)error_set_sys(&both.error, TRAIL_EIO, EIO, "%s", long_text);
    assert_int_equal(strlen(both.error.message), sizeof both.error.message - 1);
    assert_memory_equal(both.guard, "########", 8);
}

static void nobody_has_to_listen(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, TRAIL_EFULL, 0, "%s", "unheard"), TRAIL_EFULL);
    assert_int_equal(error_set_sys(NULL, TRAIL_EIO, EIO, "%s", "unheard"), TRAIL_EIO);
}

static void the_version_is_the_headers(void **state)
{
    (void)state;
    assert_string_equal(trail_version(), TRAIL_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_sentence),
        cmocka_unit_test(an_error_is_filled_in_and_its_code_returned),
        cmocka_unit_test(the_systems_reason_follows_a_colon),
        cmocka_unit_test(a_long_message_is_cut),
        cmocka_unit_test(nobody_has_to_listen),
        cmocka_unit_test(the_version_is_the_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
