/* test_bash_completion.c -- the script has a word for everything that the tables have.
 *
 * Goal:   no option without an answer: its values, or that they cannot be guessed.
 * Method: the script is searched; bash itself is asked in tests/integration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/bash_completion.h"
#include "cli/commands.h"

static bool has(const struct buf *script, const char *text)
{
    return memmem(script->data, script->size, text, strlen(text)) != NULL;
}

static void check_option(const struct buf *script, const char *command, const struct option_info *option)
{
    char text[120];
    snprintf(text, sizeof text, "%s' --%s'", command, option->name);
    assert_int_equal(has(script, text), option->argument != NULL);
    snprintf(text, sizeof text, " --%s ", option->name);
    assert_true(has(script, text));
}

static void every_option_has_an_answer(void **state)
{
    (void)state;
    struct buf script;
    buf_init(&script, NULL, 0);
    bash_completion(&script);
    assert_false(buf_failed(&script));
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        for (const struct option_info *option = commands[i].usage()->options; option->name != NULL; option++)
            check_option(&script, commands[i].name, option);
    }
    for (const struct option_info *option = options_common; option->name != NULL; option++)
        check_option(&script, "*", option);
    buf_done(&script);
}

static void kinds_are_those_of_the_rows(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "query' --output' | query' -o') echo WORD table json ndjson csv ;;",
        "query' --requires-review') echo MAYBE yes no ;;",
        "query' --operation') echo LIST create read ",
        "query' --user') echo ANY ;;",
        "*' --env-file') echo FILE ;;",
        "*' --set') echo SETTING $(_audittrail_settings) ;;",
        "*' AUDIT_TRAIL_LEVEL') echo WORD all writes_only mutations_only deletes_only failures_only ;;",
        "*' AUDIT_TRAIL_ENABLED') echo WORD true false ;;",
        "record) echo FILE ;;",
        "config) echo WORD show check env docs ;;",
    };
    struct buf script;
    buf_init(&script, NULL, 0);
    bash_completion(&script);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_true(has(&script, lines[i]));
    buf_done(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_has_an_answer),
        cmocka_unit_test(kinds_are_those_of_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
