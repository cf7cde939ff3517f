/* test_options.c -- an option table is parsed in every spelling, and what is wrong ends with exit code 2.
 *
 * Goal:   values reach their take functions unchanged; nothing is guessed.
 * Method: command lines as tables of words against a table of four options that note what they were given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/screen.h"

struct noted {
    char text[128];
};

static const char *note(void *context, const char *letter, const char *value)
{
    struct noted *noted = context;
    size_t        used = strlen(noted->text);
    snprintf(noted->text + used, sizeof noted->text - used, "%s=%s;", letter, value != NULL ? value : "-");
    return value != NULL && strcmp(value, "bad") == 0 ? "anything but bad" : NULL;
}

static const char *take_file(void *context, const char *value)
{
    return note(context, "file", value);
}

static const char *take_filter(void *context, const char *value)
{
    return note(context, "filter", value);
}

static const char *take_strict(void *context, const char *value)
{
    return note(context, "strict", value);
}

static const char *take_review(void *context, const char *value)
{
    return note(context, "review", value);
}

static const struct option_info table[] = {
    { "file", 'f', "FILE", "a file", take_file },
    { "filter", 0, "WHAT", "more than the word that begins it", take_filter },
    { "strict", 's', NULL, "a flag", take_strict },
    { "review", 0, "[=yes|no]", "a value that may be left out", take_review },
    { NULL, 0, NULL, NULL, NULL },
};

static const struct usage usage = {
    .command = "test", .synopsis = "", .about = "A test.", .options = table, .operands_max = 3
};

/* Split `line` at its blanks and parse it. */
static bool parse(struct options *options, struct noted *noted, const char *line)
{
    static char  text[256];
    static char  name[] = "test";
    static char *argv[32];
    size_t       count = 0;
    snprintf(text, sizeof text, "%s", line);
    argv[count++] = name;
    for (char *word = text; *word != '\0';) {
        char *end = word + strcspn(word, " ");
        argv[count++] = word;
        word = *end == ' ' ? end + 1 : end;
        *end = '\0';
    }
    argv[count] = NULL;
    noted->text[0] = '\0';
    return options_parse(options, &usage, argv, noted);
}

static void every_spelling_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *noted;
        size_t      operands;
    } cases[] = {
        { "", "", 0 },
        { "--file a", "file=a;", 0 },
        { "--file=a", "file=a;", 0 },
        { "--file=", "file=;", 0 },
        { "--file a=b", "file=a=b;", 0 },
        { "--file=a=b", "file=a=b;", 0 },
        { "-f a", "file=a;", 0 },
        { "-fa", "file=a;", 0 },
        { "-f -", "file=-;", 0 },
        { "-sfa", "strict=-;file=a;", 0 },
        { "-sf a", "strict=-;file=a;", 0 },
        { "-ss x", "strict=-;strict=-;", 1 },
        { "--filter a --file b", "filter=a;file=b;", 0 },
        { "-s --strict", "strict=-;strict=-;", 0 },
        { "--review", "review=-;", 0 },
        { "--review=no x", "review=no;", 1 },
        { "--review x", "review=-;", 1 },
        { "a -s b", "strict=-;", 2 },
        { "- --strict", "strict=-;", 1 },
        { "-s -- --strict -f", "strict=-;", 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct options options;
        struct noted   noted;
        assert_true(parse(&options, &noted, cases[i].line));
        assert_string_equal(noted.text, cases[i].noted);
        assert_int_equal(options.operand_count, cases[i].operands);
    }
}

static void what_is_wrong_is_a_usage_error(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "--nothing",
        "--fil a",
        "--file",
        "-f",
        "-x",
        "--strict=yes",
        "--file bad",
        "--file=bad",
        "a b c d",
        "--set X=1",
        "--set AUDIT_TRAIL_LEVEL",
        "--env-file",
        "--review=bad",
        "-strict",
        "-sf",
        "-s-strict",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct options options;
        struct noted   noted;
        assert_false(parse(&options, &noted, lines[i]));
        assert_int_equal(options.exit_code, EXIT_CODE_USAGE);
    }
}

