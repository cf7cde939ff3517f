/* test_suggest.c -- the nearest known word is found, and another word is not taken for a typing error.
 *
 * Goal:   a slip of the finger gets a suggestion, nonsense gets none.
 * Method: a table of words typed and the word that must, or must not, be suggested.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/suggest.h"

static const char *const known[] = { "record", "query", "stats", "config", "version", "help" };

static void slips_find_their_word_and_nonsense_finds_none(void **state)
{
    (void)state;
    static const struct {
        const char *typed;
        const char *expected;
    } cases[] = {
        { "recrod", "record" },
        { "rec", "record" },
        { "querry", "query" },
        { "stat", "stats" },
        { "verison", "version" },
        { "hlep", "help" },
        { "banana", NULL },
        { "x", NULL },
        { "", NULL },
        { "delete_all", NULL },
        { "recordings-of-a-length-nobody-types-by-a-slip-of-it", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct suggestion suggestion = SUGGESTION_FOR(cases[i].typed);
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
            suggest_consider(&suggestion, known[k]);
        if (cases[i].expected == NULL)
            assert_null(suggestion.nearest);
        else
            assert_string_equal(suggestion.nearest, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slips_find_their_word_and_nonsense_finds_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
