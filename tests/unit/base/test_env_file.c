/* test_env_file.c -- what a line of an env file says, and which line is not one.
 *
 * Goal:   every form that shells and Docker share is read alike; anything else is an error with its line.
 * Method: a table of one-line files, then whole files: CR LF, byte order mark, limits, NUL, missing.
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

#include "base/env_file.h"
#include "base/text.h"

static char path[] = "/tmp/audittrail-env-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_file(const char *data, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void one_line_says_one_thing(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *name; /* NULL: the line says nothing. */
        const char *value;
        const char *problem;
    } cases[] = {
        { "A=b", "A", "b", NULL },
        { "  A = b c  ", "A", "b c", NULL },
        { "export A=b", "A", "b", NULL },
        { "export\tA=b", "A", "b", NULL },
        { "exported=b", "exported", "b", NULL },
        { "export=b", "export", "b", NULL },
        { "A=", "A", "", NULL },
        { "A=#c", "A", "", NULL },
        { "A=b # c", "A", "b", NULL },
        { "A=b#c", "A", "b#c", NULL },
        { "A='b # $c \\n'", "A", "b # $c \\n", NULL },
        { "A='b' # c", "A", "b", NULL },
        { "A=\"b # c\"", "A", "b # c", NULL },
        { "A=\"a\\\"b\\\\c\\$d\\ne\\q\"", "A", "a\"b\\c$d\ne\\q", NULL },
        { "A=\"\"", "A", "", NULL },
        { "A=b=c", "A", "b=c", NULL },
        { "a.b-c_1=x", "a.b-c_1", "x", NULL },
        { "", NULL, NULL, NULL },
        { "# A=b", NULL, NULL, NULL },
        { " \t\r", NULL, NULL, NULL },
        { "A", "A", NULL, "NAME=VALUE" },
        { "=b", "", NULL, "NAME=VALUE" },
        { "1A=b", "", NULL, "NAME=VALUE" },
        { "A B=c", "A", NULL, "NAME=VALUE" },
        { "A: b", "A", NULL, "NAME=VALUE" },
        { "A='b", "A", NULL, "not closed" },
        { "A=\"b\\\"", "A", NULL, "not closed" },
        { "A='b'c", "A", NULL, "behind the closing quote" },
        { "A=\"b\" c", "A", NULL, "behind the closing quote" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct env_file file;
        struct env_line line;
        write_file(cases[i].line, strlen(cases[i].line));
        assert_int_equal(env_file_read(&file, path, NULL), TRAIL_OK);
        assert_int_equal(env_file_next(&file, &line), cases[i].name != NULL);
        if (cases[i].name != NULL && cases[i].problem == NULL) {
            assert_null(line.problem);
            assert_true(text_equal(line.name, trail_str(cases[i].name)));
            assert_true(text_equal(line.value, trail_str(cases[i].value)));
        } else if (cases[i].name != NULL) {
            assert_non_null(line.problem);
            assert_non_null(strstr(line.problem, cases[i].problem));
        }
        assert_false(env_file_next(&file, &line));
        env_file_done(&file);
    }
}

static void line_numbers_count_every_line_and_cr_lf_is_a_line_end(void **state)
{
    (void)state;
    static const char content[] = "\xEF\xBB\xBF# first\r\n\r\nA=b\r\nnonsense\r\nC='d'\r\n";
    struct env_file   file;
    struct env_line   line;

    write_file(content, sizeof content - 1);
    assert_int_equal(env_file_read(&file, path, NULL), TRAIL_OK);
    assert_true(env_file_next(&file, &line));
    assert_int_equal(file.line_number, 3);
    assert_true(text_equal(line.value, trail_str("b")));
    assert_true(env_file_next(&file, &line));
    assert_int_equal(file.line_number, 4);
    assert_non_null(line.problem);
    assert_true(env_file_next(&file, &line));
    assert_int_equal(file.line_number, 5);
    assert_true(text_equal(line.value, trail_str("d")));
    assert_false(env_file_next(&file, &line));
    env_file_done(&file);
}

static void a_file_that_is_too_large_or_no_text_is_refused(void **state)
{
    (void)state;
    struct env_file    file;
    struct trail_error error = { 0 };
    char              *large = malloc(ENV_FILE_BYTES_MAX + 1);
    assert_non_null(large);
    memset(large, '#', ENV_FILE_BYTES_MAX + 1);

    write_file(large, ENV_FILE_BYTES_MAX);
    assert_int_equal(env_file_read(&file, path, &error), TRAIL_OK);
    env_file_done(&file);
    write_file(large, ENV_FILE_BYTES_MAX + 1);
    assert_int_equal(env_file_read(&file, path, &error), TRAIL_EINVAL);
    assert_non_null(strstr(error.message, path));
    env_file_done(&file);
    free(large);

    write_file("A=b\0c", 5);
    assert_int_equal(env_file_read(&file, path, &error), TRAIL_EINVAL);
    env_file_done(&file);
}

static void a_missing_file_and_an_unreadable_one_are_told_apart(void **state)
{
    (void)state;
    struct env_file    file;
    struct trail_error error = { 0 };

    assert_int_equal(env_file_read(&file, "/nonexistent/x.env", &error), TRAIL_ENOTFOUND);
    env_file_done(&file);
    assert_int_equal(env_file_read(&file, "/tmp", &error), TRAIL_EIO);
    assert_non_null(strstr(error.message, "/tmp"));
    env_file_done(&file);
    env_file_done(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_says_one_thing),
        cmocka_unit_test(line_numbers_count_every_line_and_cr_lf_is_a_line_end),
        cmocka_unit_test(a_file_that_is_too_large_or_no_text_is_refused),
        cmocka_unit_test(a_missing_file_and_an_unreadable_one_are_told_apart),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
