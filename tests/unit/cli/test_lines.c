/* test_lines.c -- lines come out whole, whatever pieces they come in; one that is too long is skipped alone.
 *
 * Goal:   no byte lost or added for any end of line and any size around the limit.
 * Method: bytes through a temporary file or a pipe; the limit is met exactly, by one more and by several times more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/lines.h"

static int file_of(const char *data, size_t size)
{
    char name[] = "/tmp/test_lines_XXXXXX";
    int  fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(write(fd, data, size), (ssize_t)size);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void assert_line(struct lines *lines, uint64_t number, const char *expected)
{
    struct trail_text line;
    assert_int_equal(lines_next(lines, &line), LINES_LINE);
    assert_true(text_equal(line, trail_str(expected)));
    assert_int_equal(lines->number, number);
}

static void every_end_of_line_is_understood(void **state)
{
    (void)state;
    static const char text[] = "\xEF\xBB\xBFone\ntwo\r\n\n\r\nfi\rve\n\xEF\xBB\xBFsix\nlast";
    struct lines      lines;
    struct trail_text line;
    int               fd = file_of(text, sizeof text - 1);
    assert_true(lines_open(&lines, fd, -1));
    assert_line(&lines, 1, "one");
    assert_int_equal(lines.bytes, 7); /* The byte order mark and the end included: they are of the file. */
    assert_line(&lines, 2, "two");
    assert_line(&lines, 3, "");
    assert_line(&lines, 4, "");
    assert_line(&lines, 5, "fi\rve");
    assert_line(&lines, 6, "\xEF\xBB\xBFsix");
    assert_line(&lines, 7, "last");
    assert_int_equal(lines.bytes, sizeof text - 1);
    assert_int_equal(lines_next(&lines, &line), LINES_END);
    assert_int_equal(lines_next(&lines, &line), LINES_END);
    lines_close(&lines);
    close(fd);
}

static void an_empty_file_has_no_lines(void **state)
{
    (void)state;
    struct lines      lines;
    struct trail_text line;
    int               fd = file_of("", 0);
    assert_true(lines_open(&lines, fd, -1));
    assert_int_equal(lines_next(&lines, &line), LINES_END);
    lines_close(&lines);
    close(fd);
}

/* A line of `size` bytes between two short ones. */
static void check_size(size_t size, enum lines_result expected, bool with_end)
{
    char *text = malloc(size + 16);
    assert_non_null(text);
    memcpy(text, "first\n", 6);
    memset(text + 6, 'x', size);
    memcpy(text + 6 + size, "\nlast", 5);

    struct lines      lines;
    struct trail_text line;
    int               fd = file_of(text, 6 + size + (with_end ? 5 : 0));
    assert_true(lines_open(&lines, fd, -1));
    assert_line(&lines, 1, "first");
    assert_int_equal(lines_next(&lines, &line), expected);
    assert_int_equal(lines.number, 2);
    if (expected == LINES_LINE)
        assert_int_equal(line.size, size);
    if (with_end)
        assert_line(&lines, 3, "last");
    assert_int_equal(lines.bytes, 6 + size + (with_end ? 5 : 0));
    assert_int_equal(lines_next(&lines, &line), LINES_END);
    lines_close(&lines);
    close(fd);
    free(text);
}

static void the_limit_holds_exactly_and_costs_one_line(void **state)
{
    (void)state;
    static const size_t too_long[] = { LINES_LIMIT_BYTES + 1, LINES_LIMIT_BYTES + 256 * 1024, 5 * LINES_LIMIT_BYTES,
                                       2 * LINES_LIMIT_BYTES + 3 };
    for (int with_end = 0; with_end < 2; with_end++) {
        check_size(1000, LINES_LINE, with_end);
        check_size(LINES_LIMIT_BYTES, LINES_LINE, with_end);
        for (size_t i = 0; i < sizeof too_long / sizeof too_long[0]; i++)
            check_size(too_long[i], LINES_TOO_LONG, with_end);
    }
}

static void pieces_are_put_together(void **state)
{
    (void)state;
    int               ends[2];
    struct lines      lines;
    struct trail_text line;
    assert_int_equal(pipe(ends), 0);
    assert_true(lines_open(&lines, ends[0], -1));
    assert_int_equal(write(ends[1], "one\ntw", 6), 6);
    assert_line(&lines, 1, "one");
    assert_int_equal(write(ends[1], "o\nthr", 5), 5);
    assert_line(&lines, 2, "two");
    assert_int_equal(write(ends[1], "ee", 2), 2);
    close(ends[1]);
    assert_line(&lines, 3, "three");
    assert_int_equal(lines_next(&lines, &line), LINES_END);
    lines_close(&lines);
    close(ends[0]);
}

static void a_stop_is_noticed_although_nothing_comes(void **state)
{
    (void)state;
    int               ends[2];
    int               stop[2];
    struct lines      lines;
    struct trail_text line;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(stop), 0);
    assert_int_equal(write(stop[1], "x", 1), 1);
    assert_true(lines_open(&lines, ends[0], stop[0]));
    assert_int_equal(lines_next(&lines, &line), LINES_STOPPED);
    lines_close(&lines);
    for (int i = 0; i < 2; i++) {
        close(ends[i]);
        close(stop[i]);
    }
}

static void what_cannot_be_read_fails(void **state)
{
    (void)state;
    struct lines      lines;
    struct trail_text line;
    int               fd = open("/tmp", O_RDONLY);
    assert_true(lines_open(&lines, fd, -1));
    assert_int_equal(lines_next(&lines, &line), LINES_FAILED);
    lines_close(&lines);
    close(fd);
    assert_true(lines_open(&lines, fd, -1));
    assert_int_equal(lines_next(&lines, &line), LINES_FAILED);
    lines_close(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_end_of_line_is_understood),
        cmocka_unit_test(an_empty_file_has_no_lines),
        cmocka_unit_test(the_limit_holds_exactly_and_costs_one_line),
        cmocka_unit_test(pieces_are_put_together),
        cmocka_unit_test(a_stop_is_noticed_although_nothing_comes),
        cmocka_unit_test(what_cannot_be_read_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
