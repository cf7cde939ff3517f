/* test_figures.c -- numbers, sizes and ages as people read them.
 *
 * Goal:   every order of magnitude has its form, the largest number fits.
 * Method: tables of values at the edges between two forms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/figures.h"

static void counts_have_their_commas(void **state)
{
    (void)state;
    assert_string_equal(figure_count(0).text, "0");
    assert_string_equal(figure_count(999).text, "999");
    assert_string_equal(figure_count(1000).text, "1,000");
    assert_string_equal(figure_count(1234567).text, "1,234,567");
    assert_string_equal(figure_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
}

static void bytes_have_their_unit(void **state)
{
    (void)state;
    assert_string_equal(figure_bytes(0).text, "0 B");
    assert_string_equal(figure_bytes(1023).text, "1023 B");
    assert_string_equal(figure_bytes(1024).text, "1.0 KiB");
    assert_string_equal(figure_bytes(16u * 1024 * 1024).text, "16 MiB");
    assert_string_equal(figure_bytes(UINT64_C(3) << 40).text, "3.0 TiB");
    assert_string_equal(figure_bytes(UINT64_MAX).text, "16384 PiB");
}

static void ages_have_their_unit(void **state)
{
    (void)state;
    assert_string_equal(figure_age(0).text, "0.0 s");
    assert_string_equal(figure_age(1500000).text, "1.5 s");
    assert_string_equal(figure_age(INT64_C(59) * 1000000).text, "59 s");
    assert_string_equal(figure_age(INT64_C(300) * 1000000).text, "5 min");
    assert_string_equal(figure_age(INT64_C(3600) * 3 * 1000000).text, "3 h");
    assert_string_equal(figure_age(INT64_C(86400) * 9 * 1000000).text, "9 days");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_have_their_commas),
        cmocka_unit_test(bytes_have_their_unit),
        cmocka_unit_test(ages_have_their_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
