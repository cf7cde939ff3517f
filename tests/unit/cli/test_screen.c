/* test_screen.c -- colours are for terminals, and NO_COLOR, TERM and --color are obeyed.
 *
 * Goal:   no escape sequence where nobody asked for one.
 * Method: a pseudo terminal and a plain file, under every environment that decides.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>
#include <string.h>

#include "cli/screen.h"

/* The program's side of a pseudo terminal of 100 x 40. */
static FILE *open_terminal(int *ret_master)
{
    struct winsize size = { .ws_col = 100, .ws_row = 40 };
    int            master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master) | unlockpt(master), 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0);
    assert_int_equal(ioctl(terminal, TIOCSWINSZ, &size), 0);
    *ret_master = master;
    FILE *out = fdopen(terminal, "w");
    assert_non_null(out);
    return out;
}

static void set(const char *name, const char *value)
{
    assert_int_equal(value != NULL ? setenv(name, value, 1) : unsetenv(name), 0);
}

static struct screen screen_with(const char *colors, FILE *out)
{
    assert_true(screen_choose_colors(colors));
    return screen_of(out);
}

static void a_terminal_has_colours_unless_the_environment_says_no(void **state)
{
    (void)state;
    static const struct {
        const char *term;
        const char *no_color;
        bool        colors;
    } cases[] = {
        { "xterm", NULL, true }, { "xterm", "", true }, { "xterm", "1", false }, { "xterm", "0", false },
        { "dumb", NULL, false }, { NULL, NULL, false }, { "", NULL, false },
    };
    int   master = -1;
    FILE *terminal = open_terminal(&master);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set("TERM", cases[i].term);
        set("NO_COLOR", cases[i].no_color);
        struct screen screen = screen_with("auto", terminal);
        assert_int_equal(screen.colors, cases[i].colors);
        assert_int_equal(screen.width, 100);
        assert_int_equal(screen.height, 40);
        assert_true(screen_with("always", terminal).colors);
        assert_false(screen_with("never", terminal).colors);
    }
    fclose(terminal);
    close(master);
}

static void off_a_terminal_there_are_colours_only_by_order(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    set("TERM", "xterm");
    set("NO_COLOR", NULL);
    struct screen screen = screen_with("auto", file);
    assert_false(screen.colors);
    assert_int_equal(screen.width, 0);
    assert_int_equal(screen.height, 0);
    assert_true(screen_with("always", file).colors);
    fclose(file);
}

static void a_wrong_word_changes_nothing(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(screen_choose_colors("always"));
    assert_false(screen_choose_colors("yes"));
    assert_false(screen_choose_colors(""));
    assert_true(screen_of(file).colors);
    assert_true(screen_choose_colors("auto"));
    assert_false(screen_of(file).colors);
    fclose(file);
}

static void every_style_that_begins_also_ends(void **state)
{
    (void)state;
    for (enum style style = STYLE_PLAIN; style <= STYLE_GAP; style++) {
        assert_int_equal(style_begin(style)[0] != '\0', style_end(style)[0] != '\0');
        assert_int_equal(style_begin(style)[0] != '\0', style != STYLE_PLAIN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_has_colours_unless_the_environment_says_no),
        cmocka_unit_test(off_a_terminal_there_are_colours_only_by_order),
        cmocka_unit_test(a_wrong_word_changes_nothing),
        cmocka_unit_test(every_style_that_begins_also_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