static void help_is_no_error(void **state)
{
    (void)state;
    struct options options;
    struct noted   noted;
    assert_false(parse(&options, &noted, "--file a --help"));
    assert_int_equal(options.exit_code, EXIT_CODE_OK);
    assert_false(parse(&options, &noted, "-h"));
    assert_int_equal(options.exit_code, EXIT_CODE_OK);
}

static void common_options_gather_settings(void **state)
{
    (void)state;
    struct options options;
    struct noted   noted;
    assert_true(parse(&options, &noted, "--env-file x.env --set AUDIT_TRAIL_LEVEL=all --set=AUDIT_TRAIL_ASYNC=false"));
    assert_string_equal(options.env_file, "x.env");
    assert_int_equal(options.setting_count, 2);
    assert_string_equal(options.settings[0], "AUDIT_TRAIL_LEVEL=all");
    assert_string_equal(options.settings[1], "AUDIT_TRAIL_ASYNC=false");
    assert_null(options.settings[2]);
}

static void colours_are_chosen_by_a_word(void **state)
{
    (void)state;
    struct options options;
    struct noted   noted;
    FILE          *file = tmpfile();
    assert_non_null(file);
    assert_true(parse(&options, &noted, "--color=never --color always"));
    assert_true(screen_of(file).colors);
    assert_false(parse(&options, &noted, "--color=red"));
    assert_int_equal(options.exit_code, EXIT_CODE_USAGE);
    assert_false(parse(&options, &noted, "--color"));
    assert_true(parse(&options, &noted, "--color=auto"));
    assert_false(screen_of(file).colors);
    fclose(file);
}

static void an_added_setting_gives_way_to_a_given_one(void **state)
{
    (void)state;
    struct options options;
    struct noted   noted;
    assert_true(parse(&options, &noted, "--set AUDIT_TRAIL_LEVEL=all"));
    assert_true(options_add_setting(&options, "AUDIT_TRAIL_LEVEL=deletes_only"));
    assert_true(options_add_setting(&options, "AUDIT_TRAIL_LEV=x"));
    assert_int_equal(options.setting_count, 2);
    assert_string_equal(options.settings[0], "AUDIT_TRAIL_LEVEL=all");
    for (size_t i = 2; i < OPTIONS_SET_MAX; i++) {
        static char names[OPTIONS_SET_MAX][32];
        snprintf(names[i], sizeof names[i], "AUDIT_TRAIL_%zu=x", i);
        assert_true(options_add_setting(&options, names[i]));
    }
    assert_false(options_add_setting(&options, "AUDIT_TRAIL_ONE_MORE=x"));
}

static void numbers_are_digits_within_their_limit(void **state)
{
    (void)state;
    unsigned long long number = 7;
    assert_true(options_number("0", 10, &number));
    assert_int_equal(number, 0);
    assert_true(options_number("10", 10, &number));
    assert_int_equal(number, 10);
    assert_true(options_number("9223372036854775807", INT64_MAX, &number));
    assert_true(number == INT64_MAX);
    static const char *const wrong[] = { "", "11", "-1", "+1", "1x", " 1", "9999999999999999999999", "5e1" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(options_number(wrong[i], 10, &number));
    assert_false(options_number("9223372036854775808", INT64_MAX, &number));
    assert_false(options_number("5", 3, &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_is_taken),
        cmocka_unit_test(what_is_wrong_is_a_usage_error),
        cmocka_unit_test(help_is_no_error),
        cmocka_unit_test(common_options_gather_settings),
        cmocka_unit_test(colours_are_chosen_by_a_word),
        cmocka_unit_test(an_added_setting_gives_way_to_a_given_one),
        cmocka_unit_test(numbers_are_digits_within_their_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
