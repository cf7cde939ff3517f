/* test_commands.c -- every command of the table says what it takes, in the form that help, completion and manual need.
 *
 * Goal:   no command is left out of what is made of the table, and none says it in a form of its own.
 * Method: every command and every option of the real table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/commands.h"

static void check_option(const struct option_info *option)
{
    size_t size = strlen(option->name);
    assert_int_equal(strspn(option->name, "abcdefghijklmnopqrstuvwxyz0123456789-"), size);
    assert_non_null(option->help);
    if (option->choices != NULL) {
        assert_non_null(option->argument);
        assert_true(strlen(option->choices) > 0);
        assert_null(strpbrk(option->choices, ",;|'\"\\$`\n"));
    }
}

static void every_command_says_what_it_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct usage *usage = commands[i].usage();
        assert_ptr_equal(command_find(commands[i].name), &commands[i]);
        assert_string_equal(usage->command, commands[i].name);
        assert_true(usage->about[0] != '\0' && usage->about[strlen(usage->about) - 1] != '\n');
        assert_true(usage->operands_max > 0 || usage->operands == NULL);
        for (const struct option_info *option = usage->options; option->name != NULL; option++) {
            check_option(option);
            assert_non_null(option->take);
            /* One that every command has would be hidden by it. */
            for (const struct option_info *other = options_common; other->name != NULL; other++)
                assert_string_not_equal(other->name, option->name);
        }
    }
    for (const struct option_info *option = options_common; option->name != NULL; option++)
        check_option(option);
}

static void no_option_stands_in_a_table_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct option_info *options = commands[i].usage()->options;
        for (size_t k = 0; options[k].name != NULL; k++) {
            for (size_t j = 0; j < k; j++) {
                assert_string_not_equal(options[j].name, options[k].name);
                assert_true(options[j].letter == 0 || options[j].letter != options[k].letter);
            }
        }
    }
}

static void what_is_no_command_is_not_found(void **state)
{
    (void)state;
    static const char *const names[] = { "", "quer", "queryy", "QUERY", "--help" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_null(command_find(names[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_says_what_it_takes),
        cmocka_unit_test(no_option_stands_in_a_table_twice),
        cmocka_unit_test(what_is_no_command_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
