/* test_pager.c -- standard output goes through $PAGER, comes back, and a pager that is gone is no error.
 *
 * Goal:   every byte arrives in the pager; the command goes on whatever the pager does.
 * Method: real programs as pagers (dd into a file, true, one that does not exist), with standard output in a file that
 *         stands for the terminal.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/pager.h"
#include "support/temp_dir.h"

/* More than a pipe holds. */
#define MANY_LINES 100000

struct fixture {
    struct temp_dir dir;
    int             saved_out;
    int             saved_err;
};

static int turn_into(FILE *stream, const char *path)
{
    fflush(stream);
    int saved = dup(fileno(stream));
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(saved >= 0 && file >= 0 && dup2(file, fileno(stream)) >= 0);
    close(file);
    return saved;
}

static void turn_back(FILE *stream, int saved)
{
    fflush(stream);
    assert_true(dup2(saved, fileno(stream)) >= 0);
    close(saved);
}

/* From here to end() nothing must be asserted: cmocka prints on standard output. */
static void begin(struct fixture *fixture, const char *pager)
{
    temp_dir_make(&fixture->dir);
    if (pager == NULL)
        unsetenv("PAGER");
    else
        setenv("PAGER", pager, 1);
    fixture->saved_out = turn_into(stdout, temp_dir_at(&fixture->dir, "out"));
    fixture->saved_err = turn_into(stderr, temp_dir_at(&fixture->dir, "err"));
}

static void end(struct fixture *fixture)
{
    turn_back(stdout, fixture->saved_out);
    turn_back(stderr, fixture->saved_err);
}

/* The first bytes of a file of the folder; *ret_size is how many there are in all. */
static const char *content(const struct fixture *fixture, const char *name, size_t *ret_size)
{
    static char text[256];
    FILE       *file = fopen(temp_dir_at(&fixture->dir, name), "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fseek(file, 0, SEEK_END);
    *ret_size = (size_t)ftell(file);
    fclose(file);
    return text;
}

static void every_byte_arrives_in_the_pager(void **state)
{
    (void)state;
    struct fixture fixture;
    struct pager   pager;
    size_t         size;
    char           command[sizeof fixture.dir.path + 64];

    begin(&fixture, "true");
    snprintf(command, sizeof command, "  dd \t status=none  of=%s ", temp_dir_at(&fixture.dir, "paged"));
    setenv("PAGER", command, 1);
    puts("before");
    pager_start(&pager, "test");
    bool started = pager.pid > 0;
    for (int i = 0; i < MANY_LINES; i++)
        printf("%09d\n", i);
    bool quit = pager_has_quit(&pager);
    pager_end(&pager);
    puts("after");
    end(&fixture);

    assert_true(started);
    assert_false(quit);
    assert_memory_equal(content(&fixture, "paged", &size), "000000000\n000000001\n", 20);
    assert_int_equal(size, 10 * MANY_LINES);
    assert_string_equal(content(&fixture, "out", &size), "before\nafter\n");
    assert_string_equal(content(&fixture, "err", &size), "");
    temp_dir_remove(&fixture.dir);
}

static void a_pager_that_quits_is_noticed_and_is_no_error(void **state)
{
    (void)state;
    struct fixture   fixture;
    struct pager     pager;
    struct sigaction pipe_action;
    size_t           size;
    int              lines = 0;

    begin(&fixture, "true");
    pager_start(&pager, "test");
    for (; lines < MANY_LINES && !pager_has_quit(&pager); lines++)
        printf("%09d\n", lines);
    bool quit = pager_has_quit(&pager);
    pager_end(&pager);
    bool in_error = ferror(stdout);
    puts("after");
    sigaction(SIGPIPE, NULL, &pipe_action);
    end(&fixture);

    assert_true(quit);
    assert_true(lines < MANY_LINES);
    assert_false(in_error);
    assert_true(pipe_action.sa_handler == SIG_DFL);
    assert_non_null(strstr(content(&fixture, "out", &size), "after\n"));
    temp_dir_remove(&fixture.dir);
}

/* PAGER, and what stderr says of it. */
struct direct_case {
    const char *pager;
    const char *told;
};

static void without_a_pager_all_is_printed_directly(void **state)
{
    (void)state;
    static char              too_long[2000];
    const struct direct_case cases[] = {
        { "", "" },
        { "   ", "" },
        { "cat", "" },
        { NULL, "" }, /* With TERM=dumb. */
        { "no-such-pager-here -x",
          "audittrail test: cannot start PAGER no-such-pager-here: No such file or directory; printing without it\n" },
        { too_long, "audittrail test: PAGER is too long; printing without it\n" },
    };
    setenv("TERM", "dumb", 1);
    memset(too_long, 'x', sizeof too_long - 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;
        struct pager   pager;
        size_t         size;
        begin(&fixture, cases[i].pager);
        pager_start(&pager, "test");
        pid_t pid = pager.pid;
        puts("printed");
        bool quit = pager_has_quit(&pager);
        pager_end(&pager);
        end(&fixture);

        assert_int_equal(pid, 0);
        assert_false(quit);
        assert_string_equal(content(&fixture, "out", &size), "printed\n");
        assert_string_equal(content(&fixture, "err", &size), cases[i].told);
        temp_dir_remove(&fixture.dir);
    }
}

static void less_shows_colours_without_being_told(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        const char *after;
    } cases[] = { { NULL, "FRX" }, { "i", "i" }, { "", "" } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;
        struct pager   pager;
        unsetenv("LESS");
        if (cases[i].before != NULL)
            setenv("LESS", cases[i].before, 1);
        begin(&fixture, "true");
        pager_start(&pager, "test");
        pager_end(&pager);
        end(&fixture);
        assert_string_equal(getenv("LESS"), cases[i].after);
        temp_dir_remove(&fixture.dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_arrives_in_the_pager),
        cmocka_unit_test(a_pager_that_quits_is_noticed_and_is_no_error),
        cmocka_unit_test(without_a_pager_all_is_printed_directly),
        cmocka_unit_test(less_shows_colours_without_being_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
