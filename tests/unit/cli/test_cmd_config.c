/* test_cmd_config.c -- exit codes and streams of `audittrail config`.
 *
 * Goal:   show and check tell every problem on stderr and fail; a wrong command line is a usage error.
 * Method: the command's function is called with stdout and stderr in files, and both are searched.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/commands.h"

#define ARGUMENTS_MAX 8

struct output {
    int  exit_code;
    char out[65536];
    char err[65536];
};

static int into_file(FILE *stream, FILE *file)
{
    fflush(stream);
    int saved = dup(fileno(stream));
    assert_true(saved >= 0 && dup2(fileno(file), fileno(stream)) >= 0);
    return saved;
}

static void back(FILE *stream, int saved, FILE *file, char *text, size_t size)
{
    fflush(stream);
    assert_true(dup2(saved, fileno(stream)) >= 0);
    close(saved);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void run(struct output *output, const char *const *arguments)
{
    char  storage[ARGUMENTS_MAX][256];
    char *argv[ARGUMENTS_MAX + 1] = { NULL };
    int   argc = 0;
    for (; arguments[argc] != NULL; argc++) {
        snprintf(storage[argc], sizeof storage[argc], "%s", arguments[argc]);
        argv[argc] = storage[argc];
    }
    FILE *out = tmpfile();
    FILE *err = tmpfile();
    assert_true(out != NULL && err != NULL);
    int saved_out = into_file(stdout, out);
    int saved_err = into_file(stderr, err);
    output->exit_code = cmd_config(argc, argv);
    back(stdout, saved_out, out, output->out, sizeof output->out);
    back(stderr, saved_err, err, output->err, sizeof output->err);
}

static void every_line_ends_with_the_right_code_and_says_the_right_thing(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[ARGUMENTS_MAX];
        int         exit_code;
        const char *out; /* Part of it; NULL: nothing. */
        const char *err;
    } cases[] = {
        { { "config", "check" }, EXIT_CODE_OK, "settings are valid", NULL },
        { { "config", "check", "--env-file", "/nonexistent" }, EXIT_CODE_FAILURE, NULL, "error: cannot open" },
        { { "config", "check", "--set", "AUDIT_TRAIL_LEVEL=x", "--set", "AUDIT_TRAIL_ASYNC=x" },
          EXIT_CODE_FAILURE,
          NULL,
          "AUDIT_TRAIL_ASYNC=x (option) is not valid" },
        { { "config", "check", "--set", "AUDIT_TRAIL_LEVLE=x" }, EXIT_CODE_OK, "valid", "warning: AUDIT_TRAIL_LEVLE" },
        { { "config", "show" }, EXIT_CODE_OK, "AUDIT_TRAIL_LEVEL", NULL },
        { { "config", "show", "-o", "json", "--set", "AUDIT_TRAIL_LEVEL=all" },
          EXIT_CODE_OK,
          "\"AUDIT_TRAIL_LEVEL\": {\"value\": \"all\", \"source\": \"option\"}",
          NULL },
        { { "config", "show", "--set", "AUDIT_TRAIL_LEVEL=x" }, EXIT_CODE_FAILURE, "AUDIT_TRAIL_LEVEL", "error: " },
        { { "config", "env" }, EXIT_CODE_OK, "#AUDIT_TRAIL_LEVEL=writes_only", NULL },
        { { "config", "docs" }, EXIT_CODE_OK, "# Settings", NULL },
        { { "config" }, EXIT_CODE_USAGE, NULL, "expected show, check, env or docs" },
        { { "config", "shwo" }, EXIT_CODE_USAGE, NULL, "not shwo" },
        { { "config", "show", "-o", "xml" }, EXIT_CODE_USAGE, NULL, "table or json" },
        { { "config", "show", "check" }, EXIT_CODE_USAGE, NULL, "too many arguments" },
    };
    static struct output output;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run(&output, cases[i].arguments);
        assert_int_equal(output.exit_code, cases[i].exit_code);
        if (cases[i].out == NULL)
            assert_string_equal(output.out, "");
        else
            assert_non_null(strstr(output.out, cases[i].out));
        if (cases[i].err == NULL)
            assert_string_equal(output.err, "");
        else
            assert_non_null(strstr(output.err, cases[i].err));
    }
}

static void a_password_is_shown_nowhere(void **state)
{
    (void)state;
    static struct output     output;
    static const char *const arguments[] = { "config", "show", "--set",
                                             "AUDIT_TRAIL_DATABASE_URL=postgresql://u:geheim@h/d", NULL };
    run(&output, arguments);
    assert_non_null(strstr(output.out, "postgresql://u:***@h/d"));
    assert_null(strstr(output.err, "geheim"));
    assert_null(strstr(output.out, "geheim"));
}

/* An empty working directory and no settings but a home. */
static int start_clean(void **state)
{
    (void)state;
    return clearenv() == 0 && setenv("HOME", "/h", 1) == 0 && chdir("/") == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_ends_with_the_right_code_and_says_the_right_thing),
        cmocka_unit_test(a_password_is_shown_nowhere),
    };
    return cmocka_run_group_tests(tests, start_clean, NULL);
}
