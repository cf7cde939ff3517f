/* test_path.c -- a path stays where it is, or is put behind the working directory.
 *
 * Goal:   absolute paths are not touched; relative ones survive a later chdir().
 * Method: a table of paths, resolved in "/" and in a directory that was removed.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/path.h"
#include "base/text.h"

static void relative_paths_stand_behind_the_working_directory(void **state)
{
    (void)state;
    static const struct {
        const char *directory;
        const char *path;
        const char *expected;
    } cases[] = {
        { "/", "/var/x.db", "/var/x.db" },     { "/", "x.db", "/x.db" },      { "/tmp", "x.db", "/tmp/x.db" },
        { "/tmp", "./x.db", "/tmp/x.db" },     { "/tmp", "././x", "/tmp/x" }, { "/tmp", "../x", "/tmp/../x" },
        { "/tmp", ".hidden", "/tmp/.hidden" }, { "/", "//x//y", "/x//y" },    { "/", "///", "/" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out;
        buf_init(&out, NULL, 0);
        assert_int_equal(chdir(cases[i].directory), 0);
        assert_int_equal(path_absolute(trail_str(cases[i].path), &out), TRAIL_OK);
        assert_true(text_equal(buf_text(&out), trail_str(cases[i].expected)));
        buf_done(&out);
    }
}

static void a_removed_working_directory_is_an_error_only_for_relative_paths(void **state)
{
    (void)state;
    char directory[] = "/tmp/audittrail-path-XXXXXX";
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    assert_int_equal(rmdir(directory), 0);

    struct buf out;
    buf_init(&out, NULL, 0);
    assert_int_equal(path_absolute(trail_str("x"), &out), TRAIL_EIO);
    assert_int_equal(out.size, 0);
    assert_int_equal(path_absolute(trail_str("/x"), &out), TRAIL_OK);
    buf_done(&out);
    assert_int_equal(chdir("/"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relative_paths_stand_behind_the_working_directory),
        cmocka_unit_test(a_removed_working_directory_is_an_error_only_for_relative_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
